# SPDX-License-Identifier: ISC
"""Everything at once for a while: no process keeps what has gone, nothing fails, nothing is lost.

Always a few rounds; with MITMD_LONG=1 half an hour of them (MITMD_SOAK_MINUTES).
"""
import collections
import contextlib
import os
import random
import re
import time

import pytest

from env.mitmd import PATIENCE, SANITIZED, alive, children, title, wait_for
from env.soak import MIX, Sample, Side, World, growth, links, new_name, play

LONG = os.environ.get("MITMD_LONG") == "1"
MINUTES = float(os.environ.get("MITMD_SOAK_MINUTES", "30" if LONG else "0"))
ROUNDS = 4			# at least
PACE = 0.02 if MINUTES else 0	# seconds between two things: half an hour for others, too
# What caches and a heap's breathing (of a recorder's: the largest entries) come to. In four
# rounds most is new; in half an hour all caches are full when the middle third begins.
MAY_GROW = {"own": 1024, "size": 1024} if MINUTES >= 10 else {"own": 8192, "size": 16384}	# KiB

SPILL = "{}/#N (deleted)"
CONFIG = {
    "log": {"flows": "off"}, "capture": {"max_body": "2M"},
    "spool": {"rotate_size": "512K", "rotate_idle": "2s", "keep_size": "8M"},
}


@pytest.fixture(scope="module")
def world(certs):
    made = World(certs)
    yield made
    made.close()


class Watched:
    """One instance, and its samples at rest after each round."""

    def __init__(self, name, side):
        self.name, self.side = name, side
        self.samples = collections.defaultdict(list)	# (role, pid) -> Sample of each rest
        self.spool = re.sub(r"\d+", "N", str(side.mitmd.spool))

    def processes(self):
        """[(role, pid)]; those of old generations have gone."""
        master = self.side.mitmd.process.pid
        found = [(title(pid).removeprefix("mitmd-").split()[0], pid)
                 for pid in children(master) if alive(pid)]
        return [("master", master), *sorted(found)]

    def descriptors(self):
        """What is open in each role's processes together; memory has no name but a number."""
        found = collections.Counter(
            (role, re.sub(r"\d+", "N", name)) for role, pid in self.processes() for name in links(pid))
        for role in ("master", "worker"):	# a worker gets its file for large bodies with the first one
            found[role, SPILL.format(self.spool)] = 0
        return found

    def look(self):
        for role, pid in self.processes():
            self.samples[role, pid].append(Sample(pid))


def rest(both, base):
    """When all have gone, both have the same open, and as ever; returns that."""
    for watched in both:
        watched.metrics = watched.side.come_to_rest()
    found = []

    def as_ever():
        with contextlib.suppress(OSError):	# of a process that ends
            found[:] = [watched.descriptors() for watched in both]
            return found[0] == found[1] == (base or found[0]) and not files(found[0])
    try:
        wait_for(as_ever, "", 4 * PATIENCE)
    except AssertionError:
        ever = base or found[0]
        trouble = [(watched.name, "more:", now - ever, "less:", ever - now)
                   for watched, now in zip(both, found)]
        raise AssertionError(f"open at rest: {trouble}") from None
    return found[0]


def files(descriptors):
    """Recordings that still grow, and their directories."""
    return [name for _, name in descriptors if "/spool/" in name and "/spool/#" not in name]


def disturb(side, what):
    """What an operator does meanwhile; with one of the two."""
    args = [what, "--wait"] if what == "reload" else [what]
    done = side.mitmd.ctl(*args)
    assert done.returncode == 0, (what, done)


def run(sides, chance, changing):
    """A round; the operator is at work for as long as the clients are."""
    workers = play(sides, chance, MIX, pace=lambda: time.sleep(PACE))
    disturb(changing, "reload")
    while any(worker.is_alive() for worker in workers):
        disturb(changing, chance.choice(["reload", "flush", "status", "tags", "conns"]))
        workers[0].join(1)
    for worker in workers:
        worker.join()


def test_soak(own_mitmd, world):
    chance = random.Random(4)
    steady, changing = (Watched(name, Side(world, own_mitmd(CONFIG)))
                        for name in ("steady", "changing"))
    both = [steady, changing]
    if MINUTES:			# what is kept for each name is full before it is measured
        for worker in play([steady.side], chance, {new_name: 8000}):
            worker.join()
    end = time.monotonic() + 60 * MINUTES
    rounds, base = 0, None
    while rounds < ROUNDS or time.monotonic() < end:
        run([w.side for w in both], chance, changing.side)
        rounds += 1
        world.forget()
        base = rest(both, base)
        for watched in both:
            watched.look()
            report(watched, rounds)
            assert not watched.side.errors, watched.side.errors[:20]
            nothing_lost(watched)
    for watched in both:
        check(watched, rounds)


def nothing_lost(watched):
    lost = [s for s, n in watched.metrics.samples.items()
            if s[0] == "mitmd_har_dropped_total" and n]
    assert not lost, (watched.name, lost, [line for line in watched.side.mitmd.log
                                           if "lost" in line or "cannot" in line][-20:])


def check(watched, rounds):
    metrics, side = watched.metrics, watched.side
    assert metrics.value("mitmd_har_entries_total") >= side.entries
    assert metrics.value("mitmd_process_restarts_total") == 0
    assert metrics.value("mitmd_har_files_deleted_total") > 0	# the quota was at work
    if watched.name == "steady":	# who does not trust us is told of once for each tag
        assert len(side.mitmd.log) < 100 + side.requests / 100
    check_memory(watched, rounds)
    done = side.mitmd.ctl("har", "check", *sorted(side.mitmd.spool.rglob("*.har")))
    assert done.returncode == 0, done


def check_memory(watched, rounds):
    lasting = {key: found for key, found in watched.samples.items() if len(found) == rounds}
    assert len(lasting) == (5 if watched.name == "steady" else 2)	# master and recorder outlive reloads
    for what, most in MAY_GROW.items():
        grown = {key: growth([getattr(s, what) for s in found]) for key, found in lasting.items()}
        print(f"{watched.name}: {rounds} rounds, {watched.side.requests} requests, "
              f"{what} grown by KiB: {grown}")
        if not SANITIZED:		# whose allocator keeps what is freed
            assert all(kib <= most for kib in grown.values()), (what, grown)


def report(watched, rounds):
    mitmd = watched.side.mitmd
    spool = sum(p.stat().st_size for p in mitmd.spool.rglob("*.har"))
    print(f"{watched.name} {rounds}: {watched.side.requests} requests,", *(
        f"{role} {s[-1]};" for (role, _), s in watched.samples.items() if len(s) == rounds),
        f"log {len(mitmd.log)} lines, spool {spool >> 10} KiB", flush=True)
