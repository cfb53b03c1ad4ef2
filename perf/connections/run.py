"""What idle and slow connections cost the service, and whether others notice.

    perf/connections.sh [--idle N] [--slow N] [--seconds N] [--dir DIR]

Idle: N connections that have posted one report each stay open; the growth of resident memory, and
the latency of /health beside them. Slow: N connections send a head, or a body, a byte a second, or
do not read their answers, while good collectors post; latency of the good ones without and with
them, and what became of the slow ones. Exits 1 when a bound is missed: 150 MiB and 50 ms for 10,000
idle ones; no failed good report, and their p99 below twice what it was (or 5 ms) beside slow ones.
"""

import argparse
import json
import resource
import selectors
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "integration"))

from conftest import Aggregator, base_environment, free_port, write_kubeconfig  # noqa: E402

MIB = 1 << 20
# One loopback address has too few ports for many connections and their leftovers.
SOURCES = [f"127.0.0.{n}" for n in range(2, 10)]


def launch(directory):
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "store").mkdir(parents=True)
    (directory / "data").mkdir()
    environment = {
        **base_environment(),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "CLUSTER_NAME": "connections",
        "DATA_DIR": str(directory / "data"),
        "STORAGE_URL": f"file://{directory / 'store'}",
        "KUBECONFIG": str(
            write_kubeconfig(directory / "kubeconfig", f"https://127.0.0.1:{free_port()}")
        ),
    }
    return Aggregator(
        environment, directory / "aggregator.log", directory / "data", directory / "store"
    )


def report(number):
    pod = {"pod_id": f"uid-{number}", "namespace": "default", "name": f"p-{number}"}
    stamp = f"2026-03-04T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    body = {"timestamp": stamp, "node_name": f"node-{number}", "hostname": "h", "pods": [pod]}
    text = json.dumps(body).encode()
    head = f"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def connect(port, number, receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(30)
    s.bind((SOURCES[number % len(SOURCES)], 0))
    s.connect(("127.0.0.1", port))
    return s


def answer(s):
    """The status of the one answer that is under way."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = s.recv(65536)
        if not piece:
            return 0
        data += piece
    return int(data[9:12])


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def resident(service):
    return service.metric("aggregator_process_resident_memory_bytes")


def health_latencies(service, count=200):
    s = connect(service.port, 0)
    taken = []
    for _ in range(count):
        begun = time.monotonic()
        s.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer(s)
        taken.append(time.monotonic() - begun)
        time.sleep(0.005)
    s.close()
    return taken


def idle(service, count):
    # The first reports make what the service needs once.
    warm = connect(service.port, 0)
    for number in range(100):
        warm.sendall(report(200_000 + number))
        assert answer(warm) == 200
    before = resident(service)
    sockets = []
    for number in range(count):
        s = connect(service.port, number)
        s.sendall(report(number))
        assert answer(s) == 200
        sockets.append(s)
    time.sleep(2)
    growth = (resident(service) - before) / MIB
    worst = max(health_latencies(service)) * 1000
    opened = service.metric("aggregator_http_connections")
    print(
        f"idle: {count} connections ({opened:.0f} open) add {growth:.1f} MiB, "
        f"{growth * MIB / count / 1024:.1f} KiB each; /health takes {worst:.1f} ms at most"
    )
    for s in [warm, *sockets]:
        s.close()
    return opened >= count and growth <= 150 and worst <= 50


class Slow:
    """A connection that is slow in one of three ways."""

    def __init__(self, port, number):
        self.kind = ["head", "body", "reader"][number % 3]
        self.socket = connect(port, number, 2048 if self.kind == "reader" else None)
        self.socket.setblocking(False)
        if self.kind == "body":
            self.send(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
        elif self.kind == "reader":
            self.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        self.begun = self.ended = None

    def send(self, data):
        with suppress(BlockingIOError, ConnectionError):
            self.socket.send(data)

    def drip(self):
        self.begun = self.begun or time.monotonic()
        if self.ended is None and self.kind != "reader":
            self.send(b"G" if self.kind == "head" else b"{")

    def look(self):
        """What the other side sent or ended."""
        with suppress(BlockingIOError):
            try:
                if not self.socket.recv(4096):
                    self.end()
            except ConnectionError:
                self.end()

    def end(self):
        self.ended = self.ended or time.monotonic() - self.begun


def posted(service, seconds, slow, first):
    """Posts on 8 connections, by turns, and lets the slow ones drip meanwhile."""
    sockets = [connect(service.port, number) for number in range(8)]
    taken, failed, number = [], 0, first
    selector = selectors.DefaultSelector()
    for client in slow:
        if client.kind != "reader":
            selector.register(client.socket, selectors.EVENT_READ, client)
    end, next_drip = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        begun = time.monotonic()
        s = sockets[number % len(sockets)]
        s.sendall(report(number))
        failed += answer(s) != 200
        taken.append(time.monotonic() - begun)
        number += 1
        if begun >= next_drip:
            next_drip = begun + 1
            for client in slow:
                client.drip()
            for key, _ in selector.select(0):
                key.data.look()
                if key.data.ended is not None:
                    selector.unregister(key.fileobj)
        time.sleep(0.004)
    for s in sockets:
        s.close()
    return taken, failed


def slow(service, count, seconds):
    alone, _ = posted(service, 10, [], 300_000)
    clients = [Slow(service.port, number) for number in range(count)]
    taken, failed = posted(service, seconds, clients, 400_000)
    for client in clients:
        if client.kind == "reader":
            # It reads now, for the first time: an end is all that may be left behind the rest.
            for _ in range(2000):
                if client.ended is not None:
                    break
                client.look()
    p99_alone, p99 = (percentile(values, 0.99) * 1000 for values in (alone, taken))
    print(f"slow: p99 of good reports {p99:.1f} ms beside {count}, {p99_alone:.1f} ms alone")
    print(f"slow: {failed} of {len(taken)} good reports failed")
    gone = True
    for kind in ["head", "body", "reader"]:
        of_kind = [c for c in clients if c.kind == kind]
        ended = [c.ended for c in of_kind if c.ended is not None]
        gone = gone and len(ended) == len(of_kind)
        longest = f", after {max(ended):.0f} s at most" if ended and kind != "reader" else ""
        print(f"slow {kind}: {len(ended)} of {len(of_kind)} were ended{longest}")
    print(f"slow: {service.metric('aggregator_http_slow_connections_total'):.0f} counted")
    for client in clients:
        client.socket.close()
    return failed == 0 and gone and p99 < max(2 * p99_alone, 5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=50)
    parser.add_argument("--dir", type=Path, default=ROOT / ".build" / "connections")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    service = launch(options.dir.resolve())
    try:
        kept = [idle(service, options.idle), slow(service, options.slow, options.seconds)]
    finally:
        service.stop()
        service.close()
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
