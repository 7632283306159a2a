"""An evaluation as tables for the terminal, and the texts that all reports share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from rich.box import SIMPLE_HEAD, Box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wikirank._util import counted
from wikirank.evaluate.results import (
    ACCURACY,
    MRR,
    NDCG,
    Evaluation,
    RankingResult,
    RerankerResult,
    StratumKind,
    StratumResult,
)
from wikirank.evaluate.strata import SAME_ARTICLE

_SMALLEST_P = 0.001
_ABSENT = "–"
_LABEL_CHARS = 48


def row_labels(names: Sequence[str], width: int) -> dict[str, str]:
    """Shorten names in the middle to distinct labels.

    Args:
        names: The names.
        width: Maximum number of characters of a label.

    Returns:
        Label by name. If no cut makes the labels distinct, long names are numbered.
    """
    unique = list(dict.fromkeys(names))
    for tail in (width * 2 // 3, width // 3, 1, width - 2):
        labels = [_cut_middle(name, width, tail) for name in unique]
        if len(set(labels)) == len(labels):
            return dict(zip(unique, labels, strict=True))
    labels = [
        f"{_cut_middle(name, width - 4, width // 2)} {number}" if len(name) > width else name
        for number, name in enumerate(unique, 1)
    ]
    return dict(zip(unique, labels, strict=True))


def _cut_middle(name: str, width: int, tail: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1 - tail]}…{name[-tail:]}"


def terminal_report(evaluation: Evaluation, *, is_terminal: bool = True) -> Group:
    """Format an evaluation for a terminal, or without lines for another program."""
    box = SIMPLE_HEAD if is_terminal else None
    tables = [_table(title, head, rows, box) for title, head, rows in report_tables(evaluation)]
    return Group(Text(summary(evaluation)), *tables, Text(note(evaluation), style="dim"))


def report_tables(evaluation: Evaluation) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return the tables of a report: title, column heads, and rows that begin with a name."""
    depth = evaluation.settings.depth
    head = ["ranking", "MRR@10", "nDCG@10", f"MAP@{depth}", f"recall@{depth}", "acc@1", "p", "ms"]
    tables = [("Rankings", head, [_ranking_row(row, depth) for row in evaluation.rankings])]
    for by in get_args(StratumKind):
        strata = [stratum for stratum in evaluation.strata if stratum.by == by]
        if strata:
            head = ["ranking", *(f"{stratum.name} ({stratum.queries:,})" for stratum in strata)]
            rows = [_stratum_row(row.name, strata) for row in evaluation.rankings]
            tables.append((f"nDCG@10 by {by} (queries)", head, rows))
    if evaluation.rerankers:
        head = ["reranker", "calibration error", "AURC", "risk", "threshold", "abstained"]
        rows = [_reranker_row(reranker) for reranker in evaluation.rerankers]
        tables.append(("Relevance scores", head, rows))
    return tables


def summary(evaluation: Evaluation) -> str:
    """Describe in one line what was measured."""
    distractors = f", {evaluation.distractors:,} of them distractors" * bool(evaluation.distractors)
    return (
        f"{evaluation.dataset}: {counted(evaluation.queries, 'query', 'queries')} over "
        f"{counted(evaluation.passages, 'passage')}{distractors}; top "
        f"{evaluation.settings.depth} candidates."
    )


def note(evaluation: Evaluation) -> str:
    """Explain the tables, and name the machine that the times are from."""
    machine = evaluation.machine
    words = (
        "Ranges are bootstrap 95 % intervals. p: paired randomisation test of nDCG@10 against "
        f"{evaluation.reference}, the best first stage. Oracle: the best possible reranking, which "
        "still misses relevant passages that are not candidates. A near duplicate of a relevant "
        "passage counts as that passage. "
    )
    if any(stratum.name == SAME_ARTICLE for stratum in evaluation.strata):
        words += (
            f"{SAME_ARTICLE.capitalize()}: questions with other candidates from the relevant "
            "passage's article; only candidates from that article are ranked. "
        )
    if evaluation.rerankers:
        words += (
            "AURC: area under the risk-coverage curve, with each question also asked without its "
            "relevant passages. Risk: share of wrong answers without abstaining. Abstained: share "
            "of questions without relevant passages that are not answered, at the threshold that "
            "answers 95 % of the others. "
        )
    timed = any(row.stages_ms for row in evaluation.rankings if row.kind == "first stage")
    if not timed:
        words += (
            "Candidates are from the training run. BM25 and dense order those that they found, so "
            "their recall may be too low. Times include only reranking. "
        )
    return words + (
        f"ms: per query, {machine['processor']}, {machine['cores']} cores, Python "
        f"{machine['python']}, wikirank {machine['wikirank']}."
    )


def p_text(p_value: float | None) -> str:
    """Format a p-value."""
    if p_value is None:
        return _ABSENT
    return f"{p_value:.3f}" if p_value >= _SMALLEST_P else f"<{_SMALLEST_P}"


def _ranking_row(row: RankingResult, depth: int) -> list[str]:
    # The interval is on a second line, so that the table fits a terminal of 80 columns.
    means = [
        f"{row.metrics[name]:.3f}\n{row.intervals[name].low:.3f}–{row.intervals[name].high:.3f}"
        for name in (MRR, NDCG)
    ]
    others = [f"{row.metrics[name]:.3f}" for name in (f"map@{depth}", f"recall@{depth}", ACCURACY)]
    total = f"{row.stages_ms['total']:.1f}" if row.stages_ms else _ABSENT
    return [row.name, *means, *others, p_text(row.p_value), total]


def _stratum_row(name: str, strata: Sequence[StratumResult]) -> list[str]:
    return [name, *(f"{stratum.metrics[name][NDCG]:.3f}" for stratum in strata)]


def _reranker_row(row: RerankerResult) -> list[str]:
    error = row.expected_calibration_error
    cells = [row.name, _ABSENT if error is None else f"{error:.3f}"]
    abstention = row.abstention
    if abstention is None:
        return [*cells, *[_ABSENT] * 4]
    measures = abstention.area_under_risk_coverage, abstention.risk, abstention.threshold
    return [
        *cells,
        *(f"{value:.3f}" for value in measures),
        f"{100 * abstention.unanswerable_abstained:.1f} %",
    ]


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], box: Box | None
) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box, padding=(0, 1, 0, 0)
    )
    # Wide enough to distinguish the rows, even in a terminal of 80 columns.
    table.add_column(head[0], overflow="fold", min_width=16)
    labels = row_labels([row[0] for row in rows], _LABEL_CHARS)
    for name in head[1:]:
        table.add_column(Text(name), justify="right", no_wrap=" " not in name)
    for row in rows:
        table.add_row(*(Text(cell) for cell in (labels[row[0]], *row[1:])))
    return table
