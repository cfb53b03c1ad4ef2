"""The CPU time of a row in the whole service, by thread, beside a server that discards the POSTs.

    perf/service-cost.sh [--rounds N] [--seconds N] [--rate N|max] [--nodes N] [--pods N]
                         [--connections N] [--syscalls] [--dir DIR]

In each round fleet posts the same reports first to the release aggregator (file://, an fsync before
each acknowledgement) and then to `nio-discard`, and the medians of all rounds are printed. Of the
aggregator everything counts from the first report to the end of its process, so also encoding and
storing the last rows, which SIGTERM brings about. Times are the threads' own from /proc, the sum is
the kernel's account of the process. --syscalls adds a short round under `perf trace` (root) and
prints the calls of each thread by POST; its times are not used.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / ".build/release"
DIRECTORY = ROOT / ".build/service-cost"
WAIT_SECONDS = 60
SAMPLE_SECONDS = 0.1
# The service stores what it has first.
STOP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")
# What the threads are called, and what is shown; anything else counts as other.
GROUPS = {
    "NIO-ELT": "HTTP loops",
    "writer": "writer",
    "log": "log",
    "encoder": "encoder",
    "delivery": "upload",
    "kubernetes": "Kubernetes",
}


def group(name):
    return next((shown for start, shown in GROUPS.items() if name.startswith(start)), "other")


def wait_for(what, ready):
    deadline = time.monotonic() + WAIT_SECONDS
    while not (value := ready()):
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain for {what}; logs are in {DIRECTORY}")
        time.sleep(0.05)
    return value


def found(path, pattern):
    match = re.search(pattern, path.read_text()) if path.exists() else None
    return match and match[1]


class Threads:
    """CPU seconds of each thread that a process has had, as they were last seen."""

    def __init__(self, pid):
        self.tasks = Path(f"/proc/{pid}/task")
        self.seen = {}

    def sample(self):
        for task in self.tasks.glob("*/stat"):
            try:
                head, _, rest = task.read_text().rpartition(") ")
            except OSError:
                continue  # It has ended.
            fields = rest.split()
            seconds = (int(fields[11]) + int(fields[12])) / TICKS
            self.seen[task.parent.name] = (head.partition("(")[2], seconds)

    def by_group(self):
        sums = dict.fromkeys([*GROUPS.values(), "other"], 0.0)
        for name, seconds in self.seen.values():
            sums[group(name)] += seconds
        return sums


class Run:
    """One server under the load of one fleet."""

    def __init__(self, options, kind, seconds):
        self.options, self.kind, self.seconds = options, kind, seconds
        self.children = []
        self.directory = options.dir.resolve() / kind
        shutil.rmtree(self.directory, ignore_errors=True)
        for name in ("data", "store"):
            (self.directory / name).mkdir(parents=True)

    def launch(self, name, arguments, environment=None):
        log = open(self.directory / f"{name}.log", "wb")
        process = subprocess.Popen(
            arguments, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT
        )
        self.children.append(process)
        return process

    def close(self):
        for process in self.children:
            if process.poll() is None:
                process.terminate()
        for process in self.children:
            process.wait()

    def serve(self):
        """The server, and the port that it takes reports on."""
        log = self.directory / "server.log"
        if self.kind == "discard":
            server = self.launch("server", [RELEASE / "nio-discard", "1"])
            return server, wait_for("the port", lambda: found(log, r"listening.*:(\d+)"))
        kept = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "STORAGE_URL": f"file://{self.directory}/store",
            "DATA_DIR": f"{self.directory}/data",
            "KUBECONFIG": f"{self.directory}/kubeconfig",
            "HOST": "127.0.0.1",
            "PORT": "0",
            "CLUSTER_NAME": "load",
        }
        program = os.environ.get("AGGREGATOR_BINARY", RELEASE / "aggregator")
        server = self.launch("server", [program], environment)
        port = wait_for("the port", lambda: found(log, r"listening on \S+:(\d+)"))
        wait_for("the watchers", lambda: is_healthy(port))
        return server, port

    def measure(self):
        """CPU seconds a million rows by group, the sum, and fleet's summary."""
        options = self.options
        fleet = self.launch(
            "fleet",
            [RELEASE / "fleet", "run", "--seed", "1", "--nodes", str(options.nodes)]
            + ["--pods", str(options.pods), "--churn", "0", "--rate", options.rate]
            + ["--connections", str(options.connections), "--duration", str(self.seconds)]
            + ["--retry", "--expect-all", "--kubeconfig-out", self.directory / "kubeconfig"]
            + ["--target-file", self.directory / "target"]
            + ["--summary", self.directory / "summary"],
        )
        wait_for("the cluster", (self.directory / "kubeconfig").exists)
        server, port = self.serve()
        threads = Threads(server.pid)
        threads.sample()
        before, before_all = threads.by_group(), process_seconds(server.pid)
        (self.directory / "new").write_text(f"http://127.0.0.1:{port}/metrics\n")
        (self.directory / "new").rename(self.directory / "target")
        if options.syscalls:
            time.sleep(1)
            self.trace(server.pid, self.seconds - 2)
        while fleet.poll() is None:
            threads.sample()
            time.sleep(SAMPLE_SECONDS)
        if fleet.returncode != 0:
            sys.exit(f"fleet failed or reports were lost; see {self.directory}")
        server.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while True:
            pid, status, usage = os.wait4(server.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                sys.exit(f"the server did not end within {STOP_SECONDS} s; see {self.directory}")
            threads.sample()
            time.sleep(0.02)
        server.returncode = os.waitstatus_to_exitcode(status)
        if server.returncode not in (0, -signal.SIGTERM if self.kind == "discard" else 0):
            sys.exit(f"the server ended with {server.returncode}; see {self.directory}")
        summary = json.loads((self.directory / "summary").read_text())
        millions = summary["rows_acknowledged"] / 1e6
        after = threads.by_group()
        costs = {name: (after[name] - before[name]) / millions for name in after}
        total = (usage.ru_utime + usage.ru_stime - before_all) / millions
        costs["other"] += max(0.0, total - sum(costs.values()))
        return costs, total, usage.ru_stime / (usage.ru_utime + usage.ru_stime), summary

    def trace(self, pid, seconds):
        """Calls of each thread, from `perf trace` while the load goes on."""
        before = posts(self.directory)
        output = self.directory / "trace"
        command = ["perf", "trace", "-s", "-p", str(pid), "-o", str(output)]
        subprocess.run([*command, "--", "sleep", str(seconds)], check=True, capture_output=True)
        print_trace(output.read_text(), max(1, posts(self.directory) - before))


def posts(directory):
    """Reports that are acknowledged so far, from fleet's last line of progress."""
    log = (directory / "fleet.log").read_text()
    numbers = re.findall(r"(\d[\d,]*) reports", log)
    return int(numbers[-1].replace(",", "")) if numbers else 0


def print_trace(text, count):
    calls = {}
    name = ""
    for line in text.splitlines():
        thread = re.match(r"\s*(\S.*) \(\d+\), \d+ events", line)
        if thread:
            name = group(thread[1])
            continue
        call = re.match(r"\s+(\w+)\s+(\d+)\s+\d+\s+[\d.]+", line)
        if call:
            key = (name, call[1])
            calls[key] = calls.get(key, 0) + int(call[2])
    print(f"\nsystem calls of {count:,} POSTs, by POST")
    for (thread, call), number in sorted(calls.items(), key=lambda item: -item[1]):
        if number >= count / 200:
            print(f"  {thread:12}{call:20}{number / count:8.3f}")
    print(f"  {'all':32}{sum(calls.values()) / count:8.3f}")


def process_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_healthy(port):
    command = f"exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1\n"
    command += r"printf 'GET /health HTTP/1.0\r\n\r\n' >&3; read -r line <&3; echo $line"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return " 200 " in answer.stdout


def median(values):
    return statistics.median(values)


def print_table(options, results):
    load = f"{options.nodes} nodes, {options.pods} pods, rate {options.rate}"
    print(f"{load}, {options.connections} connections, {options.rounds} x {options.seconds} s;")
    print("CPU seconds per million rows, medians")
    for name in [*GROUPS.values(), "other"]:
        print(f"  {name:24}{median([costs[name] for costs, *_ in results['service']]):8.3f}")
    totals = {}
    for kind in ("service", "discard"):
        runs = results[kind]
        totals[kind] = median([total for _, total, *_ in runs])
        spread = ", ".join(f"{total:.3f}" for _, total, *_ in runs)
        kernel = median([share for *_, share, _ in runs])
        rate = median([summary["rows_per_second"] for *_, summary in runs])
        print(
            f"  {'all of the ' + kind:24}{totals[kind]:8.3f}   (of it in the kernel "
            f"{kernel:.0%}, {rate:,.0f} rows/s; rounds: {spread})"
        )
    pairs = zip(results["service"], results["discard"], strict=True)
    ratios = [ours[1] / theirs[1] for ours, theirs in pairs]
    print(f"  {'service / discard':24}{median(ratios):8.2f}   (median of the rounds' ratios)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", default="max")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--syscalls", action="store_true")
    parser.add_argument("--dir", type=Path, default=DIRECTORY)
    options = parser.parse_args()
    if options.syscalls:
        options.rounds = 1
    results = {"service": [], "discard": []}
    for _ in range(options.rounds):
        for kind, runs in results.items():
            run = Run(options, kind, options.seconds)
            try:
                runs.append(run.measure())
            finally:
                run.close()
                shutil.rmtree(run.directory / "data", ignore_errors=True)
    print_table(options, results)


if __name__ == "__main__":
    main()
