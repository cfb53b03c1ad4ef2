"""A switch for TCP connections on loopback, as a Service before its pods: it chooses for new."""

import asyncio
import itertools
import threading


class TrafficSwitch:
    """Listens on `port`; each new connection goes to the next of `targets`, which may be changed at
    any time. Open connections stay where they are. Runs on a thread of its own."""

    def __init__(self):
        self.targets = []
        self.failures = 0
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        start = asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _connection(self, reader, writer):
        targets = self.targets
        target = targets[next(self._turn) % len(targets)]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            self.failures += 1
            writer.transport.abort()
            return
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    @staticmethod
    async def _copy(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.close()  # what is written goes out first
        except OSError:
            writer.transport.abort()
