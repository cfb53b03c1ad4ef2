"""Collectors that keep a ledger: what was posted, and for which of it a 200 came.

Each node has one report on its way at a time, as a real collector has. A report whose answer did
not come is sent again, byte for byte, or given up, each half of the time; now and then one that was
acknowledged is sent once more, as after an answer that got lost. A report is a function of its node
and number, so nothing but numbers is kept.
"""

import datetime as dt
import hashlib
import random
import socket
import threading
import time

FIRST = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
# The service knows the last 30 of a node; the report that may still come is one of them.
OLDEST_REPEATED = 20
ANSWER_SECONDS = 6.0

SENT, ACKNOWLEDGED = 1, 2


class Node:
    """One node's reports. Even nodes report for one date, odd ones for the next."""

    def __init__(self, name, number):
        self.name = name
        self.pods = 3 + number % 23
        self.start = FIRST + dt.timedelta(days=number % 2, milliseconds=number)
        # By number of the report: its state, and in which cycle it was sent first.
        self.states = bytearray()
        self.cycles = []
        self.pending = None
        # Names of this many bytes, which nothing can compress: large objects from few reports.
        self.padding = {}

    def timestamp(self, number):
        return (self.start + dt.timedelta(seconds=number)).isoformat(timespec="milliseconds")

    def body(self, number):
        padding = self.padding.get(number, 0)
        text = hashlib.shake_128(f"{self.name}/{number}".encode()).hexdigest(
            max(4, self.pods * padding // 2)
        )
        pods = ",".join(
            f'{{"pod_id":"{self.name}-{pod}","namespace":"ns-{pod % 5}","name":"p{pod}'
            f'{text[pod * padding : (pod + 1) * padding]}",'
            f'"cpu_usage_cores":{number / 7 + pod:.6f},'
            f'"memory_usage_bytes":{number * 4096 + pod},"net_tx_bytes":{number},'
            '"net_rx_bytes":null}'
            for pod in range(self.pods)
        )
        return (
            f'{{"timestamp":"{self.timestamp(number)}","node_name":"{self.name}",'
            f'"hostname":"{self.name}","pods":[{pods}]}}'
        ).encode()


class Connection:
    """A keep-alive connection. `post` returns (status, head), or raises OSError."""

    def __init__(self):
        self._socket = None
        self._port = None

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def post(self, port, body):
        try:
            if self._socket is None or self._port != port:
                self.close()
                self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._port = port
            head = (
                f"POST /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n"
                "Content-Type: application/json\r\n\r\n"
            )
            self._socket.sendall(head.encode() + body)
            return self._answer()
        except OSError:
            self.close()
            raise

    def _answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed before the answer")
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        head = head.decode().lower()
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.startswith("content-length:")
        )
        while len(rest) < length:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed within the answer")
            rest += piece
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), head


class Collectors:
    """`threads` threads that post for `nodes` nodes to 127.0.0.1:`port`, while there is one."""

    def __init__(self, seed, nodes, threads=8, rate=400.0, name="node"):
        self.nodes = [Node(f"{name}-{n:04d}", n) for n in range(nodes)]
        self.port = None
        self.cycle = 0
        # Bytes of each pod's name from now on; 0: short ones.
        self.padding = 0
        self.refused = 0
        self.repeated = 0
        self.wrong = []
        self._stopping = threading.Event()
        self._pause = threads / rate
        self._threads = [
            threading.Thread(
                target=self._run, args=(self.nodes[n::threads], random.Random(f"{seed}/{n}"))
            )
            for n in range(threads)
        ]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Ends the threads; what is unanswered by then stays so."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def reports(self):
        """(node, number, timestamp, rows, state, cycle) of all that was sent."""
        for node in self.nodes:
            for number, state in enumerate(node.states):
                yield (
                    *(node.name, number, node.timestamp(number), node.pods),
                    *(state, node.cycles[number]),
                )

    def acknowledged(self):
        return sum(node.states.count(ACKNOWLEDGED) for node in self.nodes)

    def _run(self, nodes, dice):
        connection = Connection()
        while not self._stopping.is_set():
            for node in nodes:
                if self._stopping.is_set():
                    break
                self._turn(node, dice, connection)
                time.sleep(self._pause)
        connection.close()

    def _turn(self, node, dice, connection):
        if node.pending is not None and dice.random() < 0.5:
            node.pending = None
        if node.pending is None:
            if node.states and dice.random() < 0.03:
                self._repeat(node, dice, connection)
            node.pending = len(node.states)
            node.padding[node.pending] = self.padding
            node.states.append(0)
            node.cycles.append(self.cycle)
        if self._post(node, node.pending, connection):
            node.padding.pop(node.pending - OLDEST_REPEATED, None)
            node.pending = None

    def _repeat(self, node, dice, connection):
        """What has got its 200 is sent again: another 200, and no rows."""
        oldest = max(0, len(node.states) - OLDEST_REPEATED)
        number = dice.randrange(oldest, len(node.states))
        if node.states[number] == ACKNOWLEDGED and number in node.padding:
            self.repeated += 1
            self._post(node, number, connection)

    def _post(self, node, number, connection):
        """Whether a 200 came. Waits while nobody listens."""
        while (port := self.port) is None:
            if self._stopping.wait(0.01):
                return False
        body = node.body(number)
        node.states[number] = max(node.states[number], SENT)
        try:
            status, head = connection.post(port, body)
        except OSError:
            self._stopping.wait(0.02)
            return False
        if status == 200:
            node.states[number] = ACKNOWLEDGED
            return True
        if status == 503 and "retry-after:" in head:
            self.refused += 1
        else:
            self.wrong.append(f"{status} for {node.name} {node.timestamp(number)}: {head}")
        self._stopping.wait(0.05)
        return False
