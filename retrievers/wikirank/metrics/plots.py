"""Building blocks for SVG plots, for use in a page or as separate files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from wikirank.metrics.calibration import ReliabilityBin

STYLE = """
svg { max-width: 100%; height: auto; font-family: system-ui, sans-serif; }
svg text { fill: var(--text, #1c2024); font-size: 13px; } svg .small { font-size: 11px; }
.bar { fill: var(--accent, #2f6fb5); opacity: .75; }
.dot { fill: var(--accent, #2f6fb5); opacity: .85; } .kept { fill: #d55e00; }
.curve { fill: none; stroke: var(--accent, #2f6fb5); stroke-width: 1.5; }
.interval { stroke: var(--text, #1c2024); stroke-width: 1.5; }
.axis { stroke: var(--faint, #687078); }
.guide { stroke: var(--faint, #687078); stroke-dasharray: 4 4; }
"""
"""CSS of plots. Colours come from the surrounding page if it defines them."""

DOT = 5
"""Default radius of a dot."""

Marks = Mapping[float, str]


@dataclass(frozen=True)
class Frame:
    """The axes of a plot. Sizes and positions are in pixels.

    Attributes:
        x: Values at the left and right end of the x axis.
        y: Values at the bottom and top end of the y axis.
        width: Length of the x axis.
        height: Length of the y axis.
        left: Horizontal position of the y axis.
        top: Vertical position of the top end of the y axis.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 220
    height: float = 220
    left: float = 44
    top: float = 10

    @property
    def bottom(self) -> float:
        """Vertical position of the x axis."""
        return self.top + self.height

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a point."""
        across, up = (x - self.x[0]) / (self.x[1] - self.x[0]), self.share_up(y)
        return self.left + across * self.width, self.bottom - up * self.height

    def share_up(self, y: float) -> float:
        """Return the height of a value as a share of the y axis."""
        return (y - self.y[0]) / (self.y[1] - self.y[0])

    def axes(self, x_marks: Marks, y_marks: Marks, x_name: str = "", y_name: str = "") -> list[str]:
        """Draw the axes with tick labels by value, and the names of the axes."""
        left, bottom, right = self.left, self.bottom, self.left + self.width
        parts = [
            line((left, bottom), (right, bottom), "axis"),
            line((left, self.top), (left, bottom), "axis"),
        ]
        for value, mark in x_marks.items():
            parts.append(text(self.place(value, self.y[0])[0], bottom + 16, mark, "middle"))
        for value, mark in y_marks.items():
            parts.append(text(left - 6, self.place(self.x[0], value)[1] + 4, mark, "end"))
        if x_name:
            parts.append(text(left + self.width / 2, bottom + 32, x_name, "middle"))
        if y_name:
            turned = f"translate({max(12, left - 56):g} {self.top + self.height / 2:g}) rotate(-90)"
            parts.append(f'<text transform="{turned}" text-anchor="middle">{escape(y_name)}</text>')
        return parts

    def curve(self, points: Iterable[tuple[float, float]]) -> str:
        """Draw a line through points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*point) for point in points))
        return f'<polyline class="curve" points="{places}"/>'

    def guide(self, first: tuple[float, float], last: tuple[float, float]) -> str:
        """Draw a dashed line between two points."""
        return line(self.place(*first), self.place(*last), "guide")


def reliability(frame: Frame, bins: Sequence[ReliabilityBin]) -> list[str]:
    """Draw a reliability diagram; the size of a dot shows its number of passages."""
    largest = max((bin_.count for bin_ in bins), default=1)
    marks = {0: "0", 0.5: "0.5", 1: "1"}
    points = [(bin_.mean_score, bin_.share_relevant) for bin_ in bins]
    parts = frame.axes(marks, marks, "relevance score", "share relevant")
    parts += [frame.guide((0, 0), (1, 1)), frame.curve(points)]
    for bin_, (score, share) in zip(bins, points, strict=True):
        title = f"{bin_.count} passages, score {score:.2f}, {share:.2f} relevant"
        parts.append(dot(frame.place(score, share), title, 3 + 7 * math.sqrt(bin_.count / largest)))
    return parts


def svg(width: float, height: float, parts: Sequence[str], name: str) -> str:
    """Return an `svg` element with a namespace, so that it can be a file too."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def text(
    x: float, y: float, words: str, anchor: str, style: str = "label", *, title: str = ""
) -> str:
    """Draw a text with a tooltip, such as the full name if the text is shortened."""
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"<title>{escape(title or words)}</title>{escape(words)}</text>"
    )


def line(first: tuple[float, float], last: tuple[float, float], style: str) -> str:
    """Draw a straight line."""
    (x1, y1), (x2, y2) = first, last
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def rectangle(x: float, y: float, width: float, height: float, title: str = "") -> str:
    """Draw a bar with a tooltip."""
    size = f'width="{width:.1f}" height="{height:.1f}"'
    shown = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" {size}>{shown}</rect>'


def dot(place: tuple[float, float], title: str, radius: float = DOT, *, style: str = "dot") -> str:
    """Draw a dot with a tooltip."""
    x, y = place
    return (
        f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
        f"<title>{escape(title)}</title></circle>"
    )
