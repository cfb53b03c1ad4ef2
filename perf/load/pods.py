"""Memory of the index at 10,000, 100,000 and 1,000,000 pods.

    perf/pods.sh [--pods N,N,N] [--settle SECONDS]

A fresh service each lists a simulated cluster of 30 pods a node from its API and takes no report.
What it then has resident, less what it has for one node of 30 pods, is the index: pods, nodes,
claims, volumes, and what malloc does not give back. Beside it is what index-bench counts of the
same number of pods by malloc's own figures. From both the distinct texts of the pods' metadata are
taken off, each text once, and every UID. About 8 minutes, most of them for reading the texts
of a million pods; fleet, the service and this program take 1 GiB then.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import plot
from lab import MIB, PLOTS, PODS_PER_NODE, ROOT, Failed, Lab, keep, machine, main, table
from local_run import RELEASE
from memory import metadata_mib

GOAL = 150  # bytes a pod beyond the distinct texts
PATIENCE = 300.0
BENCH_SECONDS = 600


def settled(lab: Lab, seconds: float) -> float:
    """Resident MiB once it has stayed within 1 % for `seconds`, at most ten times as long."""
    memory = lab.memory()
    for _ in range(10):
        before = memory
        time.sleep(seconds)
        lab.run.service.expect_running()
        memory = lab.memory()
        if abs(memory - before) <= before / 100:
            break
    return memory


def listed(pods: int, seconds: float) -> dict[str, float]:
    nodes = -(-pods // PODS_PER_NODE)
    lab = Lab("pods", nodes, pods=pods, sub=str(pods))
    lab.run.patience = PATIENCE
    begun = time.monotonic()
    with lab:
        took = time.monotonic() - begun
        resident = settled(lab, seconds)
        kubeconfig: Path = lab.directory / "kubeconfig"
        return {"resident": resident, "texts": metadata_mib(kubeconfig), "seconds": took}


def bench(pods: int) -> dict[str, float]:
    """What index-bench says of so many pods, bytes a pod."""
    done = subprocess.run(
        [RELEASE / "index-bench", str(pods)],
        check=False,
        capture_output=True,
        text=True,
        timeout=BENCH_SECONDS,
    )
    names = {"texts": "distinct metadata", "beyond": "beyond it", "all": "memory in use"}
    found = {key: re.search(rf"{name}: ([\d.]+)", done.stdout) for key, name in names.items()}
    if done.returncode != 0 or not all(found.values()):
        raise Failed(f"index-bench: {done.stdout}{done.stderr}")
    return {key: float(match[1]) for key, match in found.items() if match}


def one(pods: int, empty: float, seconds: float) -> dict[str, Any]:
    run = listed(pods, seconds)
    index = (run["resident"] - empty) * MIB / pods
    texts = run["texts"] * MIB / pods
    return {
        "pods": pods,
        "resident": run["resident"],
        "seconds": run["seconds"],
        "index": index,
        "texts": texts,
        "beyond": index - texts,
        "bench": bench(pods),
    }


def measure(options: argparse.Namespace) -> None:
    about = machine()
    empty = listed(PODS_PER_NODE, options.settle)["resident"]
    runs = [one(int(pods), empty, options.settle) for pods in options.pods.split(",")]
    keep(ROOT / ".build/pods/result.json", {"machine": about, "empty": empty, "runs": runs})
    print(about)
    heads = ["pods", "resident MiB", "index", "texts", "beyond them", "index-bench, beyond"]
    rows = [
        [f"{r['pods']:,}", f"{r['resident']:.0f}", f"{r['index']:.0f}", f"{r['texts']:.0f}"]
        + [f"{r['beyond']:.0f}", f"{r['bench']['beyond']:.0f}", f"{r['seconds']:.0f}"]
        for r in runs
    ]
    print(table([*heads, "s to ready"], rows))
    print(f"{empty:.0f} MiB resident with one node of {PODS_PER_NODE} pods")

    memory = plot.Panel("pods listed", "resident, MiB", log_x=True, log_y=True)
    memory.line("service", [(r["pods"], r["resident"]) for r in runs], dots=True)
    memory.line(
        "distinct texts", [(r["pods"], r["texts"] * r["pods"] / MIB) for r in runs], dots=True
    )
    each = plot.Panel("pods listed", "bytes a pod beyond the distinct texts", log_x=True)
    each.line("service, resident", [(r["pods"], r["beyond"]) for r in runs], dots=True)
    each.line("index alone", [(r["pods"], r["bench"]["beyond"]) for r in runs], dots=True)
    each.line("goal", [(r["pods"], GOAL) for r in runs], dashed=True)
    plot.save(PLOTS / "pods.svg", "memory of the index against the pods", [memory, each], about)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pods", default="10000,100000,1000000")
    parser.add_argument("--settle", type=float, default=5)
    main(measure, parser)
