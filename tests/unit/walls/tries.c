/* SPDX-License-Identifier: ISC */
/* tries.c - see tries.h. Raw system calls: the C library is not between. */
#include "config.h"

#include "tries.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proc/counters.h"

/* Newer than the headers of Debian 12; the same numbers everywhere. */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define W const struct tries_world *w UNUSED
#define TRY(name, ...)                                                                    \
	static long                                                                       \
	name(W)                                                                           \
	{                                                                                 \
		return __VA_ARGS__;                                                       \
	}

/* ---- files ---- */

TRY(open_passwd, syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY))
TRY(open_root, syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY))
TRY(open_ca, syscall(SYS_openat, AT_FDCWD, w->ca_file, O_RDONLY))
TRY(open_own_memory, syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR))
TRY(open_urandom, syscall(SYS_openat, AT_FDCWD, "/dev/urandom", O_RDONLY))
TRY(make_file, syscall(SYS_openat, AT_FDCWD, w->outside, O_CREAT | O_WRONLY, 0600))
TRY(make_spool_file, syscall(SYS_openat, AT_FDCWD, w->spool, O_CREAT | O_WRONLY, 0600))
TRY(make_dir, syscall(SYS_mkdirat, AT_FDCWD, w->outside, 0700))
TRY(make_link, syscall(SYS_symlinkat, "/etc/passwd", AT_FDCWD, w->spool))
TRY(make_node, syscall(SYS_mknodat, AT_FDCWD, w->spool, S_IFIFO | 0600, 0))
TRY(remove_file, syscall(SYS_unlinkat, AT_FDCWD, w->victim, 0))
TRY(link_in, syscall(SYS_linkat, AT_FDCWD, w->victim, AT_FDCWD, w->spool, 0))
TRY(rename_in, syscall(SYS_renameat2, AT_FDCWD, w->victim, AT_FDCWD, w->spool, 0))
TRY(truncate_file, syscall(SYS_truncate, w->victim, 0))
TRY(change_mode, syscall(SYS_fchmodat, AT_FDCWD, w->victim, 0600))
TRY(change_owner, syscall(SYS_fchownat, AT_FDCWD, w->victim, getuid(), getgid(), 0))
TRY(watch_files, syscall(SYS_inotify_init1, 0))
TRY(execute, syscall(SYS_execve, "/bin/true", NULL, NULL))
TRY(execute_at, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))

static long
rename_out(W)
{
	char made[320];
	int fd;

	(void)snprintf(made, sizeof(made), "%s.made", w->spool);
	fd = (int)syscall(SYS_openat, AT_FDCWD, made, O_CREAT | O_WRONLY, 0600);
	if (fd == -1)
		return -1;
	return syscall(SYS_renameat2, AT_FDCWD, made, AT_FDCWD, w->outside, 0);
}

/* ---- processes ---- */

TRY(fork_one, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
TRY(new_clone, syscall(SYS_clone3, NULL, 0))
TRY(trace, syscall(SYS_ptrace, PTRACE_ATTACH, w->sibling, 0, 0))
TRY(read_other, syscall(SYS_process_vm_readv, w->sibling, NULL, 0UL, NULL, 0UL, 0UL))
TRY(write_other, syscall(SYS_process_vm_writev, w->sibling, NULL, 0UL, NULL, 0UL, 0UL))
TRY(signal_other, syscall(SYS_kill, w->sibling, 0))
TRY(signal_master, syscall(SYS_kill, w->self->master_pid, 0))
TRY(signal_thread_of_other, syscall(SYS_tgkill, w->sibling, w->sibling, 0))
TRY(queue_signal, syscall(SYS_rt_sigqueueinfo, w->sibling, 0, NULL))
TRY(open_pidfd, syscall(SYS_pidfd_open, w->sibling, 0))
TRY(take_descriptor, syscall(SYS_pidfd_getfd, 0, 0, 0))
TRY(compare, syscall(SYS_kcmp, getpid(), w->sibling, 0, 0, 0))
TRY(schedule, syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &(struct sched_param){0}))
TRY(be_nice, syscall(SYS_setpriority, PRIO_PROCESS, 0, 1))
TRY(new_session, syscall(SYS_setpgid, 0, 0))

static void *
thread(void *arg)
{
	return arg;
}

static long
start_thread(W)
{
	pthread_t t;

	errno = pthread_create(&t, NULL, thread, NULL);
	return errno == 0 ? 0 : -1;
}

/* ---- network ---- */

TRY(local_socket, syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0))
TRY(route_socket, syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0))
TRY(packet_socket, syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0))
TRY(crypto_socket, syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0))
TRY(vm_socket, syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0))
TRY(inet_socket, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))
TRY(inet6_socket, syscall(SYS_socket, AF_INET6, SOCK_DGRAM, 0))
TRY(pair, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int[2]){0, 0}))
TRY(connect_it, syscall(SYS_connect, w->self->master_fd, NULL, 0))
TRY(accept_it, syscall(SYS_accept4, w->self->master_fd, NULL, NULL, 0))

static int
tcp_socket(void)
{
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	/* Who may have none is not stopped by that alone. */
	return fd != -1 ? fd : STDIN_FILENO;
}

static long
bind_port(W)
{
	struct sockaddr_in any = {.sin_family = AF_INET};

	return syscall(SYS_bind, tcp_socket(), &any, sizeof(any));
}

static long
bind_datagrams(W)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);

	return syscall(SYS_bind, fd != -1 ? fd : STDIN_FILENO, &any, sizeof(any));
}

TRY(listen_it, syscall(SYS_listen, tcp_socket(), 1))

static long
filter_socket(W)
{
	struct {
		unsigned short len;
		void *filter;
	} none = {0, NULL};

	return syscall(SYS_setsockopt, tcp_socket(), SOL_SOCKET, SO_ATTACH_FILTER, &none,
	    sizeof(none));
}

/* ---- memory ---- */

static long
executable_map(W)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0) == -1 ? -1 : 0;
}

static long
executable_later(W)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

TRY(memory_file, syscall(SYS_memfd_create, "x", 0))
TRY(secret_memory_file, syscall(SYS_memfd_secret, 0))

static struct counters *
other_slot(const struct tries_world *w)
{
	return &w->self->counters[w->self->slot == SLOT_MASTER ? 0 : SLOT_MASTER];
}

static long
write_counters(W)
{
	counter_set(&other_slot(w)->beat, 1);
	return 0;
}

TRY(unlock_counters, mprotect(other_slot(w), 4096, PROT_READ | PROT_WRITE))

static long
map_writable(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ?
	    -1 : 0;
}

TRY(write_cache, map_writable(w->self->cert_cache->fd))
TRY(write_keyring, map_writable(w->self->keyring->fd))
TRY(write_trust, map_writable(w->self->trust_fd))
TRY(write_receipts, map_writable(w->self->receipts_fd))

/* ---- the kernel ---- */

TRY(mount_it, syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL))
TRY(unmount, syscall(SYS_umount2, "/", 0))
TRY(open_mount, syscall(SYS_fsopen, "tmpfs", 0))
TRY(change_root, syscall(SYS_chroot, "/"))
TRY(pivot, syscall(SYS_pivot_root, "/", "/"))
TRY(unshare_it, syscall(SYS_unshare, CLONE_NEWUSER))
TRY(enter_namespace, syscall(SYS_setns, 0, 0))
TRY(load_bpf, syscall(SYS_bpf, 0, NULL, 0))
TRY(perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
TRY(fault_handler, syscall(SYS_userfaultfd, 0))
TRY(ring_setup, syscall(SYS_io_uring_setup, 1, NULL))
TRY(add_a_key, syscall(SYS_add_key, "user", "x", "y", 1UL, -3))
TRY(use_keys, syscall(SYS_keyctl, 0, -3, 0, 0, 0))
TRY(load_module, syscall(SYS_init_module, NULL, 0UL, ""))
TRY(load_module_file, syscall(SYS_finit_module, -1, "", 0))
TRY(reboot_it, syscall(SYS_reboot, 0, 0, 0, NULL))
TRY(swap_on, syscall(SYS_swapon, "/", 0))
TRY(quota, syscall(SYS_quotactl, 0, NULL, 0, NULL))
TRY(set_time, syscall(SYS_clock_settime, 0, NULL))
TRY(set_host, syscall(SYS_sethostname, "x", 1UL))
TRY(open_by_handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
TRY(other_personality, syscall(SYS_personality, 0xffffffffUL))
TRY(kernel_log, syscall(SYS_syslog, 10, NULL, 0))
TRY(message_queue, syscall(SYS_msgget, 0, 01600))
TRY(control_device, syscall(SYS_ioctl, STDIN_FILENO, 0x5401, NULL))
TRY(copy_pipe, syscall(SYS_splice, STDIN_FILENO, NULL, STDIN_FILENO, NULL, 1UL, 0))

/* ---- out of the walls ---- */

TRY(be_root, syscall(SYS_setresuid, 0, 0, 0))
TRY(be_in_group, syscall(SYS_setgroups, 0UL, NULL))
TRY(take_capabilities, syscall(SYS_capset, NULL, NULL))
TRY(be_dumpable, prctl(PR_SET_DUMPABLE, 1))
TRY(another_filter, syscall(SYS_seccomp, 0, 0, NULL))
TRY(another_filter_by_prctl, prctl(PR_SET_SECCOMP, 2, NULL))
TRY(outlive_master, prctl(PR_SET_PDEATHSIG, 0))
TRY(raise_limit, syscall(SYS_prlimit64, 0, RLIMIT_CORE, &(struct rlimit){1, 1}, NULL))
TRY(set_limit_of_other, syscall(SYS_prlimit64, w->sibling, RLIMIT_NOFILE,
    &(struct rlimit){1, 1}, NULL))

#if defined(__x86_64__)
/* The other two tables of calls that a 64-bit kernel has. */
static long
call_x32(W)
{
	return syscall(0x40000000L | SYS_getpid);
}

static long
call_32_bits(W)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10",
	    "r11");
	if (result >= 0)
		return 0;
	errno = (int)-result;
	return -1;
}
#endif

const struct try tries[] = {
    {"open /etc/passwd", TRY_ALL, TRY_FENCED, true, open_passwd},
    {"open a directory", TRY_ALL, TRY_FENCED, true, open_root},
    {"open the CA's file", TRY_ALL, TRY_FENCED, true, open_ca},
    {"open /proc/self/mem", TRY_ALL, TRY_FENCED, true, open_own_memory},
    {"open a device", TRY_ALL, TRY_FENCED, true, open_urandom},
    {"make a file", TRY_ALL, TRY_FENCED, true, make_file},
    {"make a file in the spool", TRY_SIGNER | TRY_WORKER, TRY_DENIED, true, make_spool_file},
    {"make a directory", TRY_ALL, TRY_FENCED, true, make_dir},
    {"make a symbolic link", TRY_ALL, TRY_DENIED, true, make_link},
    {"make a named pipe", TRY_ALL, TRY_KILLED, true, make_node},
    {"remove a file", TRY_ALL, TRY_FENCED, true, remove_file},
    {"link a file into the spool", TRY_ALL, TRY_FENCED, true, link_in},
    {"rename a file into the spool", TRY_ALL, TRY_FENCED, true, rename_in},
    {"rename a file out of the spool", TRY_ALL, TRY_FENCED, true, rename_out},
    {"truncate a file", TRY_ALL, TRY_DENIED, true, truncate_file},
    {"change a file's mode", TRY_ALL, TRY_DENIED, true, change_mode},
    {"change a file's owner", TRY_ALL, TRY_DENIED, true, change_owner},
    {"watch files", TRY_ALL, TRY_DENIED, true, watch_files},
    {"execute", TRY_ALL, TRY_KILLED, true, execute},
    {"execute relative to a descriptor", TRY_ALL, TRY_KILLED, true, execute_at},

    {"fork", TRY_ALL, TRY_KILLED, true, fork_one},
    {"clone3", TRY_ALL, TRY_KILLED, false, new_clone},
    {"start a thread", TRY_ALL, TRY_KILLED, true, start_thread},
    {"trace a sibling", TRY_ALL, TRY_KILLED, false, trace},
    {"read a sibling's memory", TRY_ALL, TRY_KILLED, false, read_other},
    {"write a sibling's memory", TRY_ALL, TRY_KILLED, false, write_other},
    {"signal a sibling", TRY_ALL, TRY_KILLED, true, signal_other},
    {"signal the master", TRY_ALL, TRY_KILLED, true, signal_master},
    {"signal a sibling's thread", TRY_ALL, TRY_DENIED, true, signal_thread_of_other},
    {"queue a signal", TRY_ALL, TRY_KILLED, false, queue_signal},
    {"open a sibling", TRY_ALL, TRY_DENIED, true, open_pidfd},
    {"take a sibling's descriptor", TRY_ALL, TRY_KILLED, false, take_descriptor},
    {"compare with a sibling", TRY_ALL, TRY_KILLED, false, compare},
    {"change the scheduler", TRY_ALL, TRY_DENIED, true, schedule},
    {"change the priority", TRY_ALL, TRY_DENIED, true, be_nice},
    {"change the process group", TRY_ALL, TRY_DENIED, true, new_session},

    {"a local socket", TRY_ALL, TRY_DENIED, true, local_socket},
    {"a netlink socket", TRY_ALL, TRY_DENIED, true, route_socket},
    {"a packet socket", TRY_ALL, TRY_DENIED, false, packet_socket},
    {"a crypto socket", TRY_ALL, TRY_DENIED, false, crypto_socket},
    {"a socket to the hypervisor", TRY_ALL, TRY_DENIED, false, vm_socket},
    {"an IPv4 socket", TRY_SIGNER | TRY_RECORDER, TRY_DENIED, true, inet_socket},
    {"an IPv6 socket", TRY_SIGNER | TRY_RECORDER, TRY_DENIED, false, inet6_socket},
    {"a pair of sockets", TRY_ALL, TRY_DENIED, true, pair},
    {"connect", TRY_SIGNER | TRY_RECORDER, TRY_DENIED, false, connect_it},
    {"accept", TRY_SIGNER | TRY_RECORDER, TRY_DENIED, false, accept_it},
    {"bind a port", TRY_ALL, TRY_DENIED, true, bind_port},
    {"bind a port for datagrams", TRY_ALL, TRY_DENIED, true, bind_datagrams},
    {"listen", TRY_ALL, TRY_DENIED, true, listen_it},
    {"attach a filter to a socket", TRY_ALL, TRY_DENIED, false, filter_socket},

    {"map executable memory", TRY_ALL, TRY_DENIED, true, executable_map},
    {"make memory executable", TRY_ALL, TRY_DENIED, true, executable_later},
    {"make a file in memory", TRY_ALL, TRY_KILLED, true, memory_file},
    {"make a secret file in memory", TRY_ALL, TRY_KILLED, false, secret_memory_file},
    {"write another's counters", TRY_ALL, TRY_FAULT, true, write_counters},
    {"make another's counters writable", TRY_ALL, TRY_DENIED, true, unlock_counters},
    {"map the certificates writable", TRY_WORKER, TRY_DENIED, false, write_cache},
    {"map the keys writable", TRY_WORKER, TRY_DENIED, false, write_keyring},
    {"map the list of bypasses writable", TRY_WORKER, TRY_DENIED, false, write_trust},
    {"map the receipts writable", TRY_WORKER, TRY_DENIED, false, write_receipts},

    {"mount", TRY_ALL, TRY_KILLED, false, mount_it},
    {"unmount", TRY_ALL, TRY_KILLED, false, unmount},
    {"prepare a mount", TRY_ALL, TRY_KILLED, false, open_mount},
    {"change the root", TRY_ALL, TRY_KILLED, false, change_root},
    {"exchange the root", TRY_ALL, TRY_KILLED, false, pivot},
    {"make a namespace", TRY_ALL, TRY_KILLED, false, unshare_it},
    {"enter a namespace", TRY_ALL, TRY_KILLED, false, enter_namespace},
    {"bpf", TRY_ALL, TRY_KILLED, false, load_bpf},
    {"perf events", TRY_ALL, TRY_KILLED, false, perf},
    {"handle page faults", TRY_ALL, TRY_KILLED, false, fault_handler},
    {"io_uring", TRY_ALL, TRY_KILLED, false, ring_setup},
    {"add a key", TRY_ALL, TRY_KILLED, false, add_a_key},
    {"use the keyring", TRY_ALL, TRY_KILLED, false, use_keys},
    {"load a module", TRY_ALL, TRY_KILLED, false, load_module},
    {"load a module from a file", TRY_ALL, TRY_KILLED, false, load_module_file},
    {"reboot", TRY_ALL, TRY_KILLED, false, reboot_it},
    {"swap", TRY_ALL, TRY_KILLED, false, swap_on},
    {"quota", TRY_ALL, TRY_KILLED, false, quota},
    {"set the clock", TRY_ALL, TRY_KILLED, false, set_time},
    {"set the host's name", TRY_ALL, TRY_KILLED, false, set_host},
    {"open a file by its handle", TRY_ALL, TRY_KILLED, false, open_by_handle},
    {"another personality", TRY_ALL, TRY_KILLED, true, other_personality},
    {"read the kernel's log", TRY_ALL, TRY_KILLED, false, kernel_log},
    {"a message queue", TRY_ALL, TRY_DENIED, true, message_queue},
    {"control a device", TRY_ALL, TRY_DENIED, false, control_device},
    {"splice", TRY_ALL, TRY_DENIED, false, copy_pipe},

    {"become root", TRY_ALL, TRY_KILLED, false, be_root},
    {"change groups", TRY_ALL, TRY_KILLED, false, be_in_group},
    {"take capabilities", TRY_ALL, TRY_KILLED, false, take_capabilities},
    {"be dumpable", TRY_ALL, TRY_DENIED, true, be_dumpable},
    {"another filter", TRY_ALL, TRY_KILLED, false, another_filter},
    {"another filter by prctl", TRY_ALL, TRY_DENIED, false, another_filter_by_prctl},
    {"outlive the master", TRY_ALL, TRY_DENIED, true, outlive_master},
    {"raise a limit", TRY_ALL, TRY_DENIED, false, raise_limit},
    {"set a sibling's limit", TRY_ALL, TRY_DENIED, false, set_limit_of_other},
#if defined(__x86_64__)
    {"a call of x32", TRY_ALL, TRY_KILLED, false, call_x32},
    {"a call of 32 bits", TRY_ALL, TRY_KILLED, false, call_32_bits},
#endif
};
const size_t ntries = NELEM(tries);
