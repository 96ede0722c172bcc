# SPDX-License-Identifier: ISC
"""The CA's private key is in the signer's memory and in its file, nowhere else."""
import ctypes
import os
import pathlib
import re
import signal

import pytest

from env.certs import openssl
from env.mitmd import SANITIZED, wait_for

PIECE = 1 << 20
SHADOW = 1 << 32		# a sanitizer's notes on all memory there could be: terabytes of them
MEMFD_SECRET = 447
ROLES = ("master", "recorder", "worker")


def secrets_of(file):
    """
    What gives the key away, in every form it may have: the numbers as they are on disk and
    as OpenSSL computes with them (words of a little-endian machine), a piece of each being
    enough; and the text.
    """
    text = openssl("pkey", "-in", file, "-noout", "-text").decode()
    found = []
    for name in ("priv", "privateExponent", "prime1", "prime2"):
        part = re.search(rf"^{name}:\n((?:    .*\n)+)", text, re.M)
        if part:
            number = bytes.fromhex(re.sub(r"[\s:]", "", part[1])).lstrip(b"\0")
            for form in (number, number[::-1]):
                found += [form[:16], form[-16:]] if len(form) <= 32 else [form[40:56]]
    lines = re.findall(r"^[A-Za-z0-9+/]{64}$", pathlib.Path(file).read_text()
                       .partition("-----END")[0], re.M)
    assert found and lines
    # The first line says which curve it is, and is every key's.
    return found + [line.encode() for line in lines[1:4]]


def has_any(data, secrets):
    return any(secret in data for secret in secrets)


def regions(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights = line.split()[:2]
        if "r" in rights and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            start, end = (int(word, 16) for word in span.split("-"))
            if not SANITIZED or end - start < SHADOW:
                yield start, end, line


def found_in_memory(pid, secrets):
    """The mapped regions, shared ones too, that have one of them; pieces overlap."""
    hits, seen = [], 0
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end, line in regions(pid):
            for at in range(start, end, PIECE):
                try:
                    memory.seek(at)
                    data = memory.read(min(PIECE + 64, end - at))
                except OSError:		# guard pages, and files shorter than their mapping
                    continue
                seen += len(data)
                if has_any(data, secrets):
                    hits.append(line)
                    break
    assert seen > PIECE, "nothing could be read"
    return hits


def found_in_descriptors(pid, secrets):
    """Shared memory that is open but not mapped, and deleted files."""
    hits = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
            if not target.startswith(("/memfd:", "/dev/shm/")) and "(deleted)" not in target:
                continue
            with open(link, "rb") as file:
                if has_any(file.read(), secrets):
                    hits.append(target)
        except OSError:
            continue
    return hits


def found_in_files(mitmd, secrets):
    every = [p for place in (mitmd.ca_dir, mitmd.spool) for p in place.rglob("*") if p.is_file()]
    assert len(every) > 5
    return [p.name for p in every
            if p != mitmd.ca_dir / "mitmd-ca.pem" and has_any(p.read_bytes(), secrets)]


def is_allowed(mitmd):
    """Processes with a key forbid their own user to look; root may."""
    try:
        with open(f"/proc/{mitmd.pids('worker')[0]}/mem", "rb", 0) as memory:
            start, _, _ = next(regions(mitmd.pids("worker")[0]))
            memory.seek(start)
            return bool(memory.read(1))
    except OSError:
        return False


def check(mitmd, secrets):
    signers = mitmd.pids("signer")
    if is_allowed(mitmd):
        # Else the search would be worth nothing. (The key itself may be out of sight there.)
        der = openssl("x509", "-in", mitmd.ca, "-outform", "DER")
        assert all(found_in_memory(pid, [der[40:80]]) for pid in signers)
        pids = [mitmd.process.pid] + [p for role in ROLES[1:] for p in mitmd.pids(role)]
        assert len(pids) >= 4
        for pid in pids:
            assert not found_in_memory(pid, secrets), pid
            assert not found_in_descriptors(pid, secrets), pid
    for pid in signers:
        if is_allowed(mitmd):
            assert not found_in_descriptors(pid, secrets)
    assert not found_in_files(mitmd, secrets)
    assert not has_any(mitmd.log_text().encode(), secrets)


def kernel_has_secret_memory():
    fd = ctypes.CDLL(None).syscall(MEMFD_SECRET, 0)
    if fd != -1:
        os.close(fd)
    return fd != -1


def protected_pages(pid):
    """Mappings by what the kernel says of them: secret, or locked and left out of dumps."""
    secret = locked = 0
    for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", pathlib.Path(f"/proc/{pid}/smaps").read_text()):
        flags = re.search(r"^VmFlags: (.*)$", part, re.M)[1].split()
        secret += "/secretmem" in part.splitlines()[0]
        locked += "lo" in flags and "dd" in flags
    return secret, locked


def use(mitmd, start_origin, certs, tag, name):
    """Leafs of both kinds, new ones each time."""
    old_client = ("--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")
    mitmd.curl(tag).ok(start_origin(certs.leaf(f"{name}-ec")).url())
    mitmd.curl(tag).ok(start_origin(certs.leaf(f"{name}-rsa", key="rsa")).url(), *old_client)


@pytest.fixture(params=["ec", "rsa"])
def subject(request, own_mitmd):
    return own_mitmd({"ca": {"key_type": request.param}, "log": {"level": "debug"}})


def test_only_the_signer_has_the_key(subject, start_origin, certs, tag):
    mitmd = subject
    secrets = secrets_of(mitmd.ca_dir / "mitmd-ca.pem")
    assert has_any((mitmd.ca_dir / "mitmd-ca.pem").read_bytes(), secrets)
    use(mitmd, start_origin, certs, tag, "first")
    check(mitmd, secrets)

    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"\breloaded\b", start)
    use(mitmd, start_origin, certs, tag, "reloaded")
    check(mitmd, secrets)

    old = mitmd.pids("signer")
    os.kill(old[-1], signal.SIGKILL)
    wait_for(lambda: set(mitmd.pids("signer")) - set(old), "the next signer")
    use(mitmd, start_origin, certs, tag, "killed")
    check(mitmd, secrets)
    assert mitmd.files(tag, "*")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the maps of such processes")
@pytest.mark.skipif(SANITIZED, reason="a sanitizer makes mlock(2) do nothing")
def test_the_keys_lie_in_memory_that_is_never_swapped_or_dumped(own_mitmd):
    mitmd = own_mitmd()
    secret, locked = protected_pages(mitmd.pids("signer")[0])
    assert locked
    assert bool(secret) == kernel_has_secret_memory()
    assert protected_pages(mitmd.process.pid)[1]	# leaf keys, for generations to come


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look at everything")
def test_its_own_user_cannot_look_into_the_signer(own_mitmd):
    mitmd = own_mitmd()
    with pytest.raises(PermissionError):
        with open(f"/proc/{mitmd.pids('signer')[0]}/mem", "rb", 0):
            pass
