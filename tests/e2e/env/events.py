# SPDX-License-Identifier: ISC
"""events.py - an event stream whose next event waits until the last one has arrived."""
from .wire import TIMEOUT

EVENTS = [b"event: tick\ndata: %d\n\n" % i for i in range(5)]
SSE = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def ticker(heard, framing):
    """An h1 handler that sends an event when the client has told of the one before."""
    def handler(x):
        x.head(200, SSE + ([("Transfer-Encoding", "chunked")] if framing == "chunked" else
                           [("Connection", "close")]))
        for event in EVENTS:
            x.raw(chunk(event) if framing == "chunked" else event)
            assert heard.get(timeout=TIMEOUT) == event
        if framing == "chunked":
            x.raw(b"0\r\n\r\n")
        x.close = framing != "chunked"
    return handler
