"""What a cluster of a size needs, at the defaults: a report of each node every 30 s, objects every
FLUSH_INTERVAL_SECONDS (300).

    perf/sizing.sh [--nodes N,N...] [--intervals N]

Each size runs for so many flush intervals after its first one, all sizes at once, each with a
service, a DATA_DIR and an S3 server (rclone) of its own; a proxy counts the requests. What an
interval took is multiplied by 288 for a day. Two things of a day are not in it: midnight in UTC
cuts one object in two, and a cluster that is not at rest has more distinct pods.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import time
from typing import Any

from lab import MIB, ROOT, Failed, Lab, keep, machine, main, table

sys.path.insert(0, str(ROOT / "Tests" / "integration"))
sys.path.insert(0, str(ROOT / "perf" / "crash"))

from store_servers import FaultProxy  # noqa: E402
from storefaults import kind  # noqa: E402

FLUSH_SECONDS = 300
DAY = 86_400
BUCKET = "sizing"
# Pods of a workload are replaced by a deployment now and then: 2.4 % of them an hour.
CHURN = "0.02%"
SAMPLE_SECONDS = 0.5
WRITES = ("put", "create", "part", "complete")


class Store:
    """An S3 server that stores below a directory, and counts what it is asked for."""

    def __init__(self, lab: Lab) -> None:
        self.directory = lab.directory.parent / f"{lab.nodes}-bucket"
        (self.directory / BUCKET).mkdir(parents=True, exist_ok=True)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        rclone = ROOT / ".build/venv/bin/rclone"
        command = [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "key,secret"]
        command += ["--config", "/dev/null", self.directory]
        lab.steps.start("rclone", command, lab.directory.parent / f"{lab.nodes}-rclone.log")
        self.proxy = FaultProxy(port, self.count)
        self.counts: dict[str, int] = {}
        lab.settings.update(
            STORAGE_URL="",
            S3_BUCKET=BUCKET,
            AWS_ENDPOINT_URL=self.proxy.url,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )

    def count(self, line: str, _: Any) -> None:
        what = kind(line)
        self.counts[what] = self.counts.get(what, 0) + 1


def snapshot(lab: Lab, store: Store) -> dict[str, float]:
    sample = lab.sample()
    for name in ("uploads", "upload_bytes", "upload_rows", "sealed_objects"):
        sample[name] = lab.metric(f"aggregator_{name}_total")
    sample["requests"] = float(sum(store.counts.get(what, 0) for what in WRITES))
    return sample


def size(lab: Lab, store: Store, before: dict, after: dict, peak: dict) -> dict[str, float]:
    """A day of it, from what lies between the snapshots."""
    grown = {name: after[name] - before[name] for name in after}
    objects = grown["sealed_objects"]
    if objects == 0:
        raise Failed(f"{lab.nodes} nodes: nothing was stored", lab.run.service_log)
    # Intervals, not seconds: objects come by them.
    per_day = DAY / FLUSH_SECONDS / peak["intervals"]
    return {
        "nodes": lab.nodes,
        "pods": lab.pods,
        "cores": grown["cpu"] / grown["time"],
        "memory": peak["memory"],
        "disk": peak["disk"],
        "objects": objects * per_day,
        "requests": grown["requests"] * per_day,
        "bytes": grown["upload_bytes"] * per_day,
        "object": grown["upload_bytes"] / objects,
        "row": grown["upload_bytes"] / max(grown["upload_rows"], 1),
        "rows": grown["upload_rows"] * per_day,
    }


def measure(options: argparse.Namespace) -> bool:
    sizes = [int(part) for part in options.nodes.split(",")]
    about = machine()
    with contextlib.ExitStack() as stack:
        labs, stores = [], []
        for nodes in sizes:
            posting = ["--retry", "--quiet", "--connections", "16"]
            lab = Lab("sizing", nodes, posting=posting, churn=CHURN, sub=str(nodes))
            stack.callback(lab.close)
            stores.append(Store(lab))
            stack.callback(stores[-1].proxy.close)
            labs.append(stack.enter_context(lab))
        first = [None] * len(labs)
        last: list[Any] = [None] * len(labs)
        peaks = [{"memory": 0.0, "disk": 0.0, "intervals": 0} for _ in labs]
        seen = [0.0] * len(labs)
        # Each service counts its intervals from its own first row.
        end = time.monotonic() + (options.intervals + 2) * FLUSH_SECONDS
        while any(peak["intervals"] < options.intervals for peak in peaks):
            if time.monotonic() > end:
                raise Failed("an interval did not end")
            for number, (lab, store, peak) in enumerate(zip(labs, stores, peaks, strict=True)):
                lab.run.service.expect_running()
                peak["memory"] = max(peak["memory"], lab.memory())
                peak["disk"] = max(peak["disk"], spool(lab))
                rows = lab.metric("aggregator_upload_rows_total")
                if rows == seen[number] or peak["intervals"] == options.intervals:
                    continue
                # All objects of a segment are stored within this time.
                time.sleep(2)
                seen[number] = lab.metric("aggregator_upload_rows_total")
                if first[number] is None:
                    first[number] = snapshot(lab, store)
                else:
                    peak["intervals"] += 1
                    last[number] = snapshot(lab, store)
            time.sleep(SAMPLE_SECONDS)
        results = [size(*parts) for parts in zip(labs, stores, first, last, peaks, strict=True)]
    keep(
        ROOT / ".build/sizing/result.json",
        {"machine": about, "machine_after": machine(), "intervals": options.intervals}
        | {"sizes": results},
    )
    show(about, options.intervals, results)
    return True


def spool(lab: Lab) -> float:
    """Allocated MiB in DATA_DIR."""
    total = 0
    with os.scandir(lab.directory / "data") as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                total += entry.stat().st_blocks * 512
    return total / MIB


def show(about: str, intervals: int, results: list[dict[str, float]]) -> None:
    print(f"{about}; {intervals} intervals of {FLUSH_SECONDS} s each, times what makes a day")
    heads = ["nodes", "pods", "CPU, cores", "memory, MiB", "DATA_DIR, MiB", "rows a day"]
    heads += ["objects a day", "object, MiB", "write requests a day", "GB a day", "bytes a row"]
    print(
        table(
            heads,
            [
                [f"{r['nodes']:,}", f"{r['pods']:,}", f"{r['cores']:.3f}", f"{r['memory']:.0f}"]
                + [f"{r['disk']:.0f}", f"{r['rows'] / 1e6:.1f} M", f"{r['objects']:.0f}"]
                + [f"{r['object'] / MIB:.2f}", f"{r['requests']:.0f}"]
                + [f"{r['bytes'] / 1e9:.2f}", f"{r['row']:.1f}"]
                for r in results
            ],
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", default="10,50,100,1000,5000")
    parser.add_argument("--intervals", type=int, default=2, help="after the first one")
    main(measure, parser)
