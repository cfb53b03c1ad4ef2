"""The store's faults: a proxy before a real S3 server that breaks a share of the requests.

Besides, one request can be armed: when it comes, a function is called (which kills the service)
before the store sees it, or after the store has done it and before the answer.
"""

import random
import threading

from store_servers import FaultProxy

ERROR = "<?xml version='1.0'?>\n<Error><Code>{}</Code><Message>m</Message></Error>"


def kind(line):
    """What a request line asks for: create, part, complete, put, abort or read."""
    method, path = line.split(" ", 1)
    query = path.partition("?")[2]
    if method == "POST":
        return "complete" if "uploadId=" in query else "create"
    if method == "PUT":
        return "part" if "partNumber=" in query else "put"
    return "abort" if method == "DELETE" else "read"


class StoreFaults:
    """`share` of the requests is broken while `is_on`. `counts` says how often each was done."""

    def __init__(self, port, seed, share=0.15):
        self.is_on = True
        self.is_down = False
        self.share = share
        self.counts = {}
        self.completed = 0
        self._dice = random.Random(f"{seed}/store")
        self._lock = threading.Lock()
        self._armed = None
        self.proxy = FaultProxy(port, self._fault)

    @property
    def url(self):
        return self.proxy.url

    def close(self):
        self.proxy.close()

    def arm(self, request, ordinal, function):
        """At the `ordinal`-th request of `request` = (kind, "before" or "after") from now."""
        with self._lock:
            self._armed = [request, ordinal, function]

    def disarm(self):
        with self._lock:
            self._armed = None

    def forget(self):
        """Drops what the proxy remembers of requests."""
        self.proxy.requests.clear()
        self.proxy.seen_headers.clear()

    def _fault(self, line, _):
        what = kind(line)
        with self._lock:
            self.completed += what == "complete"
            function = self._take(what)
            fault = None if function else self._draw(what)
            if fault:
                self.counts[fault[0]] = self.counts.get(fault[0], 0) + 1
        if function:
            moment, call = function
            if moment == "after":
                return ("forward-call", call)
            call()
            return ("reset",)
        return fault[1:] if fault else None

    def _take(self, what):
        if self._armed is None or self._armed[0][0] != what:
            return None
        self._armed[1] -= 1
        if self._armed[1] > 0:
            return None
        (_, moment), _, call = self._armed
        self._armed = None
        return moment, call

    def _draw(self, what):
        if not self.is_on:
            return None
        if self.is_down:
            return ("503 while it is down", "answer", 503, ERROR.format("SlowDown").encode())
        if self._dice.random() >= self.share:
            return None
        faults = [
            ("reset before", "reset"),
            ("answer lost", "forward-reset"),
            ("500", "answer", 500, ERROR.format("InternalError").encode()),
            ("503 SlowDown", "answer", 503, ERROR.format("SlowDown").encode()),
            ("500 after it was done", "lose", 500, ERROR.format("InternalError").encode()),
            # Not before it is done: a request that outlives its sender is found by no listing.
            ("late answer", "late", self._dice.uniform(0.05, 1.0)),
        ]
        if what == "complete":
            text = ERROR.format("InternalError").encode()
            faults.append(("200 with an error", "answer", 200, text))
            faults.append(("200 with an error after it was done", "lose", 200, text))
        return self._dice.choice(faults)
