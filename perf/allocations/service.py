#!/usr/bin/env python3
"""Allocations and page faults of the running service per report; allocations by thread and by
whose code asked for them.

    service.py [--seconds N] [--rate N] [--nodes N] [--pods N] [--top N]

The release aggregator on file://, its allocations counted with their stacks by count.c, under a
steady load from fleet, after a warm-up in which every pod is seen. Whose code it is: the innermost
frame that is not a runtime library's. `--top` shows the stacks of our code that asked most often.
"""

from __future__ import annotations

import argparse
import bisect
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".build/allocations"
OURS = ("Service", "Ingest", "Columnar", "KubeIndex", "CShims")
WAIT_SECONDS = 60
WARM_UP_SECONDS = 15


class Symbols:
    """Names of addresses in the files that a process has mapped."""

    def __init__(self, maps: list[str]) -> None:
        self.ranges: list[tuple[int, int, int, str]] = []
        self.tables: dict[str, tuple[list[int], list[str]]] = {}
        for line in maps:
            parts = line.split()
            if len(parts) > 5 and "x" in parts[1] and parts[5].startswith("/"):
                low, high = (int(part, 16) for part in parts[0].split("-"))
                self.ranges.append((low, high, int(parts[2], 16), parts[5]))

    def name(self, address: int) -> tuple[str, str]:
        """The file and the mangled symbol."""
        for low, high, offset, path in self.ranges:
            if low <= address < high:
                # One before: a return address may lie behind its function.
                addresses, names = self.table(path)
                index = bisect.bisect_right(addresses, address - 1 - low + offset) - 1
                return path, names[index] if index >= 0 else "?"
        return "?", "?"

    def table(self, path: str) -> tuple[list[int], list[str]]:
        if path not in self.tables:
            self.tables[path] = self.read(path)
        return self.tables[path]

    @staticmethod
    def read(path: str) -> tuple[list[int], list[str]]:
        """Symbols by their place in the file."""
        segments = []
        headers = subprocess.run(
            ["readelf", "-lW", path], capture_output=True, text=True, check=False
        )
        for line in headers.stdout.splitlines():
            parts = line.split()
            if parts[:1] == ["LOAD"]:
                offset, address = int(parts[1], 16), int(parts[2], 16)
                segments.append((address, address + int(parts[5], 16), offset - address))
        found = []
        for kind in ([], ["--dynamic"]):
            listing = subprocess.run(
                ["nm", *kind, "--defined-only", path], capture_output=True, text=True, check=False
            )
            for line in listing.stdout.splitlines():
                value, kind_of, name = line.split(" ", 2)
                if kind_of not in "tTwW":
                    continue
                address = int(value, 16)
                for low, high, shift in segments:
                    if low <= address < high:
                        found.append((address + shift, name))
                        break
        found.sort()
        return [place for place, _ in found], [name for _, name in found]


def module(path: str, symbol: str, program: str) -> str | None:
    """Whose code it is; None for a runtime library, which asks on behalf of another."""
    if path == program:
        match = re.match(r"\$s(\d+)", symbol)
        if match:
            start = match.end()
            return symbol[start : start + int(match[1])]
        if symbol.startswith("cshims_"):
            return "CShims"
        # The standard library's generic code, made for a module; C++ of ours or of a library.
        return None if symbol.startswith("$s") else "C"
    name = Path(path).name
    if re.match(r"lib(swift|c\.|stdc\+\+|Foundation|_|dispatch|Blocks)", name) or "count" in name:
        return None
    return name.split(".")[0]


def metric(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(r'^aggregator_reports_total\{outcome="accepted"\} (\d+)', text, re.M)
    return int(found[1]) if found else 0


def page_faults(pid: int) -> int:
    """Minor and major so far, by proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[7]) + int(fields[9])


def wait_for(what: str, ready) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain for {what}; logs are in {DIRECTORY}")
        time.sleep(0.1)


def port_of(log: Path) -> int:
    found = re.search(r"listening\D*\S*:(\d+)", log.read_text(), re.I) if log.exists() else None
    return int(found[1]) if found else 0


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def dump(service: subprocess.Popen, stacks: Path) -> list[str]:
    stacks.unlink(missing_ok=True)
    service.send_signal(signal.SIGUSR2)
    wait_for("the stacks", lambda: stacks.exists() and stacks.stat().st_size > 0)
    time.sleep(1)
    return stacks.read_text().splitlines()


def measure(options: argparse.Namespace, children: list[subprocess.Popen]) -> None:
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    (DIRECTORY / "data").mkdir(parents=True)
    library, stacks = DIRECTORY / "count.so", DIRECTORY / "stacks"
    source = ROOT / "perf/allocations/count.c"
    subprocess.run(
        ["clang", "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", library, source], check=True
    )
    release = ROOT / ".build/release"
    fleet = os.environ.get("FLEET_BINARY", release / "fleet")
    aggregator = os.environ.get("AGGREGATOR_BINARY", release / "aggregator")
    load = subprocess.Popen(
        [fleet, "run", "--nodes", str(options.nodes), "--pods", str(options.pods)]
        + ["--rate", str(options.rate), "--connections", "16", "--churn", "0%"]
        + ["--duration", str(WARM_UP_SECONDS + options.seconds + 10)]
        + ["--kubeconfig-out", DIRECTORY / "kubeconfig", "--target-file", DIRECTORY / "target"],
        stdout=(DIRECTORY / "fleet.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    children.append(load)
    wait_for("the simulated cluster's API", (DIRECTORY / "kubeconfig").exists)
    log = DIRECTORY / "aggregator.log"
    service = subprocess.Popen(
        [aggregator],
        env={
            "PATH": os.environ["PATH"],
            "LD_PRELOAD": str(library),
            "ALLOCATION_STACKS": str(stacks),
            "STORAGE_URL": f"file://{DIRECTORY}/store",
            "DATA_DIR": str(DIRECTORY / "data"),
            "KUBECONFIG": str(DIRECTORY / "kubeconfig"),
            "CLUSTER_NAME": "allocations",
            "HOST": "127.0.0.1",
            "PORT": "0",
        },
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    children.append(service)
    wait_for("the aggregator's port", lambda: port_of(log))
    port = port_of(log)
    wait_for("the aggregator's watchers", lambda: is_healthy(port))
    (DIRECTORY / "target.tmp").write_text(f"http://127.0.0.1:{port}/metrics\n")
    (DIRECTORY / "target.tmp").rename(DIRECTORY / "target")
    time.sleep(WARM_UP_SECONDS)
    # Each just before the stacks begin or end.
    before = metric(port)
    dump(service, stacks)
    faults = page_faults(service.pid)
    time.sleep(options.seconds)
    faults = page_faults(service.pid) - faults
    reports = metric(port) - before
    lines = dump(service, stacks)
    if reports == 0:
        sys.exit(f"no report was accepted; logs are in {DIRECTORY}")
    show(lines, reports, options)
    print(f"\npage faults {faults / reports:.2f} a report")


def show(lines: list[str], reports: int, options: argparse.Namespace) -> None:
    end = lines.index("")
    symbols = Symbols(lines[:end])
    # The program itself is mapped first.
    program = next(line.split()[5] for line in lines[:end] if len(line.split()) > 5)
    by_owner: Counter[tuple[str, str]] = Counter()
    by_stack: Counter[tuple[str, ...]] = Counter()
    for line in lines[end + 1 :]:
        parts = line.split()
        addresses = [int(part, 16) for part in parts if part.startswith("0x")]
        words = [part for part in parts[1:] if not part.startswith("0x")]
        count, thread = int(parts[0]), re.sub(r"\d+$", "", " ".join(words))
        frames = [symbols.name(address) for address in addresses]
        owners = [(module(*frame, program), frame[1]) for frame in frames]
        owner = next((name for name, _ in owners if name), "runtime")
        by_owner[thread, owner] += count
        if owner in OURS:
            by_stack[thread, *[name for who, name in owners if who][:4]] += count
    rows = options.pods // options.nodes
    print(f"{reports} reports of {rows} pods, every pod seen before; allocations per report:")
    for (thread, owner), count in by_owner.most_common():
        if count / reports >= 0.005:
            print(f"  {thread:<16} {owner:<20} {count / reports:8.2f}")
    ours = sum(count for (_, owner), count in by_owner.items() if owner in OURS)
    print(f"  our code in all {ours / reports:27.2f}")
    for (thread, *names), count in by_stack.most_common(options.top):
        print(f"\n{count / reports:.3f} a report, thread {thread}")
        demangled = subprocess.run(
            ["swift", "demangle", "--simplified", "--compact", *names],
            capture_output=True,
            text=True,
            check=False,
        )
        for name in demangled.stdout.splitlines():
            print(f"    {name[:150]}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--top", type=int, default=12)
    children: list[subprocess.Popen] = []
    try:
        measure(parser.parse_args(), children)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            child.wait()
        shutil.rmtree(DIRECTORY / "data", ignore_errors=True)
        shutil.rmtree(DIRECTORY / "store", ignore_errors=True)


if __name__ == "__main__":
    main()
