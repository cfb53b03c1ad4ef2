"""What the service asks of the kernel for a report, and what its threads and reports wait for.

    perf/syscalls.sh [--rate N|max] [--seconds N] [--nodes N]

System calls by kind of thread, from `perf trace --summary`, per report; the time in futex(2) is
waiting, for work included. perf starts late and drops events under load: counts are scaled by the
share of the log's syncs that it saw, which the service counts too. Then the queues between the
threads, from the service's own metrics, every tenth of a second. Tracing slows the service down:
counts are good, times are upper bounds.
"""

from __future__ import annotations

import argparse
import re
import shutil
import time
from collections import defaultdict
from typing import Any

from lab import ROOT, Failed, Lab, Threads, keep, kind_of, machine, main, quantile, table

WARM_SECONDS = 5
QUEUES = ("inbox_reports", "inbox_bytes", "log_outstanding_bytes", "rows_unsealed")


def parse(text: str, names: dict[int, str]) -> dict[str, dict[str, tuple[int, float]]]:
    """Calls and milliseconds by kind of thread and call."""
    found: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    group = None
    for line in text.splitlines():
        head = re.match(r" (.+) \((\d+)\), \d+ events", line)
        if head:
            group = names.get(int(head[2])) or kind_of(head[1])
            continue
        call = re.match(r" +(\w+) +(\d+) +\d+ +([\d.]+) ", line)
        if call and group:
            count, total = found[group].get(call[1], (0, 0.0))
            found[group][call[1]] = (count + int(call[2]), total + float(call[3]))
    return found


def trace(lab: Lab, seconds: int) -> str:
    log = lab.directory / "perf-trace.txt"
    command = ["perf", "trace", "--summary", "-m", "4096", "--pid", lab.pid, "--", "sleep", seconds]
    child = lab.steps.start("perf trace", command, log)
    while child.running():
        time.sleep(0.1)
    lab.steps.children.remove(child)
    if child.process.returncode != 0:
        raise Failed("perf trace did not work", log)
    return child.text()


def measure(options: argparse.Namespace) -> bool:
    if not shutil.which("perf"):
        raise Failed("perf is not installed: apt-get install linux-perf")
    about = machine()
    with Lab("syscalls", options.nodes) as lab:
        child, _ = lab.begin(options.rate, WARM_SECONDS + 2 * options.seconds + 10)
        time.sleep(WARM_SECONDS)
        # Queues first, while nothing slows the service down.
        samples = defaultdict(list)
        before, buckets = counters(lab), lab.buckets()
        used, begun = Threads(lab.pid).cpu(), time.monotonic()
        while time.monotonic() < begun + options.seconds:
            for name in QUEUES:
                samples[name].append(lab.metric(f"aggregator_{name}"))
            time.sleep(0.1)
        wall = time.monotonic() - begun
        after, buckets_after = counters(lab), lab.buckets()
        names = Threads(lab.pid).names()
        cpu = {name: value - used.get(name, 0) for name, value in Threads(lab.pid).cpu().items()}
        traced = counters(lab)
        text = trace(lab, options.seconds)
        end = counters(lab)
        child.stop(10)
        lab.steps.children.remove(child)
    calls = parse(text, names)
    syncs = sum(by_call.get("fdatasync", (0, 0.0))[0] for by_call in calls.values())
    seen = syncs / max(end["log_commits"] - traced["log_commits"], 1)
    if seen == 0:
        raise Failed("perf trace saw no sync", lab.directory / "perf-trace.txt")
    # As if perf had seen this many.
    reports = (end["reports"] - traced["reports"]) * seen
    grown = {name: after[name] - before[name] for name in after}
    show(about, options, calls, reports, seen, cpu, grown, wall)
    p50, p99 = (quantile(buckets, buckets_after, share) * 1000 for share in (0.5, 0.99))
    print(f"\nreport to answer: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    rows = [[n, f"{sum(v) / len(v):.0f}", f"{max(v):.0f}"] for n, v in samples.items()]
    print(table(["queue", "mean", "most"], rows))
    keep(
        ROOT / ".build/syscalls/result.json",
        {"machine": about, "reports": reports, "seen": seen, "calls": calls},
    )
    return True


def counters(lab: Lab) -> dict[str, float]:
    names = ("log_commits", "log_sync_seconds", "reports")
    return {name: lab.metric(f"aggregator_{name}_total") for name in names}


def show(
    about: str,
    options: argparse.Namespace,
    calls: dict[str, dict[str, tuple[int, float]]],
    reports: float,
    seen: float,
    cpu: dict[str, float],
    grown: dict[str, float],
    wall: float,
) -> None:
    print(f"{about}\n{options.rate} reports/s asked for; perf saw {100 * seen:.0f} % of the syncs")
    rows: list[list[Any]] = []
    every: dict[str, int] = defaultdict(int)
    for group, by_call in calls.items():
        for name, (count, total) in by_call.items():
            every[name] += count
            if count / reports >= 0.01:
                share = f"{total / (options.seconds * 10):.0f} %" if name == "futex" else ""
                rows.append([group, name, count / reports, f"{total / count * 1000:.0f}", share])
    rows.sort(key=lambda row: -row[2])
    rows = [[group, name, f"{n:.2f}", each, share] for group, name, n, each, share in rows]
    total = sum(every.values())
    rows.append(["all", "", f"{total / reports:.2f}", "", ""])
    print(table(["threads", "call", "a report", "µs each", "of the time, all threads"], rows))
    print(f"\nwithout tracing: {grown['reports'] / wall:.0f} reports/s,", end=" ")
    commits = max(grown["log_commits"], 1)
    print(f"{grown['reports'] / commits:.1f} reports a group, ", end="")
    print(f"{commits / wall:.0f} syncs/s of {grown['log_sync_seconds'] / commits * 1000:.2f} ms")
    busy = [[n, f"{s / wall:.3f}"] for n, s in sorted(cpu.items(), key=lambda x: -x[1]) if s > 0.01]
    print(table(["threads", "cores"], busy))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", default="1000")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--nodes", type=int, default=1000)
    main(measure, parser)
