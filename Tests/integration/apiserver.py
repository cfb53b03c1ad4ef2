#!/usr/bin/env python3
"""A scripted Kubernetes API server for tests: TLS sockets, list, watch, streaming list, faults.

It serves the four kinds that the aggregator reads, from objects that a real kube-apiserver sent
(Tests/Fixtures/kube), can replay recorded answers byte for byte, and misbehaves on demand.

In a Python test:

    with APIServer(directory) as server:
        server.cluster.apply("pods", {...})
        server.fault("pods", "watch", status=429, headers={"Retry-After": "1"})
        server.hit_streams("pods", "midline")

From a shell or another test, controlled over plain HTTP on a loopback port:

    apiserver.py --directory DIR [--port 0] [--admin-port 0] [--token T]... [--empty]
                 [--no-streaming] [--bookmark-seconds 1]

prints one line of JSON: {"url", "admin", "ca", "client_certificate", "client_key", "token"}, serves
until SIGTERM or the end of stdin, and takes at the admin URL:

    POST /objects      {"kind": "pods", "object": {...}}           create or replace
    POST /delete       {"kind": "pods", "namespace": "n", "name": "x", "silent": false}
    POST /compact      {}                                          every older version is gone
    POST /fault        {"kind": "pods"|"any", "verb": "list"|"watch"|"stream"|"any", "times": 1,
                        one of: "status": 503 (with "headers", "body"), "replay": "errors/…",
                        "stream": "midline"|"close"|"hang"|"malformed"|"unknown"|"huge"|
                                  "error-410"|"error-504"}
    POST /hit          {"kind": "pods", "how": "midline"|…}        the same, to streams already open
    POST /tokens       {"tokens": ["a", "b"]}                      from now on only these
    POST /outage       {"down": true}                              refuse connections, cut open ones
    GET  /requests                                                 what was asked for, in order
"""

import argparse
import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))

from apiserver_admin import AdminHandler  # noqa: E402
from apiserver_model import (  # noqa: E402
    KINDS,
    Cluster,
    Gone,
    bookmark_line,
    compact,
    error_line,
    event_line,
    recorded,
    recorded_body,
    status,
)
from apiserver_tls import make_certificates  # noqa: E402

DEFAULT_TOKEN = "token-of-the-tests"
HUGE_LINE = 9 << 20


class Stream:
    """One open watch: its thread waits here for events and for faults to commit."""

    def __init__(self, kind):
        self.kind = kind
        self.how = None


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, handler, api, context=None):
        self.api, self.context = api, context
        super().__init__(address, handler)

    def process_request_thread(self, request, client_address):
        # The handshake belongs to the connection's own thread: a slow client stops nobody.
        try:
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            if not self.api.admit(request, self.context):
                self.shutdown_request(request)
                return
        except (OSError, ssl.SSLError):
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, request, client_address):
        pass


class APIHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        api = self.server.api
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        kind = url.path.removeprefix("/api/v1/")
        verb = "list"
        if query.get("watch") == "true":
            verb = "stream" if query.get("sendInitialEvents") == "true" else "watch"
        api.record(self.path, kind, verb)
        fault = api.take_fault(kind, verb)
        if fault and "replay" in fault:
            head, body = recorded(fault["replay"])
            self.raw(head + b"\r\n\r\n" + body)
        elif fault and "status" in fault:
            body = fault.get("body")
            if body is None:
                body = compact(status(fault["status"], "made up", "MadeUp")).decode()
            self.answer(fault["status"], body.encode(), fault.get("headers"))
        elif fault and fault.get("stream") == "close":
            self.close_connection = True
        elif fault and fault.get("stream") == "hang" and verb == "list":
            api.stopping.wait(fault.get("seconds", 3600))
            self.close_connection = True
        elif not self.is_authorized():
            self.raw_recorded("errors/401-bad-token-json")
        elif kind not in KINDS:
            self.answer(403, compact(status(403, "forbidden", "Forbidden")))
        elif verb == "list":
            self.list(kind, query)
        elif verb == "stream" and not api.streaming:
            self.raw_recorded("watchlist/watchlist-nobookmarks-invalid")
        else:
            self.watch(kind, verb, query, fault.get("stream") if fault else None)

    def other(self):
        self.server.api.record(f"{self.command} {self.path}", "", "")
        self.answer(405, compact(status(405, "not allowed", "MethodNotAllowed")))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = other

    def is_authorized(self):
        api = self.server.api
        if api.context.verify_mode == ssl.CERT_OPTIONAL and self.connection.getpeercert():
            return True
        return self.headers.get("Authorization", "") in {f"Bearer {t}" for t in api.tokens}

    # Answers

    def answer(self, code, body, headers=None):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, data):
        self.close_connection = True
        self.wfile.write(data)

    def raw_recorded(self, name):
        head, body = recorded(name)
        self.raw(head + b"\r\n\r\n" + body)

    def list(self, kind, query):
        cluster = self.server.api.cluster
        wanted = query.get("resourceVersion")
        if wanted and wanted != "0" and int(wanted) > cluster.version:
            self.raw_recorded("errors/504-too-large-rv-list")
            return
        try:
            version, items, more = cluster.page(
                kind, int(query.get("limit", 0)), query.get("continue")
            )
        except Gone:
            self.raw_recorded("gone410/list-pods-expired-continue-json")
            return
        metadata = {"resourceVersion": str(version)}
        if more:
            metadata["continue"] = more
        self.answer(
            200,
            compact(
                {
                    "kind": f"{KINDS[kind]}List",
                    "apiVersion": "v1",
                    "metadata": metadata,
                    "items": items,
                }
            ),
        )

    # Streams

    def watch(self, kind, verb, query, how):
        api = self.server.api
        stream = Stream(kind)
        stream.how = how
        with api.cluster.condition:
            api.streams.append(stream)
        try:
            self.run_stream(stream, verb, query)
        except (OSError, ssl.SSLError):
            pass
        finally:
            with api.cluster.condition:
                api.streams.remove(stream)
            self.close_connection = True

    def run_stream(self, stream, verb, query):
        api, cluster, kind = self.server.api, self.server.api.cluster, stream.kind
        replay = api.take_replay(kind, verb)
        if replay is not None:
            self.replay(replay)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = time.monotonic() + float(query.get("timeoutSeconds", 3600))
        wanted = query.get("resourceVersion")
        if verb == "stream":
            if wanted and int(wanted) > cluster.version:
                self.chunk(recorded_body("errors/too-large-rv-watchlist"))
                self.chunk(b"")
                return
            version, objects = cluster.listed(kind)
            for obj in objects:
                self.chunk(event_line(kind, "ADDED", obj))
                if stream.how and self.misbehave(stream, obj):
                    return
            self.chunk(bookmark_line(kind, version, ends_initial_events=True))
        else:
            version = int(wanted or cluster.version)
        while time.monotonic() < end and not api.stopping.is_set():
            try:
                events = cluster.events_after(kind, version)
            except Gone:
                self.chunk(recorded_body("gone410/watch-pods-old-rv-json"))
                self.chunk(b"")
                return
            for sent, _, event, obj in events:
                self.chunk(event_line(kind, event, obj))
                version = sent
            if stream.how and self.misbehave(stream, None):
                return
            with cluster.condition:
                if not stream.how and not cluster.has_events_after(kind, version):
                    cluster.condition.wait(min(api.bookmark_seconds, 0.5))
                    is_quiet = not stream.how and not cluster.has_events_after(kind, version)
                    if is_quiet and cluster.version >= version and api.bookmarks:
                        version = cluster.version
                        self.chunk(bookmark_line(kind, version))
        self.chunk(b"")

    def replay(self, name):
        """A recorded stream byte for byte; then silence, as of a quiet watch, until told to end."""
        head, body = recorded(name)
        # Without its last chunk the stream stays open.
        body = body.removesuffix(b"0\r\n\r\n")
        data = head.replace(b"\r\nConnection: close", b"") + b"\r\n\r\n" + body
        for start in range(0, len(data), 1501):
            self.wfile.write(data[start : start + 1501])
        self.server.api.end_of_replay.wait(3600)
        with contextlib.suppress(OSError):
            self.wfile.write(b"0\r\n\r\n")

    def misbehave(self, stream, obj):
        """Commits the fault of this stream; true when the stream is over."""
        api, how, stream.how = self.server.api, stream.how, None
        if how == "midline":
            line = event_line(stream.kind, "MODIFIED", obj or {"metadata": {"name": "cut"}})
            self.wfile.write(b"%x\r\n" % len(line) + line[: len(line) // 2])
        elif how == "hang":
            api.stopping.wait(3600)
        elif how == "malformed":
            self.chunk(b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}\n')
            api.stopping.wait(3600)
        elif how == "unknown":
            self.chunk(event_line(stream.kind, "RENAMED", {"metadata": {"resourceVersion": "1"}}))
            api.stopping.wait(3600)
        elif how == "nameless":
            self.chunk(event_line(stream.kind, "ADDED", {"metadata": {"resourceVersion": "1"}}))
            api.stopping.wait(3600)
        elif how == "huge":
            self.chunk(b'{"type":"ADDED","object":{"x":"' + b"x" * HUGE_LINE)
            api.stopping.wait(3600)
        elif how.startswith("error-"):
            self.chunk(error_line(int(how.removeprefix("error-"))))
            self.chunk(b"")
        elif how == "end":
            self.chunk(b"")
        return True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n")


class APIServer:
    """The scripted server, running on threads of this process."""

    def __init__(
        self,
        directory,
        *,
        port=0,
        admin_port=0,
        tokens=(DEFAULT_TOKEN,),
        streaming=True,
        bookmarks=True,
        bookmark_seconds=1.0,
        load_fixtures=True,
    ):
        self.directory = Path(directory)
        make_certificates(self.directory)
        self.ca = self.directory / "ca.crt"
        self.client_certificate = self.directory / "client.crt"
        self.client_key = self.directory / "client.key"
        self.tokens = list(tokens)
        self.streaming, self.bookmarks = streaming, bookmarks
        self.bookmark_seconds = bookmark_seconds
        self.cluster = Cluster(load_fixtures)
        self.stopping = threading.Event()
        self.end_of_replay = threading.Event()
        self.streams, self.connections = [], []
        self._log, self._faults, self._replays = [], [], {}
        self._lock = threading.Lock()
        self.down = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        self.context.load_verify_locations(self.ca)
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self._servers = [
            Server(("127.0.0.1", port), APIHandler, self, self.context),
            Server(("127.0.0.1", admin_port), AdminHandler, self),
        ]
        self.url = f"https://127.0.0.1:{self._servers[0].server_port}"
        self.admin = f"http://127.0.0.1:{self._servers[1].server_port}"

    def __enter__(self):
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.end_of_replay.set()
        self.cut_connections()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def describe(self):
        """What a client needs to know."""
        return {
            "url": self.url,
            "admin": self.admin,
            "ca": str(self.ca),
            "client_certificate": str(self.client_certificate),
            "client_key": str(self.client_key),
            "token": self.tokens[0],
        }

    # What connections ask

    def admit(self, request, context):
        if context is None:
            return True
        with self._lock:
            self.connections = [c for c in self.connections if c.fileno() >= 0] + [request]
            return not self.down

    def record(self, path, kind, verb):
        with self._lock:
            self._log.append(
                {"path": path, "kind": kind, "verb": verb, "seconds": time.monotonic()}
            )

    def requests(self, kind=None, verb=None):
        """Requests so far, in order."""
        with self._lock:
            return [r for r in self._log if kind in (None, r["kind"]) and verb in (None, r["verb"])]

    def take_fault(self, kind, verb):
        with self._lock:
            for fault in self._faults:
                if fault["kind"] in ("any", kind) and fault["verb"] in ("any", verb):
                    fault["times"] -= 1
                    if fault["times"] == 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def take_replay(self, kind, verb):
        with self._lock:
            names = self._replays.get((kind, verb))
            return names.pop(0) if names else None

    # What tests say

    def fault(self, kind, verb, times=1, **what):
        """The next `times` requests (-1: all) of this kind and verb meet this fault."""
        with self._lock:
            self._faults.append({"kind": kind, "verb": verb, "times": times, **what})

    def clear_faults(self):
        """Back to good behaviour."""
        with self._lock:
            self._faults.clear()

    def replay(self, kind, verb, *names):
        """The next streams of this kind and verb are these recordings, byte for byte."""
        with self._lock:
            self._replays.setdefault((kind, verb), []).extend(names)

    def hit_streams(self, kind, how):
        """Streams that are open now meet this fault; returns how many."""
        with self.cluster.condition:
            hit = [s for s in self.streams if kind in ("any", s.kind)]
            for stream in hit:
                stream.how = how
            self.cluster.condition.notify_all()
            return len(hit)

    def cut_connections(self):
        """Ends every open connection without a word."""
        with self._lock:
            connections, self.connections = self.connections, []
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def set_down(self, down):
        """Refuses connections, and cuts those that are open."""
        self.down = down
        if down:
            self.cut_connections()

    def administer(self, path, body):
        """One command of the admin port."""
        if path == "/objects":
            return self.cluster.apply(body["kind"], body["object"])
        if path == "/delete":
            verb = (
                self.cluster.forget_silently if body.pop("silent", False) else self.cluster.delete
            )
            return verb(**body)
        if path == "/compact":
            self.cluster.compact()
        elif path == "/fault":
            self.fault(**body)
        elif path == "/hit":
            return {"streams": self.hit_streams(**body)}
        elif path == "/tokens":
            self.tokens = list(body["tokens"])
        elif path == "/outage":
            self.set_down(body["down"])
        else:
            raise KeyError(path)
        return {}


def main():
    parser = argparse.ArgumentParser(description="A scripted Kubernetes API server for tests.")
    parser.add_argument("--directory", required=True, type=Path, help="for its certificates")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--token", action="append", help=f"default: {DEFAULT_TOKEN}")
    parser.add_argument("--empty", action="store_true", help="no objects at the start")
    parser.add_argument("--no-streaming", action="store_true", help="refuse streaming lists")
    parser.add_argument("--bookmark-seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    with APIServer(
        arguments.directory,
        port=arguments.port,
        admin_port=arguments.admin_port,
        tokens=arguments.token or (DEFAULT_TOKEN,),
        streaming=not arguments.no_streaming,
        bookmark_seconds=arguments.bookmark_seconds,
        load_fixtures=not arguments.empty,
    ) as server:
        print(json.dumps(server.describe()), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()


if __name__ == "__main__":
    main()
