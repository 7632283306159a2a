"""Compare what an agent reads within a token budget: our search tool and LangChain's.

Usage: python benchmarks/agent_evidence.py CACHE TECH [--budget 250 500 1000 1500] [--json]

CACHE is the folder of the index, which is built on the first run from the sample corpus and TECH
(`tech-articles.jsonl.gz`). A scripted agent (`scripted_agent.py`) asks the 50 questions of
`agent_questions.jsonl`, and 6 that neither corpus answers. A gold passage counts as read if its
phrase appears in a tool message. Retriever tools have no budget: they fetch 50 passages and their
text is cut at the budget, so every call uses the whole budget.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from timeit import timeit

import numpy as np
from agent_questions import Question, read_questions, was_read
from agent_tools import BY_DEFAULT, DENSE, BundledTokens, RankingOnce, ToolMaker, tool_makers
from machine import machine
from scripted_agent import AgentRun, ask

from wikirank.cli.build import build_index
from wikirank.corpus import open_source
from wikirank.index import WikiIndex
from wikirank.metrics.significance import bootstrap_interval, permutation_p_value

SEED = 0
TIMED = 20
"""Number of timed calls of each tool."""


@dataclass(frozen=True, slots=True)
class Row:
    """One tool at one budget.

    Attributes:
        tool: Name of the tool.
        budget: Maximum number of tokens per call; 0 for no budget.
        recall: Share of gold passages read, mean over the questions.
        low: Lower end of the 95 % interval of `recall`.
        high: Upper end of that interval.
        complete: Share of questions whose gold passages were all read.
        p: p-value of the difference in recall from dense search at the same budget; None for dense
            search itself.
        tokens: Mean number of tokens shown per call.
        calls: Mean number of calls per question.
        prompt_tokens: Mean number of tokens sent to the model per question, over all turns.
        milliseconds: Median time of a call.
        abstained: Share of calls that abstained, of those that the wiki cannot answer.
        wrongly_abstained: Share of calls that abstained, of those that the wiki can answer.
        noise: Mean number of tokens shown per call where the wiki has no answer.
        missed: Titles and phrases that were not read, by question.
    """

    tool: str
    budget: int
    recall: float
    low: float
    high: float
    complete: float
    p: float | None
    tokens: float
    calls: float
    prompt_tokens: float
    milliseconds: float
    abstained: float
    wrongly_abstained: float
    noise: float
    missed: dict[str, list[str]]


def main() -> None:
    """Build the index if it is missing, run every tool at every budget, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("tech", type=Path)
    parser.add_argument("--budget", type=int, nargs="+", default=[250, 500, 1000, 1500])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sources = [open_source("sample"), open_source(str(arguments.tech))]
    build_index(sources, arguments.cache)
    with WikiIndex.open(arguments.cache) as index:
        rows = compare(index, sorted(arguments.budget))
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows]}))
        return
    print(table(rows))
    print(f"\n{machine()}\n")
    for line in reached(rows):
        print(line)


def compare(index: WikiIndex, budgets: Sequence[int]) -> list[Row]:
    """Run every tool at every budget."""
    tokens, questions = BundledTokens(), read_questions()
    makers = tool_makers(index, tokens, RankingOnce)
    budgeted = [name for name in makers if name not in BY_DEFAULT]
    times = _times(tool_makers(index, tokens), max(budgets), questions)
    rows = []
    against: dict[int, list[float]] = {}
    for budget, name in (*product([0], BY_DEFAULT), *product(budgets, budgeted)):
        # A new tool for each question, because a tool remembers what a conversation has read.
        runs = [ask(question, makers[name](budget), tokens.count) for question in questions]
        rows.append(summarise(name, budget, runs, against.get(budget), times[name]))
        against.setdefault(budget, _recalls(runs))
        print(f"{budget} {name}: {rows[-1].recall:.3f}", file=sys.stderr, flush=True)
    return rows


def _times(
    makers: dict[str, ToolMaker], budget: int, questions: Sequence[Question]
) -> dict[str, float]:
    """Return the median milliseconds per call of each tool, over first queries of questions."""
    queries = [question.steps[0].query for question in questions[:: len(questions) // TIMED]]
    times = {}
    for name, make in makers.items():
        tool = make(budget)
        tool.invoke({"query": "Is it warm?"})  # Loads the models.
        taken = [timeit(partial(tool.invoke, {"query": query}), number=1) for query in queries]
        times[name] = 1000 * float(np.median(taken))
    return times


def summarise(
    tool: str,
    budget: int,
    runs: Sequence[AgentRun],
    against: Sequence[float] | None,
    milliseconds: float,
) -> Row:
    """Summarise the runs of one tool.

    Args:
        tool: Name of the tool.
        budget: Maximum number of tokens per call.
        runs: One run per question, at least one answerable and one unanswerable.
        against: Recall of each answerable question with the tool to compare with.
        milliseconds: Median time of a call.

    Returns:
        A row of the table.
    """
    answerable = [run for run in runs if not run.question.unanswerable]
    others = [run for run in runs if run.question.unanswerable]
    recalls = _recalls(runs)
    interval = bootstrap_interval(recalls, np.random.default_rng(SEED))
    p = None
    if against is not None:
        p = permutation_p_value(recalls, against, np.random.default_rng(SEED))
    return Row(
        tool=tool,
        budget=budget,
        recall=float(np.mean(recalls)),
        low=interval.low,
        high=interval.high,
        complete=float(np.mean([recall == 1 for recall in recalls])),
        p=p,
        tokens=_mean_per_call(answerable, "tokens"),
        calls=float(np.mean([len(run.texts) for run in answerable])),
        prompt_tokens=float(np.mean([run.prompt_tokens for run in answerable])),
        milliseconds=milliseconds,
        abstained=_mean_per_call(others, "abstained"),
        wrongly_abstained=_mean_per_call(answerable, "abstained"),
        noise=_mean_per_call(others, "tokens"),
        missed={run.question.id: missed for run in answerable if (missed := _missed(run))},
    )


def table(rows: Sequence[Row]) -> str:
    """Format the rows as a Markdown table."""
    lines = [
        "| budget | tool | recall of golds (95 % interval) | p | all golds | tokens a call | calls "
        "| prompt tokens a question | ms a call | abstains without an answer: calls, tokens shown "
        "| abstains wrongly |",
        "|" + "---|" * 11,
    ]
    for row in rows:
        cells = [
            str(row.budget or "–"),
            row.tool,
            f"{row.recall:.3f} ({row.low:.3f}–{row.high:.3f})",
            "–" if row.p is None else f"{row.p:.3f}",
            f"{row.complete:.2f}",
            f"{row.tokens:.0f}",
            f"{row.calls:.2f}",
            f"{row.prompt_tokens:.0f}",
            f"{row.milliseconds:.0f}",
            f"{row.abstained:.0%}, {row.noise:.0f}",
            f"{row.wrongly_abstained:.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def reached(rows: Sequence[Row]) -> list[str]:
    """Say at which budget each tool reaches the recall of dense search at the largest budget."""
    most = max(row.budget for row in rows)
    goal = next(row.recall for row in rows if row.tool == DENSE and row.budget == most)
    lines = []
    for tool in dict.fromkeys(row.tool for row in rows if row.budget):
        enough = [row.budget for row in rows if row.tool == tool and row.recall >= goal]
        budget = str(min(enough)) if enough else "none of these"
        lines.append(f"Budget at which {tool} reaches {goal:.3f}: {budget}")
    return lines


def _recalls(runs: Sequence[AgentRun]) -> list[float]:
    return [run.recall for run in runs if not run.question.unanswerable]


def _mean_per_call(runs: Sequence[AgentRun], name: str) -> float:
    return float(np.mean([value for run in runs for value in getattr(run, name)]))


def _missed(run: AgentRun) -> list[str]:
    missed = [g for g in run.question.gold if not any(was_read(g, text) for text in run.texts)]
    return [f"{gold.title}: {gold.contains}" for gold in missed]


if __name__ == "__main__":
    main()
