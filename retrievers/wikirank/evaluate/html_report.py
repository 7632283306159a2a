"""An evaluation as one HTML page with plots and no external resources."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from wikirank.evaluate.changes import RankChange
from wikirank.evaluate.report import note, report_tables, row_labels, summary
from wikirank.evaluate.results import MRR, NDCG, Evaluation, RerankerResult
from wikirank.metrics.calibration import ReliabilityBin
from wikirank.metrics.plots import DOT, STYLE, Frame, dot, line, rectangle, reliability, svg, text
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
"""


def html_page(evaluation: Evaluation) -> str:
    """Format an evaluation as an HTML document, light or dark by the reader's system."""
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
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{STYLE}</style>\n</head>\n<body>\n"
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
        parts.append(f"<h2>{name}, with 95 % intervals</h2>\n{_interval_bars(bars)}")
    return "\n".join(parts)


def _latency(evaluation: Evaluation) -> str:
    points = [
        (row.name, row.stages_ms["total"], row.metrics[NDCG])
        for row in evaluation.rankings
        if row.stages_ms
    ]
    # With recorded candidates and no reranker nothing was timed.
    return f"<h2>nDCG@10 against latency</h2>\n{_scatter(points)}" if points else ""


def _reranker(reranker: RerankerResult) -> str:
    parts = [f"<h2>What reranking changes: {escape(reranker.name)}</h2>", '<div class="plots">']
    if reranker.reliability:
        parts.append(f"<div><h3>Calibration</h3>{_reliability_diagram(reranker.reliability)}</div>")
    parts.append(
        "<div><h3>Ranks that the first relevant passage moves</h3>"
        f"{_histogram(reranker.rank_changes)}</div></div>"
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
_LETTER = 7.5
"""Approximate width of a letter of a small label."""


def _interval_bars(rows: Sequence[tuple[str, float, Interval]]) -> str:
    """Draw horizontal bars with a name, a value in [0, 1] and its interval."""
    scale = _WIDTH - _LABELS - 60
    labels = row_labels([name for name, _, _ in rows], _LABEL_CHARS)
    parts = []
    for number, (name, value, interval) in enumerate(rows):
        y = number * _ROW + 6
        low, high = (_LABELS + end * scale for end in interval)
        parts += [
            text(_LABELS - 8, y + 13, labels[name], "end", title=name),
            rectangle(_LABELS, y, value * scale, 18),
            line((low, y + 9), (high, y + 9), "interval"),
            line((low, y + 5), (low, y + 13), "interval"),
            line((high, y + 5), (high, y + 13), "interval"),
            text(_WIDTH - 4, y + 13, f"{value:.3f}", "end"),
        ]
    return svg(_WIDTH, len(rows) * _ROW + 6, parts, "bars with 95 % intervals")


def _reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Plot the share of relevant passages by relevance score; calibrated dots are on the line."""
    frame = Frame((0, 1), (0, 1))
    parts = reliability(frame, bins)
    return svg(frame.width + 58, frame.bottom + 40, parts, "reliability diagram")


def _histogram(counts: Mapping[str, int]) -> str:
    """Draw vertical bars of one or more counts."""
    step, height, top = 64, 150, 20
    bottom, largest = top + height, max(*counts.values(), 1)
    parts = [line((0, bottom), (step * len(counts), bottom), "axis")]
    for number, (name, count) in enumerate(counts.items()):
        size = height * count / largest
        middle = number * step + step / 2
        parts += [
            rectangle(middle - 22, bottom - size, 44, size),
            text(middle, bottom - size - 5, f"{count:,}", "middle"),
            text(middle, bottom + 16, name, "middle", "small"),
        ]
    return svg(step * len(counts), bottom + 24, parts, "histogram")


def _scatter(points: Sequence[tuple[str, float, float]]) -> str:
    """Draw one or more dots with a name, by milliseconds (on a log scale) and quality."""
    times = [math.log10(milliseconds) for _, milliseconds, _ in points]
    first, last = math.floor(min(times)), math.floor(max(times)) + 1
    low = math.floor(min(quality for _, _, quality in points) * 10) / 10
    high = max(1, low + 0.1)
    frame = Frame((first, last), (low, high), width=420, height=200, top=14)
    powers = {float(power): f"{10.0**power:g}" for power in range(first, last + 1)}
    parts = frame.axes(powers, {q: f"{q:.2g}" for q in (low, (low + high) / 2, high)})
    parts.append(text(frame.left + frame.width, frame.bottom + 32, "ms a query", "end"))
    placed: list[tuple[float, float, str]] = []
    for (name, milliseconds, quality), time in zip(points, times, strict=True):
        x, y = frame.place(time, quality)
        parts.append(dot((x, y), f"{name}: {quality:.3f}, {milliseconds:.1f} ms"))
        placed.append((x, y, name))
    parts += _dot_labels(sorted(placed))
    return svg(_WIDTH, frame.bottom + 40, parts, "quality against latency")


def _dot_labels(points: Sequence[tuple[float, float, str]]) -> list[str]:
    """Draw labels to the right of points, which are sorted by x; move down those that overlap."""
    parts: list[str] = []
    taken: list[tuple[float, float]] = [(x, y) for x, y, _ in points]
    labels = row_labels([name for _, _, name in points], _LABEL_CHARS)
    for x, y, name in points:
        end = x + 9 + _LETTER * len(labels[name])
        row_y = y
        while any(x < other < end + 2 * DOT and abs(row - row_y) < 14 for other, row in taken):
            row_y += 7
        parts.append(text(x + 9, row_y + 4, labels[name], "start", "small", title=name))
        taken += [(edge, row_y) for edge in (x + 9, end)]
    return parts
