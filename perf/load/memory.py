"""Resident memory of the service: with an empty index, at rest, and at full load.

    perf/memory.sh [--seconds N] [--nodes N] [--flush SECONDS]

- Empty: a cluster of one node with 30 pods, and no report taken.
- Full load: the most that was seen while collectors posted as fast as they could.
- Idle: the same process, more than a minute after its last row is in an object, which takes
  FLUSH_INTERVAL_SECONDS (--flush). The bound counts the distinct texts of the pods' metadata, which
  the API server is asked for.

Exits 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

from lab import MIB, PODS_PER_NODE, ROOT, Failed, Lab, keep, machine, main, table

EMPTY_MIB, IDLE_MIB, LOAD_MIB = 40, 60, 220
SETTLE_SECONDS, IDLE_SECONDS = 5, 75
PAGE = 5000


def texts(pod: dict[str, Any]) -> list[str]:
    """What the index keeps of a pod as text, but for the UID."""
    metadata, spec = pod["metadata"], pod["spec"]
    found = [metadata["namespace"], pod.get("status", {}).get("qosClass") or ""]
    found.append(spec.get("priorityClassName") or "")
    for owner in metadata.get("ownerReferences") or []:
        found += [owner["name"], owner["kind"]]
    for field in ("labels", "annotations"):
        found += [f"{key}={value}" for key, value in (metadata.get(field) or {}).items()]
    for volume in spec.get("volumes") or []:
        claim = volume.get("persistentVolumeClaim")
        if claim:
            found.append(claim["claimName"])
    return found


def metadata_mib(kubeconfig: Path) -> float:
    """Distinct bytes of the pods' metadata: each text once, and the UIDs."""
    configuration = kubeconfig.read_text()
    server = re.search(r"server: *\"?([^\s\"]+)", configuration)[1]
    token = re.search(r"token: *\"?([^\s\"]+)", configuration)
    # A certificate of the run's own, on loopback.
    context = ssl._create_unverified_context()
    distinct: set[str] = set()
    size, page = 0, ""
    while True:
        url = f"{server}/api/v1/pods?limit={PAGE}&continue={page}"
        request = urllib.request.Request(url)
        if token:
            request.add_header("Authorization", f"Bearer {token[1]}")
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            listed = json.load(answer)
        for pod in listed["items"]:
            size += len(pod["metadata"]["uid"])
            distinct.update(texts(pod))
        page = listed["metadata"].get("continue")
        if not page:
            return (size + sum(len(text.encode()) for text in distinct)) / MIB


def measure(options: argparse.Namespace) -> bool:
    about = machine()
    with Lab("memory", 1, sub="empty") as lab:
        time.sleep(SETTLE_SECONDS)
        empty = lab.memory()
    with Lab("memory", options.nodes, FLUSH_INTERVAL_SECONDS=str(options.flush)) as lab:
        metadata = metadata_mib(lab.directory / "kubeconfig")
        listed = lab.memory()
        posted = lab.post("max", options.seconds)
        end = time.monotonic() + options.flush + 60
        while lab.metric("aggregator_rows_unsealed") > 0:
            if time.monotonic() > end:
                raise Failed("the last rows were not sealed", lab.run.service_log)
            time.sleep(1)
        time.sleep(IDLE_SECONDS)
        idle = lab.memory()
    peak = posted["service"]["peak_mib"]
    pods = options.nodes * PODS_PER_NODE
    result = {"machine": about, "machine_after": machine(), "pods": pods, "metadata": metadata}
    result |= {"empty": empty, "listed": listed, "idle": idle, "load": peak}
    result["rows_per_second"] = posted["rows_per_second"]
    keep(ROOT / ".build/memory/result.json", result)
    rows = [
        ["empty index", f"{empty:.0f}", f"{EMPTY_MIB}"],
        [f"{pods:,} pods, listed", f"{listed:.0f}", "-"],
        [
            f"{pods:,} pods, idle after load",
            f"{idle:.0f}",
            f"{IDLE_MIB + metadata:.0f} ({metadata:.1f} of metadata + {IDLE_MIB})",
        ],
        [f"full load, {posted['rows_per_second']:,.0f} rows/s", f"{peak:.0f}", f"{LOAD_MIB}"],
    ]
    print(about)
    print(table(["state", "resident, MiB", "bound, MiB"], rows))
    return empty <= EMPTY_MIB and idle <= IDLE_MIB + metadata and peak <= LOAD_MIB


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of full load")
    parser.add_argument("--nodes", type=int, default=1000, help=f"{PODS_PER_NODE} pods each")
    parser.add_argument("--flush", type=int, default=300, help="FLUSH_INTERVAL_SECONDS")
    main(measure, parser)
