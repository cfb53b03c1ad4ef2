"""The service under crash: started over and over on one DATA_DIR, with or without disk faults."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from conftest import Aggregator, Running, base_environment, binary

HERE = Path(__file__).resolve().parent
START_SECONDS = 30.0
# Of a start that takes a while, before and after the logs were gone through.
RECOVERING, RECOVERED = "reports get 503 until", "DATA_DIR is recovered"


def build_library(directory):
    """The preloaded library, compiled into `directory`."""
    library = directory / "diskfault.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, HERE / "diskfault.c"],
        check=True,
    )
    return library


class Process(Aggregator):
    """One life of the service."""

    def __init__(self, env, log, data_dir, faults_log):
        Running.__init__(self, [binary("aggregator")], env=env, log=log)
        self.data_dir, self.storage = data_dir, None
        self.faults_log = faults_log
        self._port = None

    @property
    def is_alive(self):
        return self.process.poll() is None

    def faults(self):
        """How many faults of the library have happened."""
        try:
            return len(self.faults_log.read_text().splitlines())
        except FileNotFoundError:
            return 0

    def wait_listening(self):
        """True once it listens and DATA_DIR is recovered, False if it ended before."""
        deadline = time.monotonic() + START_SECONDS
        compiled = re.compile(self.START_LINE)
        while True:
            log = self.log()
            match = compiled.search(log)
            if match and (RECOVERING not in log or RECOVERED in log):
                self._port = int(match.group(1))
                return True
            if not self.is_alive:
                return False
            if time.monotonic() > deadline:
                raise TimeoutError(f"no start within {START_SECONDS:g} s:\n{self.tail()}")
            time.sleep(0.01)

    def wait_dead(self, seconds):
        """True if it ends within so many seconds."""
        deadline = time.monotonic() + seconds
        while self.is_alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True


class Service:
    """Starts the service; `settings` are its environment, `nice` its priority's distance."""

    def __init__(self, directory, library, **settings):
        self.directory, self.library = directory, library
        self.data_dir = directory / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.starts = 0
        self._kept = []

    def start(self, rules=(), **changes):
        """A life with these rules of diskfault.c; the logs of the last 30 lives are kept."""
        self.starts += 1
        log = self.directory / f"aggregator-{self.starts:05d}.log"
        faults_log = log.with_suffix(".faults")
        env = base_environment()
        env.update(HOST="127.0.0.1", PORT="0", DATA_DIR=str(self.data_dir), CLUSTER_NAME="crash")
        env.update({k: str(v) for k, v in (self.settings | changes).items()})
        if rules:
            env.update(
                LD_PRELOAD=str(self.library),
                DISKFAULT=";".join(rules),
                DISKFAULT_DIR=str(self.data_dir),
                DISKFAULT_LOG=str(faults_log),
            )
        process = Process(env, log, self.data_dir, faults_log)
        self._kept.append(process)
        while len(self._kept) > 30:
            old = self._kept.pop(0)
            old.close()
            old.log_path.unlink(missing_ok=True)
            old.faults_log.unlink(missing_ok=True)
        return process

    def close(self):
        for process in self._kept:
            process.close()

    def files(self):
        """Names in DATA_DIR that ought not to be there once everything is stored, in order. The
        newest seal stays, for its retry ids; what was set aside for a human is counted apart."""
        names = sorted(os.listdir(self.data_dir))
        seals = [n for n in names if n.endswith(".seal")]
        return [
            n
            for n in names
            if n not in ("lock", "writer") and n not in seals[-1:] and not n.endswith(".quarantine")
        ]

    def quarantined(self):
        return [n for n in os.listdir(self.data_dir) if n.endswith(".quarantine")]


def say(text):
    print(text, file=sys.stderr, flush=True)
