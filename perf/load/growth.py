"""The service at 1, 10 and 100 times the nodes, each as fast as it takes reports.

    perf/growth.sh [--seconds N] [--nodes N,N,N]

A fresh service each: idle memory with the index, then --seconds of the largest rate, then it is
stopped and what it stored is counted. Linear means: rows/s and CPU a row stay, memory grows with
the pods' metadata. More bytes a row at more pods is in the data: a pod recurs less in a row group.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import plot
from lab import MIB, PLOTS, ROOT, Lab, keep, machine, main, table

IDLE_SECONDS = 10


def one(nodes: int, seconds: int) -> dict[str, Any]:
    with Lab("growth", nodes, sub=str(nodes)) as lab:
        time.sleep(IDLE_SECONDS)
        idle = lab.memory()
        done = lab.post("max", seconds)
        lab.run.stop_service()
        objects, size = lab.run.stored()
    rows = done["rows_acknowledged"]
    return {
        "nodes": nodes,
        "pods": lab.pods,
        "rows": done["rows_per_second"],
        "p99": done["latency_ms"]["p99"],
        "lost": done["reports_lost"],
        "cpu": done["service"]["cpu"] / rows * 1e6,
        "idle": idle,
        "memory": done["service"]["peak_mib"],
        "objects": objects,
        "object": size / objects / MIB,
        "row": size / rows,
    }


def measure(options: argparse.Namespace) -> bool:
    about = machine()
    runs = [one(int(nodes), options.seconds) for nodes in options.nodes.split(",")]
    keep(ROOT / ".build/growth/result.json", {"machine": about, "runs": runs})
    print(about)
    heads = ["nodes", "pods", "rows/s", "p99 ms", "CPU s/M rows", "idle MiB", "load MiB", "objects"]
    rows = [
        [r["nodes"], r["pods"], f"{r['rows']:.0f}", r["p99"], f"{r['cpu']:.2f}"]
        + [f"{r['idle']:.0f}", f"{r['memory']:.0f}", r["objects"]]
        + [f"{r['object']:.1f}", f"{r['row']:.1f}"]
        for r in runs
    ]
    print(table([*heads, "MiB an object", "bytes a row"], rows))

    def panel(unit: str, **series: str) -> plot.Panel:
        drawn = plot.Panel("nodes of 30 pods", unit, log_x=True)
        for name, key in series.items():
            drawn.line(name, [(r["nodes"], r[key]) for r in runs], dots=True)
        return drawn

    panels = [
        panel("rows/s", rows="rows"),
        panel("CPU s per million rows", cpu="cpu"),
        panel("resident, MiB", idle="idle", load="memory"),
        panel("bytes a row; MiB an object", bytes="row", object="object"),
    ]
    plot.save(
        PLOTS / "growth.svg", "1, 10, 100 times the nodes, at the largest rate", panels, about
    )
    return all(r["lost"] == 0 for r in runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--nodes", default="50,500,5000")
    main(measure, parser)
