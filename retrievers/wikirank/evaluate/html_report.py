"""Small plots as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from wikirank.evaluate.changes import RankChange
from wikirank.evaluate.report import note, report_tables, row_labels, summary
from wikirank.evaluate.results import MRR, NDCG, Evaluation, RerankerResult
from wikirank.metrics.calibration import ReliabilityBin
from wikirank.metrics.significance import Interval

_STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --faint: #687078; --line: #d5d9dd;
  --page: #ffffff; --accent: #2f6fb5; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ea; --faint: #9aa2aa; --line: #3a4046;
  --page: #15181b; --accent: #6aa7e8; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; color: var(--text);
  background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; } .note { color: var(--faint); font-size: .9rem; }
.scroll { overflow-x: auto; } .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th:first-child, td:first-child, .words th, .words td { text-align: left; }
.numbers td:first-child { overflow-wrap: anywhere; min-width: 10rem; }
.numbers td + td, .words td:first-child { white-space: pre; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--text); font-size: 13px; }
svg .small { font-size: 11px; } .bar { fill: var(--accent); opacity: .75; }
.dot { fill: var(--accent); opacity: .85; } .interval { stroke: var(--text); stroke-width: 1.5; }
.axis { stroke: var(--faint); } .guide { stroke: var(--faint); stroke-dasharray: 4 4; }
"""


def html_page(evaluation: Evaluation) -> str:
    """Lay an evaluation out as a page.

    Args:
        evaluation: What was found.

    Returns:
        An HTML document, in light or dark as the reader's system is.
    """
    title = f"Evaluation on {evaluation.dataset}"
    rankings, *others = report_tables(evaluation)
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(summary(evaluation))}</p>",
        _table_section(*rankings),
        _metric_bars(evaluation),
        _latency(evaluation),
        *(_table_section(*table) for table in others),
        *(_reranker(reranker) for reranker in evaluation.rerankers),
        f'<p class="note">{escape(note(evaluation))}</p>',
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _table_section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<h2>{escape(title)}</h2>\n{_table(head, rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], style: str = "numbers") -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return (
        f'<div class="scroll"><table class="{style}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _metric_bars(evaluation: Evaluation) -> str:
    parts = []
    for name, key in (("nDCG@10", NDCG), ("MRR@10", MRR)):
        bars = [(row.name, row.metrics[key], row.intervals[key]) for row in evaluation.rankings]
        parts.append(f"<h2>{name}, with 95 % intervals</h2>\n{interval_bars(bars)}")
    return "\n".join(parts)


def _latency(evaluation: Evaluation) -> str:
    points = [
        (row.name, row.stages_ms["total"], row.metrics[NDCG])
        for row in evaluation.rankings
        if row.stages_ms
    ]
    # Given candidates take no time, and without a reranker nothing else does.
    return f"<h2>nDCG@10 against latency</h2>\n{scatter(points)}" if points else ""


def _reranker(reranker: RerankerResult) -> str:
    parts = [f"<h2>What reranking changes: {escape(reranker.name)}</h2>", '<div class="plots">']
    if reranker.reliability:
        parts.append(f"<div><h3>Calibration</h3>{reliability_diagram(reranker.reliability)}</div>")
    parts.append(
        "<div><h3>Places that the first relevant passage moves</h3>"
        f"{histogram(reranker.rank_changes)}</div></div>"
    )
    if reranker.examples:
        parts.append("<h3>Questions that gain and lose most</h3>")
        parts.append(_examples(reranker.examples))
    return "\n".join(parts)


def _examples(examples: Sequence[RankChange]) -> str:
    rows = [
        [f"{change.before} → {change.after}", change.query, change.passage] for change in examples
    ]
    return _table(["rank", "question", "relevant passage"], rows, "words")


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
    labels = row_labels([name for name, _, _ in rows], _LABEL_CHARS)
    parts = []
    for number, (name, value, interval) in enumerate(rows):
        y = number * _ROW + 6
        low, high = (_LABELS + end * scale for end in interval)
        parts += [
            _label(_LABELS - 8, y + 13, labels[name], "end", title=name),
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
    most = max((bin_.count for bin_ in bins), default=1)
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
    for bin_ in bins:
        x, y = left + bin_.mean_score * side, bottom - bin_.share_relevant * side
        radius = 3 + 7 * math.sqrt(bin_.count / most)
        scores = f"score {bin_.mean_score:.2f}, {bin_.share_relevant:.2f} relevant"
        parts.append(_dot(x, y, radius, f"{bin_.count} passages, {scores}"))
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
    powers = [
        ((power - first) / (last - first), f"{10.0**power:g}") for power in range(first, last + 1)
    ]
    parts = [
        _line(left, bottom, left + width, bottom, "axis"),
        _line(left, top, left, bottom, "axis"),
        _label(left + width, bottom + 32, "ms a query", "end"),
        *(_label(left - 6, bottom - share * height + 4, text, "end") for share, text in marks),
        *(_label(left + share * width, bottom + 16, text, "middle") for share, text in powers),
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
    labels = row_labels([name for _, _, name in points], _LABEL_CHARS)
    for x, y, name in points:
        end = x + 9 + _LETTER * len(labels[name])
        row_y = y
        while any(x < other < end + 2 * _DOT and abs(row - row_y) < 14 for other, row in taken):
            row_y += 7
        parts.append(_label(x + 9, row_y + 4, labels[name], "start", "small", title=name))
        taken += [(edge, row_y) for edge in (x + 9, end)]
    return parts


def _svg(width: float, height: float, parts: Sequence[str], name: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def _label(
    x: float, y: float, text: str, anchor: str, style: str = "label", *, title: str = ""
) -> str:
    """A text; pointing at it shows its title, such as a name that was cut."""
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"<title>{escape(title or text)}</title>{escape(text)}</text>"
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
