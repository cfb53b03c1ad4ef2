"""The service under load, for what measures it: started on free ports, watched, ended.

One fleet serves the simulated cluster's API; others post the reports of the same cluster to the
running service, one after the other, so that each load has a summary of its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from demo_steps import Failed, Steps, tail  # noqa: E402
from local_run import RELEASE, LocalRun  # noqa: E402

MIB = 1 << 20
TICKS = os.sysconf("SC_CLK_TCK")
PODS_PER_NODE = 30
SEED = "7"
PLOTS = ROOT / "perf" / "plots"


def machine() -> str:
    """What a figure is worth nothing without: when, on what, beside what."""
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    now = datetime.datetime.now(datetime.UTC)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    name = model[1] if model else "?"
    return f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {name}, load {load}"


def kind_of(name: str) -> str:
    """The kind of thread that is named so."""
    name = name.strip()
    return "HTTP" if name.startswith("NIO-ELT") else re.sub(r"[-_ #]*[0-9]+$", "", name) or name


class Threads:
    """CPU seconds of a process by kind of thread, ended ones not included."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def names(self) -> dict[int, str]:
        found = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                found[int(task.name)] = kind_of((task / "comm").read_text())
            except OSError:
                continue  # it has ended
        return found

    def cpu(self) -> dict[str, float]:
        seconds: dict[str, float] = {}
        for task, name in self.names().items():
            try:
                fields = stat_fields(Path(f"/proc/{self.pid}/task/{task}/stat"))
            except OSError:
                continue
            used = (int(fields[11]) + int(fields[12])) / TICKS
            seconds[name] = seconds.get(name, 0) + used
        return seconds


def stat_fields(path: Path) -> list[str]:
    """proc_pid_stat(5) from the third field on."""
    return path.read_text().rpartition(")")[2].split()


class Lab:
    """A service with its cluster. As a context: all that it started ends with it."""

    def __init__(
        self,
        name: str,
        nodes: int,
        *,
        pods: int | None = None,
        posting: list[str] | None = None,
        churn: str = "0",
        sub: str = "run",
        **settings: str,
    ) -> None:
        self.nodes, self.pods = nodes, pods or nodes * PODS_PER_NODE
        self.directory = ROOT / ".build" / name / sub
        shutil.rmtree(self.directory, ignore_errors=True)
        self.steps = Steps(1)
        self.run = LocalRun(self.steps, self.directory, name)
        self.cluster = ["--seed", SEED, "--nodes", str(nodes), "--pods", str(self.pods)]
        self.options = [*self.cluster, "--churn", churn, *(posting or ["--no-post"])]
        self.settings = settings
        self.number = 0

    def __enter__(self) -> Lab:
        # A SIGTERM ends the children as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.run.start(self.options, **self.settings)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self.steps.stop_children(40)
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        shutil.rmtree(self.directory / "store", ignore_errors=True)

    @property
    def pid(self) -> int:
        return self.run.service.process.pid

    def begin(self, rate: float | str, seconds: float, *more: str) -> tuple[Any, Path]:
        """Collectors that post so many reports a second, with 64 connections."""
        self.number += 1
        summary = self.directory / f"post-{self.number}.json"
        command = [RELEASE / "fleet", "run", *self.cluster, "--churn", "0", "--no-api", "--quiet"]
        command += ["--rate", str(rate), "--duration", str(seconds), "--retry"]
        command += ["--target", f"http://127.0.0.1:{self.run.port}", "--summary", summary, *more]
        log = self.directory / f"post-{self.number}.log"
        return self.steps.start("collectors", command, log), summary

    def post(self, rate: float | str, seconds: float, *more: str) -> dict[str, Any]:
        """Posts so long; fleet's summary, and what the service used meanwhile."""
        before = self.sample()
        child, summary = self.begin(rate, seconds, *more)
        peak = 0.0
        while child.running():
            self.run.service.expect_running()
            peak = max(peak, self.memory())
            time.sleep(0.1)
        self.steps.children.remove(child)
        if child.process.returncode != 0:
            raise Failed(f"collectors ended with {child.process.returncode}", child.log)
        after = self.sample()
        result = json.loads(summary.read_text())
        result["service"] = {
            name: after[name] - before[name] for name in ("cpu", "faults", "major_faults", "time")
        }
        result["service"]["peak_mib"] = peak
        return result

    def memory(self) -> float:
        """Resident MiB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096 / MIB

    def sample(self) -> dict[str, float]:
        fields = stat_fields(Path(f"/proc/{self.pid}/stat"))
        return {
            "time": time.monotonic(),
            "cpu": (int(fields[11]) + int(fields[12])) / TICKS,
            "faults": float(fields[7]),
            "major_faults": float(fields[9]),
            "memory": self.memory(),
        }

    def metric(self, name: str) -> float:
        """The sum of a metric's samples, whatever their labels."""
        text = self.run.get("/metrics")
        if text is None:
            raise Failed("GET /metrics had no answer", self.run.service_log)
        pattern = rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$"
        return sum(float(value) for value in re.findall(pattern, text, re.M))

    def buckets(self) -> list[tuple[float, float]]:
        """Of `aggregator_http_report_seconds`: bound and count so far, cumulative."""
        text = self.run.get("/metrics") or ""
        found = re.findall(r'^aggregator_http_report_seconds_bucket{le="(\S+)"} (\S+)', text, re.M)
        return [(math.inf if bound == "+Inf" else float(bound), float(n)) for bound, n in found]


def quantile(before: list, after: list, share: float) -> float:
    """Interpolated between the bounds of a Prometheus histogram's growth; seconds."""
    growth = [(bound, n - m) for (bound, n), (_, m) in zip(after, before, strict=True)]
    rank, low, seen = growth[-1][1] * share, 0.0, 0.0
    for bound, count in growth:
        if count >= rank and count > seen:
            top = low if bound == math.inf else bound
            return low + (top - low) * (rank - seen) / (count - seen)
        low, seen = bound, count
    return 0.0


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares: growth of the second by the first."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def table(heads: list[str], rows: list[list[Any]]) -> str:
    """Markdown, numbers to the right."""
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---:' for _ in heads)} |"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def main(measure, parser: argparse.ArgumentParser) -> None:
    """Runs `measure` with the parsed options; a result that is false is exit status 1."""
    options = parser.parse_args()
    try:
        sys.exit(0 if measure(options) is not False else 1)
    except Failed as failure:
        print(failure, file=sys.stderr)
        if failure.log:
            print(*tail(failure.log), sep="\n", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def keep(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
