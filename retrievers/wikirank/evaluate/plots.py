"""Small plots as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from wikirank.evaluate.calibration import ReliabilityBin
from wikirank.evaluate.significance import Interval

_WIDTH = 760
_LABELS = 310
_LABEL_CHARS = 40
_ROW = 30
# About as wide as a letter of a small label is.
_LETTER = 7.5
_DOT = 5


def interval_bars(rows: Sequence[tuple[str, float, Interval]]) -> str:
    """Horizontal bars with their intervals, on a scale from 0 to 1.

    Args:
        rows: Name, value in [0, 1], and interval of each bar.

    Returns:
        An `svg` element.
    """
    scale = _WIDTH - _LABELS - 60
    parts = []
    for number, (name, value, interval) in enumerate(rows):
        y = number * _ROW + 6
        low, high = (_LABELS + end * scale for end in interval)
        parts += [
            _label(_LABELS - 8, y + 13, name, "end"),
            _rectangle(_LABELS, y, value * scale, 18),
            _line(low, y + 9, high, y + 9, "interval"),
            _line(low, y + 5, low, y + 13, "interval"),
            _line(high, y + 5, high, y + 13, "interval"),
            _label(_WIDTH - 4, y + 13, f"{value:.3f}", "end"),
        ]
    return _svg(_WIDTH, len(rows) * _ROW + 6, parts, "bars with 95 % intervals")


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Share of relevant passages over relevance score; dots on the diagonal are calibrated.

    Args:
        bins: Those that hold a passage.

    Returns:
        An `svg` element.
    """
    side, left, top = 220, 44, 10
    bottom = top + side
    most = max((held.count for held in bins), default=1)
    parts = [
        _line(left, bottom, left + side, bottom, "axis"),
        _line(left, top, left, bottom, "axis"),
        _line(left, bottom, left + side, top, "guide"),
        _label(left + side / 2, bottom + 32, "relevance score", "middle"),
        f'<text transform="translate(12 {top + side / 2}) rotate(-90)" '
        'text-anchor="middle">share relevant</text>',
    ]
    for mark in (0, 0.5, 1):
        parts.append(_label(left + mark * side, bottom + 16, f"{mark:g}", "middle"))
        parts.append(_label(left - 6, bottom - mark * side + 4, f"{mark:g}", "end"))
    for held in bins:
        x, y = left + held.mean_score * side, bottom - held.share_relevant * side
        radius = 3 + 7 * math.sqrt(held.count / most)
        scores = f"score {held.mean_score:.2f}, {held.share_relevant:.2f} relevant"
        parts.append(_dot(x, y, radius, f"{held.count} passages, {scores}"))
    return _svg(left + side + 14, bottom + 40, parts, "reliability diagram")


def histogram(counts: Mapping[str, int]) -> str:
    """Vertical bars.

    Args:
        counts: Label to count, left to right, at least one.

    Returns:
        An `svg` element.
    """
    step, height, top = 64, 150, 20
    most = max(*counts.values(), 1)
    parts = [_line(0, top + height, step * len(counts), top + height, "axis")]
    for number, (name, count) in enumerate(counts.items()):
        size = height * count / most
        middle = number * step + step / 2
        parts += [
            _rectangle(middle - 22, top + height - size, 44, size),
            _label(middle, top + height - size - 5, f"{count:,}", "middle"),
            _label(middle, top + height + 16, name, "middle", "small"),
        ]
    return _svg(step * len(counts), top + height + 24, parts, "histogram")


def scatter(points: Sequence[tuple[str, float, float]]) -> str:
    """Quality against latency; the latency on a logarithmic scale.

    Args:
        points: Name, milliseconds (over 0) and quality in [0, 1] of each, at least one.

    Returns:
        An `svg` element.
    """
    left, top, width, height = 44, 14, 420, 200
    bottom = top + height
    times = [math.log10(milliseconds) for _, milliseconds, _ in points]
    first, last = math.floor(min(times)), math.floor(max(times)) + 1
    least = math.floor(min(quality for _, _, quality in points) * 10) / 10
    span = max(1 - least, 0.1)
    marks = [(share, f"{least + share * span:.2g}") for share in (0, 0.5, 1)]
    powers = [((at - first) / (last - first), f"{10.0**at:g}") for at in range(first, last + 1)]
    parts = [
        _line(left, bottom, left + width, bottom, "axis"),
        _line(left, top, left, bottom, "axis"),
        _label(left + width, bottom + 32, "ms a query", "end"),
        *(_label(left - 6, bottom - at * height + 4, text, "end") for at, text in marks),
        *(_label(left + at * width, bottom + 16, text, "middle") for at, text in powers),
    ]
    placed: list[tuple[float, float, str]] = []
    for (name, milliseconds, quality), time in zip(points, times, strict=True):
        x = left + width * (time - first) / (last - first)
        y = bottom - height * (quality - least) / span
        parts.append(_dot(x, y, _DOT, f"{name}: {quality:.3f}, {milliseconds:.1f} ms"))
        placed.append((x, y, name))
    return _svg(_WIDTH, bottom + 40, parts + _apart(sorted(placed)), "quality against latency")


def _apart(points: Sequence[tuple[float, float, str]]) -> list[str]:
    """Labels to the right of points given from left to right, moved down where they would meet."""
    parts: list[str] = []
    taken: list[tuple[float, float]] = [(x, y) for x, y, _ in points]
    for x, y, name in points:
        end = x + 9 + _LETTER * min(len(name), _LABEL_CHARS)
        at = y
        while any(x < other < end + 2 * _DOT and abs(row - at) < 14 for other, row in taken):
            at += 7
        parts.append(_label(x + 9, at + 4, name, "start", "small"))
        taken += [(edge, at) for edge in (x + 9, end)]
    return parts


def _svg(width: float, height: float, parts: Sequence[str], name: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def _label(x: float, y: float, text: str, anchor: str, style: str = "label") -> str:
    """A text that is cut where it is too long; pointing at it shows it whole."""
    shown = text if len(text) <= _LABEL_CHARS else f"{text[: _LABEL_CHARS - 1]}…"
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"<title>{escape(text)}</title>{escape(shown)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _dot(x: float, y: float, radius: float, title: str) -> str:
    return (
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
        f"<title>{escape(title)}</title></circle>"
    )
