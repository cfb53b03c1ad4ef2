"""The figures: bytes to rows on one thread, then the whole service under full load.

bench.py [--seconds N] [--nodes N] [--pods N]. The service syncs every report to disk before its 200
and stores in a directory; fleet drives it from the same cores. Nothing is compared with a threshold:
the numbers depend on the machine, which is named with its load.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time

from demo_steps import ROOT, Failed, Steps, tail
from local_run import RELEASE, LocalRun


def file_system(path):
    """Type and mount point of the file system that holds `path`."""
    result = subprocess.run(
        ["findmnt", "-no", "FSTYPE,TARGET", "-T", path], capture_output=True, text=True, check=False
    )
    return " at ".join(result.stdout.split()) or "unknown"


def machine():
    model = next(
        (x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")), "?"
    )
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, load {load}"


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(x.split()[1]) for x in status if x.startswith("VmRSS")) / 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def whole_service(steps, options):
    run_dir = ROOT / ".build" / "bench" / time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    run = LocalRun(steps, run_dir, "bench")
    steps.begin(
        f"Service: {options.nodes:,} nodes, {options.pods:,} pods, as fast as it goes for"
        f" {options.seconds:g} s"
    )
    run.start(
        [
            *("--nodes", options.nodes, "--pods", options.pods, "--start", "2026-01-01T00:00:00"),
            *("--rate", "max", "--duration", options.seconds, "--expect-all"),
        ]
    )
    pid = run.service.process.pid
    settle = min(120.0, options.seconds / 5)
    began, early = time.monotonic(), None
    late = cpu = 0.0
    while run.fleet.running():
        run.service.expect_running()
        late, cpu = resident_mib(pid), cpu_seconds(pid)
        if early is None and time.monotonic() - began >= settle:
            early = late
        steps.line.show(f"      {time.monotonic() - began:.0f} s, {late:.0f} MiB resident")
        time.sleep(0.2)
    steps.line.end()
    run.finish_posting()
    run.stop_service()
    summary, (objects, size) = run.summary, run.stored()
    rows, latency = summary["rows_acknowledged"], summary["latency_ms"]
    print(f"      {rows:,} rows acknowledged, {summary['rows_per_second']:,.0f} rows/s")
    print(f"      answers: p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms,"
          f" max {latency['max']:.0f} ms")  # fmt: skip
    print(f"      {cpu / rows * 1e6:.2f} CPU s of the service for a million rows")
    print(f"      resident {early or late:.0f} MiB after {settle:.0f} s, {late:.0f} MiB at the end")
    print(f"      {objects} objects, {size / rows:.1f} bytes a row")
    print(f"      DATA_DIR and table on {file_system(run_dir)}")
    steps.done()
    shutil.rmtree(run_dir)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=30_000)
    options = parser.parse_args()
    steps = Steps(count=3)
    try:
        build = ["swift", "build", "-c", "release"]
        steps.command("Build", build, ROOT / ".build" / "logs" / "bench-build.log")
        print(f"      {machine()}")
        steps.begin("Pipeline, one thread, in memory")
        subprocess.run([RELEASE / "pipeline-bench"], check=True)
        steps.done()
        whole_service(steps, options)
        return 0
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"The bench failed: {failure}", file=sys.stderr)
        log = getattr(failure, "log", None)
        if log is not None and log.exists():
            print("\n".join(tail(log)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        steps.stop_children(40)


if __name__ == "__main__":
    sys.exit(main())
