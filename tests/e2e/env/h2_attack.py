# SPDX-License-Identifier: ISC
"""h2_attack.py - who speaks HTTP/2 by hand to a mitmd, and through it, and means harm."""
import contextlib
import queue
import socket

from .h2_frames import HEADERS, PREFACE, Frames, FramesOrigin
from .h2_peer import connect
from .wire import TIMEOUT


def attacker(mitmd, target, *pairs):
    wire = mitmd.secure(target.authority, context=mitmd.context(("h2",)))
    return Frames(wire, target.authority).start(*pairs)


def assault(certs, mitmd, script):
    """An origin that does so to the first request; what script(f) returned."""
    said = queue.Queue()

    def talk(f):
        try:
            assert f.wire.read(len(PREFACE)) == PREFACE
            f.start(preface=False)
            f.until(lambda x: x.type == HEADERS)
            said.put(script(f))
        except BaseException as error:  # pylint: disable=broad-except
            said.put(error)
            raise
    origin = FramesOrigin(certs.leaf("good"), talk)
    try:
        with connect(mitmd, origin) as client:
            stream = client.request("/victim")
            with contextlib.suppress(AssertionError, socket.timeout):
                client.until(lambda: stream.over)
            answer = said.get(timeout=5 * TIMEOUT)
            if isinstance(answer, BaseException):
                raise answer
            return answer, stream
    finally:
        origin.close()
