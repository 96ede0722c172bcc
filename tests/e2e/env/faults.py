# SPDX-License-Identifier: ISC
"""faults.py - allocations that fail and clocks that jump, in a running mitmd."""
import mmap
import pathlib
import shutil
import struct
import subprocess

SOURCE = pathlib.Path(__file__).with_name("faults.c")
CLOCK, AT, ALWAYS, COUNT, FIRED, ROLE, SPARED = 0, 8, 12, 16, 20, 24, 40


def compiler():
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Faults:
    """Built and mapped; .environment is for the mitmd that is to obey."""

    def __init__(self, directory):
        library, orders = directory / "faults.so", directory / "orders"
        subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"],
                       check=True)
        orders.write_bytes(bytes(4096))
        self.file = open(orders, "r+b")		# pylint: disable=consider-using-with
        self.map = mmap.mmap(self.file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": str(library), "MITMD_TEST_FAULTS": str(orders)}

    def _put(self, at, form, *values):
        struct.pack_into(form, self.map, at, *values)

    def arm(self, role, nth, always=False, spare=()):
        """The nth allocation from now on in a process of that role."""
        self.disarm()
        self._put(SPARED, "16i", *spare, *[0] * (16 - len(spare)))
        self._put(ROLE, "16s", f"mitmd-{role}".encode())
        self._put(ALWAYS, "I", int(always))
        self._put(AT, "I", nth)

    def disarm(self):
        for field in (AT, COUNT, FIRED):
            self._put(field, "I", 0)

    @property
    def fired(self):
        return struct.unpack_from("I", self.map, FIRED)[0] != 0

    def clock(self, seconds):
        """The wall clock of mitmd is that much ahead of ours."""
        self._put(CLOCK, "q", seconds)

    def close(self):
        self.map.close()
        self.file.close()
