"""What an evaluation found, as values that can be shown or written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from wikirank.errors import InvalidArgumentError
from wikirank.evaluate.changes import RankChange
from wikirank.evaluate.rankings import RankingKind
from wikirank.metrics.abstention import Abstention
from wikirank.metrics.calibration import ReliabilityBin
from wikirank.metrics.significance import Interval
from wikirank.types import SearchType

StratumKind: TypeAlias = Literal["stratum", "kind of query"]

AT_K = 10
MRR, NDCG, ACCURACY = f"mrr@{AT_K}", f"ndcg@{AT_K}", "accuracy@1"


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes:
        depth: Candidates a query, 1 or more.
        search_type: The first stage whose candidates are reranked.
        resamples: Resamples of each bootstrap interval, 1 or more.
        permutations: Sign flips of each significance test, 1 or more.
        seed: Of the resamples and permutations.
    """

    depth: int = 50
    search_type: SearchType = "hybrid"
    resamples: int = 2000
    permutations: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {
            "depth": self.depth,
            "resamples": self.resamples,
            "permutations": self.permutations,
        }
        for name, count in counts.items():
            if count < 1:
                msg = f"{name} is a whole number of at least 1, got {count}."
                raise InvalidArgumentError(msg)


@dataclass(frozen=True, slots=True)
class RankingResult:
    """One row: how well one way of ranking did.

    Attributes:
        name: What it is called.
        kind: What it is.
        metrics: Mean over the queries of `mrr@10`, `ndcg@10`, `map@depth`, `recall@depth` and
            `accuracy@1`.
        intervals: Bootstrap 95 % interval of `mrr@10` and `ndcg@10`.
        p_value: Of its nDCG@10 against the best first stage's, two-sided; None of that stage
            itself and of the oracle. Not corrected for the number of rankings.
        stages_ms: Mean milliseconds a query by stage and in `total`; none of the oracle, nor of a
            first stage whose candidates were given.
    """

    name: str
    kind: RankingKind
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    p_value: float | None
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class StratumResult:
    """How the rankings did on a part of the queries, or with fewer candidates.

    Attributes:
        name: The stratum.
        by: What tells strata like it apart: `stratum`, or `kind of query`.
        queries: How many queries are in it, 1 or more.
        metrics: By name of the ranking, `mrr@10`, `ndcg@10` and recall at its depth.
    """

    name: str
    by: StratumKind
    queries: int
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class RerankerResult:
    """What relevance scores are worth, and what reranking changed.

    Attributes:
        name: As of its ranking.
        expected_calibration_error: Over all candidates scored; None if there were none. A
            candidate that nobody judged counts as not relevant.
        reliability: The bins that it is made of.
        abstention: On unanswerable questions; None if no relevant passage was a candidate.
        rank_changes: Number of queries by how far the first relevant passage moved.
        examples: Those that gained and lost most.
    """

    name: str
    expected_calibration_error: float | None
    reliability: list[ReliabilityBin]
    abstention: Abstention | None
    rank_changes: dict[str, int]
    examples: list[RankChange]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was measured.

    Attributes:
        dataset: Name of the data set.
        queries: Queries asked.
        passages: Passages that candidates were taken from, distractors included.
        distractors: How many of them are no passages of the data set.
        settings: How it was evaluated.
        machine: Where it ran: processor, cores, Python, version of wikirank.
        reference: Name of the best first stage by nDCG@10.
        rankings: First stages, rerankers, oracle.
        strata: Parts of the whole.
        rerankers: One a reranker.
    """

    dataset: str
    queries: int
    passages: int
    distractors: int
    settings: EvaluationSettings
    machine: dict[str, str | int]
    reference: str
    rankings: list[RankingResult]
    strata: list[StratumResult]
    rerankers: list[RerankerResult]

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain values, for JSON; an interval is a pair."""
        return asdict(self)
