"""An evaluation as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from wikirank.evaluate.changes import RankChange
from wikirank.evaluate.plots import histogram, interval_bars, reliability_diagram, scatter
from wikirank.evaluate.report import note, report_tables, summary
from wikirank.evaluate.results import MRR, NDCG, Evaluation, RerankerResult

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
