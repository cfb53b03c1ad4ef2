"""Where the processors' time goes, as a flame graph.

    perf/flamegraph.sh [--rate N|max] [--seconds N] [--nodes N] [--faults | --pipeline]

The service under load from fleet (or, with --pipeline, the pipeline bench on one thread), sampled
by the processor's clock, or with --faults at each page fault. A box is a function, as wide as its
share of the samples, above what called it; the lowest boxes are kinds of threads, each with a
colour of its own. What has less than 0.2 % is left out. Pointing at a box shows its whole name.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import time
import zlib
from collections import Counter
from html import escape
from pathlib import Path

from lab import PLOTS, RELEASE, ROOT, Failed, Lab, kind_of, machine, main, table
from plot import document, text

WIDTH, BOX, SMALLEST = 1200, 17, 0.002
WARM_SECONDS = 8
# Hue and saturation of the kinds of threads, by their order of weight.
HUES = [(18, 75), (205, 60), (140, 45), (275, 40), (45, 70), (330, 50), (180, 45), (0, 0)]
PIPELINE = [RELEASE / "pipeline-bench", "--rows", "6000000"]


class Box:
    def __init__(self) -> None:
        self.weight = 0
        self.above: dict[str, Box] = {}

    def add(self, frames: list[str], weight: int) -> None:
        box = self
        box.weight += weight
        for frame in frames:
            box = box.above.setdefault(frame, Box())
            box.weight += weight


def demangled(names: list[str]) -> dict[str, str]:
    done = subprocess.run(
        ["swift", "demangle", "--simplified", "--compact"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(names, done.stdout.splitlines(), strict=True))


def folded(data: Path) -> Counter[tuple[str, ...]]:
    """Stacks from the thread's kind to the innermost function, counted."""
    command = ["perf", "script", "--input", data, "--fields", "comm,ip,sym", "--no-inline"]
    output = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    ).stdout
    raw: Counter[tuple[str, ...]] = Counter()
    for block in output.split("\n\n"):
        lines = block.strip().splitlines()
        if not lines:
            continue
        frames = []
        for line in lines[1:]:
            _, _, name = line.strip().partition(" ")
            frames.append(re.sub(r"\+0x[0-9a-f]+$", "", name) or "?")
        raw[(kind_of(lines[0]), *reversed(frames))] += 1
    mangled = sorted({name for stack in raw for name in stack if name.startswith("$s")})
    names = demangled(mangled) if mangled else {}
    stacks: Counter[tuple[str, ...]] = Counter()
    for (thread, *frames), count in raw.items():
        stacks[(thread, *(names.get(frame, frame) for frame in frames))] += count
    return stacks


def brief(name: str) -> str:
    """Without arguments and what only a compiler needs to know."""
    name = re.sub(
        r"^(generic specialization <.*?> of|function signature specialization <.*?> of|"
        r"specialized|merged|partial apply for|closure #\d+ \(.*?\)( throws)? -> \S+ in)"
        r"\s+",
        "",
        name,
    )
    return re.sub(r"\(.*", "", name) if not name.startswith("(") else name


def draw(stacks: Counter[tuple[str, ...]], path: Path, title: str, note: str) -> None:
    root = Box()
    for stack, count in stacks.items():
        root.add(list(stack), count)
    threads = sorted(root.above, key=lambda name: -root.above[name].weight)
    least = root.weight * SMALLEST

    def depth(box: Box) -> int:
        kept = [child for child in box.above.values() if child.weight >= least]
        return 1 + max((depth(child) for child in kept), default=0)

    rows = depth(root) - 1
    bottom = 40 + rows * BOX
    out = [text(12, 24, title, 16, font_weight="bold")]

    def place(box: Box, left: float, level: int, thread: str) -> None:
        for name, child in sorted(box.above.items()):
            if child.weight < least:
                continue
            owner = thread or name
            width = child.weight / root.weight * (WIDTH - 24)
            y = bottom - (level + 1) * BOX
            hue, saturation = HUES[min(threads.index(owner), len(HUES) - 1)]
            light = 68 + zlib.crc32(name.encode()) % 14
            share = f"{100 * child.weight / root.weight:.1f} %"
            shown = brief(name)[: max(int(width / 6.2), 0)] if width > 24 else ""
            label = text(left + 3, y + 12, shown, 11) if shown else ""
            out.append(
                f"<g><title>{escape(name[:140])}, {share}</title>"
                f'<rect x="{left:.1f}" y="{y}" width="{max(width - 0.5, 0.3):.1f}" '
                f'height="{BOX - 1}" fill="hsl({hue},{saturation}%,{light}%)"/>{label}</g>'
            )
            place(child, left, level + 1, owner)
            left += width

    place(root, 12, 0, "")
    out.append(text(12, bottom + 20, note, 10, fill="#666666"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(WIDTH, bottom + 32, "\n".join(out)))
    print(f"plot         {path}, {path.stat().st_size >> 10} KiB, {root.weight} samples")
    print(
        table(
            ["threads", "share of the samples"],
            [[n, f"{100 * root.above[n].weight / root.weight:.1f} %"] for n in threads[:10]],
        )
    )


def record(data: Path, event: str, what: list) -> list[str]:
    data.parent.mkdir(parents=True, exist_ok=True)
    how = ["--count", "1"] if event == "page-faults" else ["--freq", "499"]
    return ["perf", "record", "--quiet", "--event", event, *how, "--call-graph", "fp"] + [
        str(part) for part in ["--output", data, *what]
    ]


def under_load(options: argparse.Namespace, data: Path, event: str) -> str:
    with Lab("flamegraph", options.nodes) as lab:
        child, _ = lab.begin(options.rate, WARM_SECONDS + options.seconds + 10)
        time.sleep(WARM_SECONDS)
        before, reports = lab.sample(), lab.metric("aggregator_reports_total")
        command = record(data, event, ["--pid", lab.pid, "--", "sleep", options.seconds])
        recorder = lab.steps.start("perf record", command, lab.directory / "perf.log")
        while recorder.running():
            time.sleep(0.1)
        lab.steps.children.remove(recorder)
        if recorder.process.returncode != 0:
            raise Failed("perf record did not work", recorder.log)
        after = lab.sample()
        reports = lab.metric("aggregator_reports_total") - reports
        child.stop(10)
        lab.steps.children.remove(child)
    seconds = after["time"] - before["time"]
    faults = (after["faults"] - before["faults"]) / reports
    print(f"{reports / seconds:.0f} reports/s, {faults:.2f} page faults a report, sampled included")
    return f"{reports / seconds:.0f} reports/s of 30 pods"


def measure(options: argparse.Namespace) -> bool:
    if not shutil.which("perf"):
        raise Failed("perf is not installed: apt-get install linux-perf")
    about = machine()
    data = ROOT / ".build/flamegraph/perf.data"
    event = "page-faults" if options.faults else "cpu-clock"
    if options.pipeline:
        subprocess.run(record(data, event, PIPELINE), check=True, stdout=subprocess.DEVNULL)
        title, name = "The pipeline on one thread: report bytes to Parquet bytes", "pipeline"
    else:
        what = under_load(options, data, event)
        kind = "Page faults" if options.faults else "CPU time"
        title = f"{kind} of the service at {what}"
        name = "faults" if options.faults else "service"
    draw(folded(data), PLOTS / f"flamegraph-{name}.svg", title, about)
    data.unlink()
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", default="max", help="reports a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=1000)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--faults", action="store_true", help="page faults in place of time")
    which.add_argument("--pipeline", action="store_true", help="the pipeline bench")
    main(measure, parser)
