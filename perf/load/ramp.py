"""How the service behaves from little load to more than it takes.

    perf/ramp.sh [--seconds N] [--nodes N] [--half N]

First the largest rate that 64 connections get, then offered rates in steps up to above it, so many
seconds each, and last half of the largest for --half seconds, with its histogram. Latency counts
from when a report was due: a queue shows. The disk's own fsync is measured in the same directory,
with writes of the size of the log's groups: 20 a second beside the half load, then alone. The load
generator runs on the same machine, and its share of the processors is what the service lacks.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from typing import Any

import plot
from lab import PLOTS, ROOT, Lab, keep, machine, main, table

SHARES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0, 1.15)
ALONE_SECONDS = 10.0
# Latencies of fleet's own start, when all connections open at once, are not the service's.
WARM_UP_SECONDS = 2.0
FILE_BYTES = 8 << 20
# Of a latency that is still good, in ms.
KNEE_P99 = 50.0


class DiskProbe:
    """Writes and syncs in the service's directory, as its log does, and takes the times."""

    def __init__(self, lab: Lab, size: int, pause: float) -> None:
        self.path, self.pause = lab.directory / "probe", pause
        self.block = os.urandom(size)
        self.times: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        offset = FILE_BYTES
        try:
            while not self.over.is_set():
                if offset + len(self.block) > FILE_BYTES:
                    # Unwritten extents, as the log preallocates them.
                    os.ftruncate(file, 0)
                    os.posix_fallocate(file, 0, FILE_BYTES)
                    os.fsync(file)
                    offset = 0
                begun = time.monotonic()
                os.pwrite(file, self.block, offset)
                os.fdatasync(file)
                self.times.append((time.monotonic() - begun) * 1000)
                offset += len(self.block)
                self.over.wait(self.pause)
        finally:
            os.close(file)
            self.path.unlink()

    def quantiles(self) -> dict[str, float]:
        self.times.sort()
        last = len(self.times) - 1
        at = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999}
        return {name: self.times[round(share * last)] for name, share in at.items()}


def latency_at_half(lab: Lab, rate: int, seconds: int) -> dict[str, Any]:
    def written() -> tuple[float, float]:
        reports = lab.metric("aggregator_http_body_bytes_total")
        return reports, lab.metric("aggregator_log_commits_total")

    lab.post(rate, 5)
    before = written()
    warm = lab.post(rate, 5)
    after = written()
    group = int((after[0] - before[0]) / max(after[1] - before[1], 1))
    size = min(max(group, 4096), FILE_BYTES)
    beside = DiskProbe(lab, size, 0.05)
    thread = threading.Thread(target=beside.run)
    thread.start()
    try:
        posted = lab.post(rate, seconds, "--warm-up", str(WARM_UP_SECONDS))
    finally:
        beside.over.set()
        thread.join()
    alone = DiskProbe(lab, size, 0)
    timer = threading.Timer(ALONE_SECONDS, alone.over.set)
    timer.start()
    alone.run()
    return {
        "rate": rate,
        "group_bytes": group,
        "warm_p99": warm["latency_ms"]["p99"],
        "latency_ms": posted["latency_ms"],
        "fsync_beside": beside.quantiles(),
        "fsync_alone": alone.quantiles(),
    }


def step(lab: Lab, rate: float | str, seconds: int) -> dict[str, Any]:
    done = lab.post(rate, seconds, "--warm-up", str(WARM_UP_SECONDS))
    used, latency = done["service"], done["latency_ms"]
    return {
        "offered": rate,
        "acknowledged": done["reports_per_second"],
        "rows": done["rows_per_second"],
        "lost": done["reports_lost"],
        "p50": latency["p50"],
        "p99": latency["p99"],
        "p99_9": latency["p99_9"],
        "memory": used["peak_mib"],
        "cores": used["cpu"] / used["time"],
        "cpu_per_million": used["cpu"] / max(done["rows_acknowledged"], 1) * 1e6,
        "faults": used["faults"] / max(done["reports_acknowledged"], 1),
        "fleet_cores": done["fleet_cpu_seconds"] / used["time"],
    }


def measure(options: argparse.Namespace) -> bool:
    about = machine()
    with Lab("ramp", options.nodes) as lab:
        most = step(lab, "max", options.seconds)
        steps = []
        for share in SHARES:
            rate = round(most["acknowledged"] * share, -1)
            steps.append(step(lab, rate, options.seconds))
            print(f"{rate:.0f} offered, {steps[-1]['acknowledged']:.0f} acknowledged", flush=True)
        half = latency_at_half(lab, round(most["acknowledged"] / 2), options.half)
    good = [s for s in steps if s["acknowledged"] >= 0.99 * s["offered"] and s["p99"] <= KNEE_P99]
    knee = max((s["offered"] for s in good), default=0)
    result = {"machine": about, "most": most, "steps": steps, "knee": knee, "half": half}
    keep(ROOT / ".build/ramp/result.json", result)
    report(result)
    draw(result)
    return sum(s["lost"] for s in steps) == 0


def report(result: dict[str, Any]) -> None:
    heads = ["offered/s", "acknowledged/s", "rows/s", "p50 ms", "p99 ms", "p99.9 ms", "MiB"]
    heads += ["cores", "CPU s/M rows", "page faults a report", "fleet's cores"]
    print(result["machine"])
    print(
        table(
            heads,
            [
                [s["offered"], f"{s['acknowledged']:.0f}", f"{s['rows']:.0f}", s["p50"], s["p99"]]
                + [s["p99_9"], f"{s['memory']:.0f}", f"{s['cores']:.2f}"]
                + [f"{s['cpu_per_million']:.2f}", f"{s['faults']:.1f}", f"{s['fleet_cores']:.2f}"]
                for s in [*result["steps"], result["most"]]
            ],
        )
    )
    half = result["half"]
    print(f"knee: {result['knee']:.0f} reports/s (p99 at most {KNEE_P99:.0f} ms, nothing behind)")
    print(f"half: {half['rate']} reports/s, groups of {half['group_bytes']} bytes")
    print(
        table(
            ["", "p50 ms", "p99 ms", "p99.9 ms"],
            [
                [name] + [f"{half[key][part]:.2f}" for part in ("p50", "p99", "p99_9")]
                for name, key in (
                    ("acknowledgement", "latency_ms"),
                    ("fsync beside it", "fsync_beside"),
                    ("fsync alone", "fsync_alone"),
                )
            ],
        )
    )


def draw(result: dict[str, Any]) -> None:
    steps, knee = result["steps"], result["knee"]

    def points(name: str) -> list[tuple[float, float]]:
        return [(s["offered"], s[name]) for s in steps]

    offered = "offered, reports/s of 30 pods"
    rate = plot.Panel(offered, "acknowledged, reports/s")
    rate.line("acknowledged", points("acknowledged"), dots=True)
    rate.line("offered", points("offered"), dashed=True).mark(knee, "knee")
    latency = plot.Panel(offered, "latency, ms", log_y=True)
    for name, key in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p99_9")):
        latency.line(name, points(key), dots=True)
    memory = plot.Panel(offered, "resident, MiB").line("memory", points("memory"), dots=True)
    cores = plot.Panel(offered, "CPU, cores")
    cores.line("service", points("cores"), dots=True)
    cores.line("load generator, same machine", points("fleet_cores"), dots=True)
    panels = [rate, latency.mark(knee, "knee"), memory, cores]
    plot.save(PLOTS / "ramp.svg", "Load ramp", panels, result["machine"])
    half = result["half"]
    buckets = half["latency_ms"]["buckets_micros"]
    total = sum(count for _, count in buckets)
    # Ten bars a power of two would be too fine to see: each takes the buckets of 8 %.
    bars: list[list[float]] = []
    for end, count in buckets:
        if not bars or end > bars[-1][0] * 1.08:
            bars.append([end, 0])
        bars[-1][1] += count
    histogram = plot.Panel("latency, ms", "share of the reports, %", log_x=True)
    histogram.bars("", [(end / 1000, 100 * count / total) for end, count in bars])
    histogram.mark(half["latency_ms"]["p99"], "p99").mark(half["latency_ms"]["p99_9"], "p99.9")
    tail = plot.Panel(
        "share of the reports that took longer", "latency, ms", log_x=True, log_y=True
    )
    seen, curve = 0, []
    for end, count in buckets:
        seen += count
        curve.append((max(1 - seen / total, 1 / total), end / 1000))
    tail.line("acknowledgement", curve)
    for name, key in (("fsync beside it", "fsync_beside"), ("fsync alone", "fsync_alone")):
        fsync = half[key]
        ends = [(0.5, fsync["p50"]), (0.01, fsync["p99"]), (0.001, fsync["p99_9"])]
        tail.line(name, ends, dots=True)
    title = f"Latency at half of the largest rate, {half['rate']} reports/s"
    plot.save(PLOTS / "latency.svg", title, [histogram, tail], result["machine"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=20, help="of each step")
    parser.add_argument("--half", type=int, default=60, help="seconds at half of the largest rate")
    parser.add_argument("--nodes", type=int, default=1000)
    main(measure, parser)
