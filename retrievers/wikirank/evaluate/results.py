"""Results of an evaluation, for reports and JSON."""

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
        depth: Candidates per query, 1 or more.
        search_type: The first stage whose candidates are reranked.
        resamples: Resamples per bootstrap interval, 1 or more.
        permutations: Sign patterns per significance test, 1 or more.
        seed: Seed of the resamples and permutations.
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
                msg = f"Expected {name} to be at least 1, got {count}. Raise it."
                raise InvalidArgumentError(msg)


@dataclass(frozen=True, slots=True)
class RankingResult:
    """The metrics of one ranking.

    Attributes:
        name: Name of the ranking.
        kind: Kind of the ranking.
        metrics: Mean over the queries of `mrr@10`, `ndcg@10`, `map@depth`, `recall@depth` and
            `accuracy@1`.
        intervals: Bootstrap 95 % interval of `mrr@10` and `ndcg@10`.
        p_value: Two-sided p-value of nDCG@10 against the best first stage, not corrected for the
            number of rankings; None for that stage and for the oracle.
        stages_ms: Mean milliseconds per query by stage, and `total`; empty for the oracle, and for
            first stages with recorded candidates.
    """

    name: str
    kind: RankingKind
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    p_value: float | None
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class StratumResult:
    """The metrics of all rankings on a subset of the queries, or with fewer candidates.

    Attributes:
        name: Name of the stratum.
        by: The group that the stratum belongs to: `stratum`, or `kind of query`.
        queries: Number of queries, 1 or more.
        metrics: For each ranking by name, `mrr@10`, `ndcg@10` and recall at the stratum's depth.
    """

    name: str
    by: StratumKind
    queries: int
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class RerankerResult:
    """The quality of a reranker's relevance scores, and the changes that it made.

    Attributes:
        name: Name of its ranking.
        expected_calibration_error: Calibration error over all scored candidates; None if there were
            none. Candidates without a judgement count as not relevant.
        reliability: The reliability bins of the calibration error.
        abstention: Abstention from unanswerable questions; None if no relevant passage was a
            candidate.
        rank_changes: Number of queries by how far the first relevant passage moved.
        examples: The largest gains and losses.
    """

    name: str
    expected_calibration_error: float | None
    reliability: list[ReliabilityBin]
    abstention: Abstention | None
    rank_changes: dict[str, int]
    examples: list[RankChange]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        dataset: Name of the data set.
        queries: Number of queries.
        passages: Number of passages that could be candidates, distractors included.
        distractors: Number of passages that are not from the data set.
        settings: The settings of the evaluation.
        machine: Processor, cores, and versions of Python and wikirank.
        reference: Name of the best first stage by nDCG@10.
        rankings: Results of the first stages, the rerankers and the oracle.
        strata: Results on subsets of the queries or candidates.
        rerankers: Details for each reranker.
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
        """Return the evaluation as plain values for JSON; an interval is a pair."""
        return asdict(self)
