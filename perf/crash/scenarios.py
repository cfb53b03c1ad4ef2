"""What is done to the service in one cycle, fault by fault; each leaves it dead or stopped.

A scenario returns whether its fault was really met. What must hold beyond "nothing lost, nothing
twice" is asserted here, as a `Broken` promise.
"""

import http.client
import json
import signal
import socket
import time
from contextlib import suppress

from conftest import request

# Longest time until a point is met; then the process is killed where it is.
PATIENCE = 6.0
# Of a pod's name, where objects must be large enough for a multipart upload.
HEAVY_BYTES = 4000
# After space returns a report must be taken within this (the disk is looked at every second).
REOPEN_SECONDS = 5.0
DEATH_SECONDS = 10.0
STOP_SECONDS = 40.0


class Broken(Exception):
    """A promise that does not hold."""


class Scenarios:
    def __init__(self, service, store, collectors, dice):
        self.service, self.store = service, store
        self.collectors, self.dice = collectors, dice
        self.gate = service.directory / "disk-is-full"
        self.probes = 0
        # Seconds from space to the first 200, of each full disk.
        self.reopenings = []
        self.refused_starts = 0
        self.kills = 0

    # MARK: Lives

    def start(self, rules=()):
        """A life that listens; a refused start is counted, and raised."""
        process = self.service.start(rules)
        if not process.wait_listening():
            if process.faults() and process.process.returncode == -signal.SIGKILL:
                return process
            self.refused_starts += 1
            raise Broken(f"a start was refused:\n{process.tail()}")
        self.collectors.port = process.port
        return process

    def kill(self, process):
        process.signal(signal.SIGKILL)
        self.buried(process)

    def buried(self, process):
        """After a kill."""
        self.collectors.port = None
        self.kills += 1
        if not process.wait_dead(DEATH_SECONDS):
            raise Broken("SIGKILL does not end it")
        status = process.process.returncode
        if status != -signal.SIGKILL:
            raise Broken(f"ended with {status}:\n{process.tail()}")

    def stopped(self, process, status=0):
        if not process.wait_dead(STOP_SECONDS):
            raise Broken(f"does not end:\n{process.tail()}")
        self.collectors.port = None
        if process.process.returncode != status:
            raise Broken(f"ended with {process.process.returncode}:\n{process.tail(40)}")

    # MARK: Kills

    def run(self, fault):
        self.gate.unlink(missing_ok=True)
        self.collectors.padding = HEAVY_BYTES if fault.heavy or self.dice.random() < 0.1 else 0
        if fault.scenario != "kill":
            return getattr(self, fault.scenario)()
        if fault.phase == "start":
            return self.kill_in_recovery(fault)
        process = self.start(self.rules(fault))
        if fault.request:
            number = self.dice.randint(1, fault.most)
            self.store.arm(fault.request, number, lambda: process.signal(signal.SIGKILL))
        try:
            if fault.phase == "drain":
                process.wait_dead(self.dice.uniform(0.2, 2.0))
                process.signal(signal.SIGTERM)
            return self.await_death(process, fault)
        finally:
            self.store.disarm()

    def rules(self, fault):
        if not fault.rule:
            return ()
        return ("do=kill " + fault.rule.format(n=self.dice.randint(1, fault.most)),)

    def await_death(self, process, fault):
        if fault.rule or fault.request:
            met = process.wait_dead(PATIENCE) and process.process.returncode == -signal.SIGKILL
            if not process.is_alive and process.process.returncode == 0 and fault.phase == "drain":
                self.collectors.port = None
                return False  # it was done before the point came
            if not met:
                self.kill(process)
            else:
                self.buried(process)
            return met
        process.wait_dead(self.dice.expovariate(1 / 0.7))
        if not process.is_alive and fault.phase == "drain":
            self.stopped(process)
            return False
        self.kill(process)
        return True

    def kill_in_recovery(self, fault):
        """Killed within the recovery of a kill under load, and that recovery's recovery, …"""
        process = self.start()
        process.wait_dead(self.dice.uniform(0.3, 2.0))
        self.kill(process)
        met = 0
        for _ in range(3):
            rule = fault.rule.format(n=self.dice.randint(1, fault.most))
            if self.dice.random() < 0.5:
                rule = rule.replace("when=before", "when=after")
            process = self.service.start(("do=kill " + rule,))
            if process.wait_listening():
                # Recovery had less to do: whatever it is doing now.
                self.collectors.port = process.port
                process.wait_dead(self.dice.uniform(0.0, 0.5))
                self.kill(process)
            else:
                self.buried(process)
                met += 1
        return met > 0

    def half_body(self):
        process = self.start()
        with socket.create_connection(("127.0.0.1", process.port), timeout=10) as s:
            s.sendall(
                b"POST /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n"
                b'{"timestamp":"2026-03-04T00:00:00Z","node_name":"half","hostname":"half","po'
            )
            process.wait_dead(self.dice.uniform(0.1, 1.0))
            self.kill(process)
        return True

    # MARK: Stops

    def second_signal(self):
        process = self.start()
        process.wait_dead(self.dice.uniform(0.2, 1.5))
        process.signal(signal.SIGTERM)
        process.wait_dead(self.dice.uniform(0.0, 1.0))
        process.signal(self.dice.choice([signal.SIGTERM, signal.SIGINT]))
        self.stopped(process)
        return True

    def full_drain(self):
        process = self.start((self.full_rule(),))
        process.wait_dead(self.dice.uniform(0.3, 1.5))
        self.gate.touch()
        process.signal(signal.SIGTERM)
        self.stopped(process)
        return process.faults() > 0

    # MARK: Disks

    def full_rule(self):
        return f"do=ENOSPC call=pwrite,pwritev,fallocate name=* count=0 while={self.gate}"

    def probe(self, process):
        """(status, has Retry-After) of a report of its own; None without an answer. Its node is no
        collector's, so its rows are left out of the verdict by the driver."""
        self.probes += 1
        report = {
            "timestamp": f"2026-03-04T00:00:00.{self.probes:06d}Z",
            "node_name": "probe",
            "hostname": "probe",
            "pods": [],
        }
        with suppress(OSError, http.client.HTTPException):
            reply = request(process.port, "POST", "/metrics", json.dumps(report), timeout=6)
            return reply.status, "Retry-After" in reply.headers
        return None

    def expect_refusal(self, process, seconds):
        deadline = time.monotonic() + seconds
        while True:
            answer = self.probe(process)
            if answer and answer[0] == 503:
                if not answer[1]:
                    raise Broken("503 without Retry-After")
                return
            if time.monotonic() > deadline:
                raise Broken(f"no 503 while the disk is full, but {answer}:\n{process.tail()}")
            time.sleep(0.05)

    def expect_taken(self, process, seconds):
        """Seconds until a report is taken."""
        begun = time.monotonic()
        while True:
            answer = self.probe(process)
            if answer and answer[0] == 200:
                return time.monotonic() - begun
            if time.monotonic() - begun > seconds:
                raise Broken(f"no 200 within {seconds:g} s, but {answer}:\n{process.tail()}")
            time.sleep(0.05)

    def full_disk(self):
        """503 while the disk is full, and reports are taken soon after it has room."""
        process = self.start((self.full_rule(),))
        process.wait_dead(self.dice.uniform(0.2, 1.0))
        self.gate.touch()
        self.expect_refusal(process, 10)
        process.wait_dead(self.dice.uniform(0.5, 2.5))
        self.gate.unlink()
        self.reopenings.append(self.expect_taken(process, REOPEN_SECONDS))
        process.wait_dead(self.dice.uniform(0.0, 1.5))
        self.kill(process)
        return process.faults() > 0

    def failing_once(self, rule, most):
        """One error: the service goes on; if recovery met it, the next start does."""
        process = self.service.start((f"{rule} at={self.dice.randint(1, most)}",))
        if not process.wait_listening():
            self.stopped(process, 1)
            if not process.faults():
                raise Broken(f"a start was refused:\n{process.tail()}")
            return self.goes_on(self.start())
        self.collectors.port = process.port
        deadline = time.monotonic() + PATIENCE
        while process.faults() == 0 and time.monotonic() < deadline:
            if process.wait_dead(0.02):
                raise Broken(f"one failed call ended it:\n{process.tail()}")
        met = process.faults() > 0
        self.goes_on(process)
        return met

    def goes_on(self, process):
        self.expect_taken(process, REOPEN_SECONDS)
        process.wait_dead(self.dice.uniform(0.0, 1.0))
        self.kill(process)
        return True

    def failed_sync(self):
        return self.failing_once("do=EIO call=fdatasync name=*.log", 60)

    def failed_write(self):
        return self.failing_once("do=EIO call=pwritev name=*.log", 60)

    def failed_object(self):
        call = self.dice.choice(["pwrite", "fdatasync"])
        number = self.dice.choice(["EIO", "ENOSPC"])
        return self.failing_once(f"do={number} call={call} name=*.parquet.tmp", 3)

    def failed_directory(self):
        return self.failing_once("do=EIO call=fsync name=.", 8)

    def dead_disk(self):
        """The next file fails too: an end that is no success, and nothing acknowledged after."""
        first = self.dice.randint(1, 40)
        process = self.service.start((f"do=EIO call=fdatasync name=*.log at={first} count=0",))
        if process.wait_listening():
            self.collectors.port = process.port
            if not process.wait_dead(DEATH_SECONDS):
                raise Broken(f"it goes on though no sync works:\n{process.tail()}")
        self.stopped(process, 1)
        return process.faults() > 0
