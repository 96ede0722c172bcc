# SPDX-License-Identifier: ISC
"""broken_worker.py - what whoever has taken over a worker can send: root takes a copy of
the descriptor over which that worker asks the signer."""
import ctypes
import os
import re
import socket
import struct

from .wire import TIMEOUT

SIGN_ASK, SIGN_ANSWER = 0x10, 0x11
OK, REFUSED, BUSY, BROKEN = range(4)
PIDFD_OPEN, PIDFD_GETFD = 434, 438
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, SHOW_PEER, DIAG_PEER = 4, 20, 4, 2
LIBC = ctypes.CDLL(None, use_errno=True)


def syscall(number, *args):
    result = LIBC.syscall(number, *args)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def sockets(pid):
    """inode: descriptor, of those that are sockets."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
        if inode:
            found[int(inode[1])] = int(fd)
    return found


def peer_of(inode):
    """The other end of a Unix socket, or None for what is no such socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
        link.send(struct.pack("=IHHIIBBHIIIII", 40, SOCK_DIAG_BY_FAMILY, 1, 1, 0,
                              socket.AF_UNIX, 0, 0, 0xffffffff, inode, SHOW_PEER,
                              0xffffffff, 0xffffffff))
        data = link.recv(4096)
    kind, at = struct.unpack_from("=IH", data)[1], 32
    while kind == SOCK_DIAG_BY_FAMILY and at + 4 <= len(data):
        length, attribute = struct.unpack_from("=HH", data, at)
        if attribute == DIAG_PEER:
            return struct.unpack_from("=I", data, at + 4)[0]
        at += (length + 3) & ~3
    return None


def copy_of(pid, fd):
    pidfd = syscall(PIDFD_OPEN, pid, 0)
    try:
        return socket.socket(fileno=syscall(PIDFD_GETFD, pidfd, fd, 0))
    finally:
        os.close(pidfd)


def way_to(worker, signer):
    """A copy of the worker's end of its channel to the signer."""
    ends = sockets(signer)
    for inode, fd in sockets(worker).items():
        if peer_of(inode) in ends:
            sock = copy_of(worker, fd)
            sock.settimeout(TIMEOUT)
            return sock
    raise AssertionError("no channel from the worker to the signer")


def counted(data):
    return struct.pack(">I", len(data)) + data


def dns(*names):
    return b"".join(struct.pack(">BH", 2, len(n)) + n for n in names)


def ask(name=b"a.test", number=0x7fffffff, recipe=0, key=0, staple=0, copy=0, key_usage=0,
        not_before=0, not_after=0, cn=b"", org=b"", names=b"", why=b""):
    """The body of a SIGN_ASK."""
    return (struct.pack(">IBBBII", number, recipe, key, staple, copy, key_usage) + bytes(32) +
            struct.pack(">qq", not_before, not_after) + b"".join(map(counted, (
                name, cn, org, names, why))))


def message(body, kind=SIGN_ASK):
    return struct.pack(">II", kind, len(body)) + body


def answer(sock):
    """(status, reason, the leaf in DER or None)"""
    data = sock.recv(65536)
    assert data and struct.unpack_from(">I", data)[0] == SIGN_ANSWER, data[:16]
    status = data[12]
    n, = struct.unpack_from(">I", data, 21)
    bundle, rest = data[25:25 + n], data[25 + n:]
    leaf = re.search(rb"\x30\x82..", bundle, re.S)
    return status, rest[4:].decode(), bundle[leaf.start():] if leaf else None
