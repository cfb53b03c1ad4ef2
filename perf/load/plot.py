"""Plots as SVG: panels with axes, lines or bars, one below the other; nothing to install.

`save` writes a file; a `Panel` is filled by `line` and `bars`, which return it.
"""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

WIDTH, PANEL, LEFT, RIGHT, TOP, FOOT = 820, 230, 74, 24, 46, 26
COLOURS = ["#1f5fa8", "#c8501e", "#2e8b57", "#8a4fa8", "#a07800", "#555555"]
INK, GRID = "#222222", "#dddddd"


def text(x: float, y: float, words: str, size: int = 12, **more: str) -> str:
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{extra}>{escape(words)}</text>'


def ticks(low: float, high: float, is_log: bool) -> list[float]:
    """Round values within the range: powers of ten, or multiples of 1, 2 or 5."""
    if is_log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        steps = (1, 2, 5) if last - first <= 3 else (1,)
        all_of = [10.0**n * step for n in range(first, last + 1) for step in steps]
        return [value for value in all_of if low * 0.999 <= value <= high * 1.001]
    rough = (high - low) / 6
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """1500000 as 1.5M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


class Panel:
    def __init__(
        self, x: str, y: str, *, log_x: bool = False, log_y: bool = False, zero: bool = True
    ) -> None:
        self.x, self.y, self.log_x, self.log_y, self.zero = x, y, log_x, log_y, zero
        self.series: list[tuple[str, list[tuple[float, float]], str]] = []
        self.marks: list[tuple[float, str]] = []

    def line(self, name: str, points: list, dashed: bool = False, dots: bool = False) -> Panel:
        self.series.append((name, points, "dashed" if dashed else "dots" if dots else "line"))
        return self

    def bars(self, name: str, points: list) -> Panel:
        """Each from its x to the next one's."""
        self.series.append((name, points, "bars"))
        return self

    def mark(self, x: float, name: str) -> Panel:
        """A vertical line."""
        self.marks.append((x, name))
        return self

    def draw(self, top: float) -> str:
        xs = [x for _, points, _ in self.series for x, _ in points] + [x for x, _ in self.marks]
        ys = [y for _, points, _ in self.series for _, y in points if y > 0 or not self.log_y]
        low_x, high_x = min(xs), max(xs)
        low_y, high_y = min(ys), max(ys) * (1.3 if self.log_y else 1.08)
        if self.log_y:
            low_y = min(low_y, high_y / 10)
        elif self.zero:
            low_y = min(low_y, 0.0)
        if high_x == low_x:
            high_x = low_x + 1
        if high_y == low_y:
            high_y = low_y + 1
        right, bottom = WIDTH - RIGHT, top + PANEL - 62

        def scale(value: float, low: float, high: float, is_log: bool) -> float:
            if is_log:
                value, low, high = (math.log10(max(v, low)) for v in (value, low, high))
            return (value - low) / (high - low)

        def px(x: float) -> float:
            return LEFT + scale(x, low_x, high_x, self.log_x) * (right - LEFT)

        def py(y: float) -> float:
            return bottom - scale(y, low_y, high_y, self.log_y) * (bottom - top)

        out = []
        for value in ticks(low_y, high_y, self.log_y):
            y = py(value)
            out.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{GRID}"/>')
            out.append(text(LEFT - 6, y + 4, short(value), 11, text_anchor="end"))
        for value in ticks(low_x, high_x, self.log_x):
            x = px(value)
            out.append(f'<path d="M{x:.1f} {bottom}v5" stroke="{INK}"/>')
            out.append(text(x, bottom + 17, short(value), 11, text_anchor="middle"))
        out.append(f'<path d="M{LEFT} {top}V{bottom}H{right}" stroke="{INK}" fill="none"/>')
        out.append(text((LEFT + right) / 2, bottom + 33, self.x, text_anchor="middle"))
        turn = f"rotate(-90 16 {(top + bottom) / 2:.1f})"
        out.append(text(16, (top + bottom) / 2, self.y, text_anchor="middle", transform=turn))
        for x, name in self.marks:
            out.append(
                f'<path d="M{px(x):.1f} {top}V{bottom}" stroke="{INK}" stroke-dasharray="2 3"/>'
            )
            out.append(text(px(x) - 4, top + 11, name, 11, text_anchor="end"))
        for number, (_, points, kind) in enumerate(self.series):
            out.append(self.shape(points, kind, COLOURS[number % len(COLOURS)], px, py, bottom))
        if len(self.series) > 1:
            left = float(LEFT)
            for number, (name, _, _) in enumerate(self.series):
                colour = COLOURS[number % len(COLOURS)]
                out.append(
                    f'<path d="M{left:.0f} {top - 8}h16" stroke="{colour}" stroke-width="3"/>'
                )
                out.append(text(left + 20, top - 4, name, 11))
                left += 38 + 6.4 * len(name)
        return "\n".join(out)

    def shape(self, points, kind, colour, px, py, bottom) -> str:
        if kind == "bars":
            ends = [x for x, _ in points[1:]] + [points[-1][0]]
            boxes = [
                f"M{px(x):.1f} {bottom}V{py(y):.1f}H{px(end):.1f}V{bottom}"
                for (x, y), end in zip(points, ends, strict=True)
                if y > 0
            ]
            return f'<path d="{"".join(boxes)}" fill="{colour}" fill-opacity="0.75"/>'
        path = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="6 4"' if kind == "dashed" else ""
        shape = f'<path d="M{path}" stroke="{colour}" stroke-width="1.6" fill="none"{dash}/>'
        if kind == "dots":
            shape += "".join(
                f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in points
            )
        return shape


def document(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" fill="{INK}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def save(path: Path, title: str, panels: list[Panel], note: str = "") -> None:
    """Writes the panels below one title; the note says on what machine and when."""
    body = [text(LEFT, 24, title, 16, font_weight="bold")]
    for number, panel in enumerate(panels):
        body.append(panel.draw(TOP + 12 + number * PANEL))
    height = TOP + len(panels) * PANEL + FOOT - 12
    body.append(text(LEFT, height - 10, note, 10, fill="#666666"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(WIDTH, height, "\n".join(body)))
    print(f"plot         {path}")
