"""What a peer is given, and how its work is measured."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

CLUSTER = "bench"

# The described columns in their order.
COLUMNS = [
    "timestamp",
    "cluster_id",
    "node_name",
    "ec2_instance_id",
    "pod_id",
    "namespace",
    "owner",
    "cpu_usage_cores",
    "memory_usage_bytes",
    "net_tx_bytes",
    "net_rx_bytes",
    "requests_cpu_millicores",
    "requests_memory_bytes",
    "limits_cpu_millicores",
    "limits_memory_bytes",
    "labels",
    "annotations",
    "pvc_count",
    "total_pvc_storage_bytes",
    "pvc_names",
    "aws_volume_ids",
]
LISTS = ["labels", "annotations", "pvc_names", "aws_volume_ids"]
# Numbers that hardly ever repeat: a dictionary of them only costs.
MEASURED = ["cpu_usage_cores", "memory_usage_bytes", "net_tx_bytes", "net_rx_bytes"]
# Numbers of a pod that Kubernetes tells.
DESCRIBING = [
    "requests_cpu_millicores",
    "requests_memory_bytes",
    "limits_cpu_millicores",
    "limits_memory_bytes",
    "pvc_count",
    "total_pvc_storage_bytes",
]
ROW_GROUP_ROWS = 128 * 1024
DICTIONARY_BYTES = 16 << 20


class Job:
    """The files of one run, and the clock."""

    def __init__(self) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("peer")
        parser.add_argument("--workload", type=Path, required=True)
        parser.add_argument("--output", type=Path, required=True)
        parser.add_argument("--passes", type=int, default=1)
        arguments = parser.parse_args()
        self.peer: str = arguments.peer
        self.bodies: Path = arguments.workload / "bodies.ndjson"
        self.pods: Path = arguments.workload / "pods.ndjson"
        self.output: Path = arguments.output
        self.passes: int = arguments.passes
        self.stages: dict[str, float] = {}

    def measure(self, work: Callable[[], None]) -> None:
        """Runs `work`, all of it measured, and prints the figures as a line of JSON. The first pass
        is a fresh process's, and memory is taken after it; later ones are warm."""
        Path("/proc/self/clear_refs").write_text("5")
        resident_before, resident_peak = status("VmRSS"), 0
        passes = []
        for _ in range(self.passes):
            self.output.unlink(missing_ok=True)
            cpu_before, wall_before = cpu(), time.perf_counter()
            work()
            passes.append(
                {"cpu": cpu() - cpu_before, "wall": time.perf_counter() - wall_before} | self.stages
            )
            resident_peak = resident_peak or status("VmHWM")
        print(
            json.dumps(
                {
                    "passes": passes,
                    "resident_before_kib": resident_before,
                    "resident_peak_kib": resident_peak,
                    "bytes": self.output.stat().st_size,
                }
            )
        )


def cpu() -> float:
    """User and system seconds of this process so far, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def status(name: str) -> int:
    """A line of /proc/self/status in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0
