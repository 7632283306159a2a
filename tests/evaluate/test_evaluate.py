"""Evaluation on a tiny data set: real models, real index, metrics worked out by hand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command import run_command
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from wikirank.corpus import open_source
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.evaluate.candidates import SearchedCandidates, build_index, distractor_passages
from wikirank.evaluate.changes import RankChange, change_counts, rank_changes, top_changes
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.evaluate.html_report import html_page
from wikirank.evaluate.near_duplicates import credit_near_duplicates, with_distinct_relevant
from wikirank.evaluate.rankings import Ranking
from wikirank.evaluate.report import p_text, terminal_report
from wikirank.evaluate.results import Evaluation, EvaluationSettings
from wikirank.evaluate.run import evaluate, ranking_abstention, ranking_results
from wikirank.evaluate.strata import kinds_of_query, overlap_strata, same_article_ids, word_overlap
from wikirank.evaluate.stratified import strata_results
from wikirank.index import WikiIndex
from wikirank.metrics.abstention import abstention, risk_coverage
from wikirank.metrics.calibration import expected_calibration_error, reliability_bins
from wikirank.metrics.ranking import accuracy
from wikirank.rank import load_cross_encoder
from wikirank.types import Passage, RankedPassage

TOPICS = {
    "bees": ("Bees", "Honey bees dance to tell the hive where flowers grow.", "How do bees tell?"),
    "moon": ("Moon", "The moon raises two tides in the ocean every day.", "What causes the tide?"),
    "iron": ("Iron", "Iron rusts when water and oxygen reach its surface.", "Why does iron rust?"),
    "tea": ("Tea", "Green leaves are steamed at once, so they do not oxidise.", "Is tea steamed?"),
    "chess": ("Chess", "A bishop moves along diagonals of one colour.", "How do bishops move?"),
    "frost": ("Frost", "Frost is dew that froze on cold grass overnight.", "What is frost?"),
    "rome": ("Rome", "Seven hills surround the old city on the Tiber.", "How many hills has Rome?"),
    "owl": (
        "Owl",
        "Owls fly without a sound, their feathers being fringed.",
        "Why are owls silent?",
    ),
    "glass": ("Glass", "Sand, soda and lime melt into glass.", "What is glass made of?"),
    "sail": ("Sail", "A boat can tack against the wind in a zigzag.", "Can boats sail upwind?"),
    "salt": ("Salt", "Sea water leaves salt behind as it dries in pans.", "Where is salt won?"),
    # First-stage retrieval cannot find that this passage is relevant.
    "far": ("Abacus", "Beads on rods stand for ones, tens and hundreds.", "Do owls or bees sleep?"),
}
DEPTH = 3


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")


@pytest.fixture(scope="module")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beir") / "tiny"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": id_, "title": t, "text": text} for id_, (t, text, _) in TOPICS.items()]
    write_lines(folder / "corpus.jsonl", corpus)
    queries = [{"_id": f"q-{id_}", "text": query} for id_, (_, _, query) in TOPICS.items()]
    write_lines(folder / "queries.jsonl", [*queries, {"_id": "unjudged", "text": "Why?"}])
    judged = [f"q-{id_}\t{id_}\t1" for id_ in TOPICS] + ["q-bees\tmoon\t0", "unjudged\tmoon\t0"]
    lines = ["query-id\tcorpus-id\tscore", *judged]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def dataset(beir: Path) -> RetrievalDataset:
    return load_retrieval_dataset(beir)


@pytest.fixture(scope="module")
def index(dataset: RetrievalDataset) -> Iterator[WikiIndex]:
    with build_index(dataset) as built:
        yield built


@pytest.fixture(scope="module")
def evaluation(index: WikiIndex, dataset: RetrievalDataset) -> Evaluation:
    models = {"card": load_cross_encoder()}
    candidates = SearchedCandidates(index, dataset)
    return evaluate(candidates, dataset, models, EvaluationSettings(depth=DEPTH), name="tiny")


def test_rankings_stand_side_by_side(evaluation: Evaluation) -> None:
    assert [row.name for row in evaluation.rankings] == [
        "BM25",
        "dense",
        "hybrid",
        "hybrid + card",
        "hybrid + card, logit alone",
        "hybrid + card, the 10 best by cascade",
        "hybrid + oracle",
    ]
    assert (evaluation.queries, evaluation.passages, evaluation.distractors) == (12, 12, 0)
    for row in evaluation.rankings:
        assert row.metrics.keys() == {"mrr@10", "ndcg@10", "map@3", "recall@3", "accuracy@1"}
        for name, interval in row.intervals.items():
            assert 0 <= interval.low <= row.metrics[name] <= interval.high <= 1
        assert (row.p_value is None) == (row.name == evaluation.reference or row.kind == "oracle")


def test_the_oracle_is_the_most_that_reranking_can_reach(evaluation: Evaluation) -> None:
    rows = {row.name: row for row in evaluation.rankings}
    for name, best in rows["hybrid + oracle"].metrics.items():
        assert best >= rows["hybrid"].metrics[name]
        assert best >= rows["hybrid + card"].metrics[name]


def test_missed_positives_stay_missed(evaluation: Evaluation) -> None:
    rows = {row.name: row.metrics for row in evaluation.rankings}
    # Only the abacus is no candidate for its query, about owls and bees.
    assert rows["hybrid"]["recall@3"] == pytest.approx(11 / 12)
    assert rows["hybrid + card"]["recall@3"] == pytest.approx(11 / 12)
    assert rows["hybrid + oracle"] == pytest.approx(dict.fromkeys(rows["hybrid"], 11 / 12))
    reranker, _ = evaluation.rerankers
    assert reranker.abstention is not None
    assert (reranker.abstention.answerable, reranker.abstention.unanswerable) == (11, 12)
    assert sum(reranker.rank_changes.values()) == 11


def test_a_rerankers_time_includes_its_first_stage(evaluation: Evaluation) -> None:
    rows = {row.name: row.stages_ms for row in evaluation.rankings}
    reranked = rows["hybrid + card"]
    assert reranked["total"] == pytest.approx(rows["hybrid"]["total"] + reranked["rerank"])
    assert rows["dense"].keys() >= {"embed", "dense", "total"}
    assert rows["hybrid + oracle"] == {}


def test_calibration_counts_every_scored_candidate(evaluation: Evaluation) -> None:
    reranker, _ = evaluation.rerankers
    assert sum(held.count for held in reranker.reliability) == 12 * DEPTH
    relevant = sum(held.count * held.share_relevant for held in reranker.reliability)
    assert relevant == pytest.approx(11)


def test_strata_part_the_queries(evaluation: Evaluation) -> None:
    low, high = evaluation.strata
    assert (low.name, high.name) == ("low word overlap", "high word overlap")
    assert low.queries + high.queries == 12
    for row in evaluation.rankings:
        parts = [part.queries * part.metrics[row.name]["ndcg@10"] for part in (low, high)]
        assert sum(parts) / 12 == pytest.approx(row.metrics["ndcg@10"])


def test_depth_strata_and_other_first_stages(index: WikiIndex, dataset: RetrievalDataset) -> None:
    settings = EvaluationSettings(depth=25, search_type="dense")
    asked = dataset.every(4)
    candidates = SearchedCandidates(index, asked)
    deep = evaluate(candidates, asked, {"card": load_cross_encoder()}, settings)
    assert deep.rankings[-1].name == "dense + oracle"
    stratum = deep.strata[-1]
    assert (stratum.name, stratum.queries) == ("depth 20", 3)
    for row in deep.rankings:  # With 12 passages, the first 20 candidates are all of them.
        assert stratum.metrics[row.name]["ndcg@10"] == pytest.approx(row.metrics["ndcg@10"])


def test_without_a_reranker_first_stages_are_compared(
    index: WikiIndex, dataset: RetrievalDataset
) -> None:
    candidates = SearchedCandidates(index, dataset)
    plain = evaluate(candidates, dataset.every(6), {}, EvaluationSettings(depth=2))
    assert [row.kind for row in plain.rankings] == ["first stage"] * 3 + ["oracle"]
    assert plain.rerankers == []
    assert "Relevance scores" not in html_page(plain)


def test_distractors_are_searched_and_counted(dataset: RetrievalDataset, tiny_wiki: Path) -> None:
    others = list(distractor_passages(open_source(str(tiny_wiki))))
    with build_index(dataset, others) as mixed:
        candidates = SearchedCandidates(mixed, dataset)
        found = evaluate(candidates, dataset.every(12), {}, EvaluationSettings(depth=2))
    assert (found.passages, found.distractors) == (12 + 31, 31)


def test_a_distractor_must_not_take_a_passages_id(dataset: RetrievalDataset) -> None:
    with pytest.raises(InvalidArgumentError, match="moon"):
        build_index(dataset, [Passage(id="moon", text="Not the moon.")])


def test_the_json_holds_everything(evaluation: Evaluation) -> None:
    values = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))
    assert values.keys() == {
        "dataset",
        "queries",
        "passages",
        "distractors",
        "settings",
        "machine",
        "reference",
        "rankings",
        "strata",
        "rerankers",
    }
    assert values["settings"]["depth"] == DEPTH
    assert len(values["rankings"][0]["intervals"]["ndcg@10"]) == 2
    reranker, _ = values["rerankers"]
    assert reranker["abstention"].keys() >= {"area_under_risk_coverage", "unanswerable_abstained"}
    assert reranker["expected_calibration_error"] > 0


def test_the_terminal_shows_every_ranking(evaluation: Evaluation) -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(terminal_report(evaluation))
    shown = capture.get()
    assert "12 queries over 12 passages; top 3" in shown
    assert "recall@3" in shown
    assert "…" not in shown  # Nothing is truncated at 80 columns.
    for row in evaluation.rankings:
        assert f"{row.metrics['ndcg@10']:.3f}" in shown


class Page(HTMLParser):
    """Collect what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_loads_and_runs_nothing(evaluation: Evaluation) -> None:
    html = html_page(evaluation)
    page = Page()
    page.feed(html)
    assert not {"script", "link", "img", "iframe", "image", "use"} & set(page.tags)
    assert not {"src", "href", "xlink:href"} & set(page.attributes)
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert page.tags.count("svg") == 7
    assert "prefers-color-scheme: dark" in html


def test_the_page_escapes_what_it_did_not_write(evaluation: Evaluation) -> None:
    attack = "<script>alert('&')</script>"
    reranker, _ = evaluation.rerankers
    example = RankChange(query=f"{attack}?", passage=f"{attack}.", before=2, after=1)
    named = replace(evaluation.rankings[3], name=attack)
    strata = [
        replace(part, metrics={**part.metrics, attack: part.metrics["hybrid + card"]})
        for part in evaluation.strata
    ]
    hostile = replace(
        evaluation,
        dataset=attack,
        rankings=[named],
        strata=strata,
        rerankers=[replace(reranker, name=attack, examples=[example])],
    )
    html = html_page(hostile)
    page = Page()
    page.feed(html)
    assert "<script" not in html
    assert "script" not in page.tags
    assert f"{attack}?" in page.text
    assert f"{attack}." in page.text


def test_ranking_results_by_hand() -> None:
    relevant = {"q1": {"a"}, "q2": {"a"}, "q3": {"b"}}
    good = Ranking("good", "first stage", {q: ["a", "b"] for q in relevant}, {}, {"total": 6.0})
    bad = Ranking("bad", "first stage", {q: ["b", "a"] for q in relevant}, {}, {"total": 3.0})
    empty = Ranking("empty", "reranker", {q: [] for q in relevant}, {}, {"total": 3.0})
    results = {
        r.name: r for r in ranking_results([good, bad, empty], relevant, EvaluationSettings())
    }
    assert results["good"].metrics["mrr@10"] == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert results["good"].metrics["accuracy@1"] == pytest.approx(2 / 3)
    assert results["good"].stages_ms == {"total": 2.0}
    assert results["good"].p_value is None
    # The differences are d, d and -d: of the 8 sums of ±d, 8 are d or more from 0.
    assert results["bad"].p_value == pytest.approx(1)
    # All three differences are over 0; only +++ and --- are as far: 2 / 8.
    assert results["empty"].p_value == pytest.approx(2 / 8)


def test_unanswerable_questions_lose_their_relevant_passages() -> None:
    relevant = {"q": {"a"}, "p": {"b", "c"}, "m": {"z"}}
    ids = {"q": ["a", "b"], "p": ["b", "c"], "m": ["a", "b"]}
    scores = {"q": [0.9, 0.3], "p": [0.8, 0.7], "m": [0.6, 0.5]}
    held = ranking_abstention(Ranking("r", "reranker", ids, scores), relevant)
    # Answerable: q 0.9 and p 0.8, both right. Without an answer: q 0.3, m 0.6, and p nothing.
    assert held == abstention([0.9, 0.8], [False, False], [0.3, 0.0, 0.6])
    assert ranking_abstention(Ranking("r", "reranker", ids, scores), {**relevant, "q": {"z"}}) == (
        abstention([0.8], [False], [0.9, 0.0, 0.6])
    )
    missed = {query: {"z"} for query in ids}
    assert ranking_abstention(Ranking("r", "reranker", ids, scores), missed) is None


def test_at_a_smaller_depth_later_candidates_are_missed() -> None:
    ids = [f"p{number}" for number in range(1, 26)]
    dataset = RetrievalDataset({"q": "?"}, dict.fromkeys(ids, "text"), {"q": {"p1", "p22"}})
    stage = Ranking("stage", "first stage", {"q": ids})
    other = Ranking("other", "first stage", {"q": ids[::-1]})
    model = Ranking("model", "reranker", {"q": ["p22", "p2", "p1", *ids[2:21], *ids[22:]]})
    high, depth_20 = strata_results([stage, other, model], stage, dataset, 25)
    assert (high.name, depth_20.name) == ("high word overlap", "depth 20")
    assert high.metrics["model"]["mrr@10"] == 1
    assert high.metrics["model"]["recall@25"] == 1
    # p22 is not among the first 20 candidates, and p1 comes second without it.
    assert depth_20.metrics["model"]["mrr@10"] == 1 / 2
    assert depth_20.metrics["model"]["recall@20"] == 1 / 2
    assert depth_20.metrics["stage"]["recall@20"] == 1 / 2
    assert depth_20.metrics["other"]["mrr@10"] == 1 / 4  # Its own first 20: p25, p24, p23, p22.


@pytest.mark.parametrize("name", ["depth", "resamples", "permutations"])
def test_settings_are_checked_before_the_work(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"Expected {name} to be at least 1, got 0"):
        EvaluationSettings(**{name: 0})


def test_same_article_distractors_by_hand() -> None:
    dataset = RetrievalDataset(
        queries={"q": "?", "missed": "?", "alone": "?"},
        passages=dict.fromkeys(("a1", "a2", "a3", "b1", "c1"), "text"),
        relevant={"q": {"a1"}, "missed": {"a3"}, "alone": {"b1"}},
        titles={"a1": "Ada", "a2": "Ada", "a3": "Ada", "b1": "Bees"},
    )
    stage = Ranking(
        name="stage",
        kind="first stage",
        ids={"q": ["a2", "c1", "a1"], "missed": ["c1", "a2"], "alone": ["b1", "a1"]},
        same_article={"q": ["a2", "a1"], "missed": ["a2"], "alone": ["b1"]},
    )
    other = Ranking(
        name="other",
        kind="first stage",
        ids={"q": ["c1"], "missed": ["c1", "a3"], "alone": ["a1"]},
        same_article={"q": [], "missed": ["a3"], "alone": []},
    )
    model = Ranking(
        name="model",
        kind="reranker",
        ids={"q": ["c1", "a1", "a2"], "missed": ["c1", "a2"], "alone": ["a1", "b1"]},
    )
    strata = {s.name: s for s in strata_results([stage, other, model], stage, dataset, 10)}
    stratum = strata["same-article distractors"]
    # `alone` has no other passage about bees. Without c1, the model has a1 before a2; the
    # other first stage has neither. a3 is missed by the stage and so by the model.
    assert stratum.queries == 2
    assert {name: held["mrr@10"] for name, held in stratum.metrics.items()} == {
        "stage": (1 / 2 + 0) / 2,
        "other": (0 + 1) / 2,
        "model": (1 + 0) / 2,
    }
    assert stratum.metrics["stage"]["recall@10"] == 1 / 2


def test_titles_tell_articles() -> None:
    dataset = RetrievalDataset(
        queries={"q": "?", "untitled": "?"},
        passages=dict.fromkeys(("a1", "a2", "b1", "n1", "n2"), "text"),
        relevant={"q": {"a1"}, "untitled": {"n1"}},
        titles={"a1": "Ada", "a2": "Ada", "b1": "Bees"},
    )
    found = [Passage(id=id_, text="text") for id_ in ("b1", "a2", "n2", "a1", "n1")]
    distractors = [Passage(id="d1", text="d", title="Ada"), Passage(id="d2", text="d", title="C")]
    assert same_article_ids(dataset, "q", [*found, *distractors]) == ["a2", "a1", "d1"]
    assert same_article_ids(dataset, "untitled", [*found, *distractors]) == []


def test_a_distractor_of_the_same_article_makes_the_stratum(
    dataset: RetrievalDataset,
) -> None:
    frost = replace(dataset, queries={"q-frost": "What is frost?"}, relevant={"q-frost": {"frost"}})
    others = [Passage(id="rime", text="Rime is frost that fog leaves.", title="Frost")]
    with build_index(frost, others) as built:
        candidates = SearchedCandidates(built, frost)
        found = evaluate(candidates, frost, {"card": load_cross_encoder()}, EvaluationSettings())
    (stratum,) = [held for held in found.strata if held.name == "same-article distractors"]
    assert stratum.queries == 1
    assert stratum.metrics["hybrid + oracle"]["mrr@10"] == 1
    assert "Same-article distractors: questions" in html_page(found)


def test_kinds_of_query_part_the_queries() -> None:
    asked = dict.fromkeys(("a", "b", "c", "d"), "?")
    dataset = RetrievalDataset(
        queries=asked,
        passages={"p": "text"},
        relevant={query: {"p"} for query in asked},
        kinds={"a": "keywords", "b": "cloze", "d": "cloze", "not asked": "title"},
    )
    assert kinds_of_query(dataset) == {"cloze": ["b", "d"], "keywords": ["a"]}
    assert kinds_of_query(replace(dataset, kinds={"a": "cloze", "b": "cloze"})) == {}


LONG = (
    "The lighthouse keeper writes down the height of the tide at noon and at midnight, and sends "
    "the page to the harbour office by the first boat of every week of the year"
)


def test_a_near_duplicate_counts_as_the_relevant_passage() -> None:
    twice = RetrievalDataset(
        queries={"q": "Is the page sent regularly?"},
        passages={"gold": f"{LONG}.", "copy": f"{LONG}, regularly.", "tea": "Tea is a leaf."},
        relevant={"q": {"gold"}},
    )
    with build_index(twice) as built:
        candidates = SearchedCandidates(built, twice)
        lexical = candidates.find("q", 3)["lexical"].candidates
        # Search keeps the first of the two, which is not the judged passage.
        assert [held.passage.id for held in lexical] == ["copy"]
        found = evaluate(
            candidates, twice, {"card": load_cross_encoder()}, EvaluationSettings(depth=3)
        )
    for row in found.rankings:
        assert row.metrics["recall@3"] == 1
    assert found.rankings[0].metrics["mrr@10"] == 1


def test_near_duplicates_of_relevant_passages_by_hand() -> None:
    dataset = RetrievalDataset(
        queries={"q": "?"},
        passages={"a": f"{LONG}.", "b": f"{LONG}!", "c": "Chess", "m": "Moss grows on stones."},
        relevant={"q": {"b", "a", "c", "m"}},
    )
    distinct = with_distinct_relevant(dataset)
    assert distinct.relevant == {"q": {"a", "c", "m"}}
    texts = {"x": "Tea", "b": f"{LONG}!", "y": f"{LONG}, too.", "c": "Chess"}
    held = [
        RankedPassage(Passage(id=id_, text=text), rank, rank)
        for rank, (id_, text) in enumerate(texts.items(), start=1)
    ]
    named = credit_near_duplicates(held, distinct, "q")
    # b is credited for a, y is unchanged, c is found itself, m stays missed.
    assert [ranked.passage.id for ranked in named] == ["x", "a", "y", "c"]
    assert [ranked.passage.text for ranked in named] == list(texts.values())


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef")))
def test_nothing_stands_in_for_a_passage_that_is_there(
    found: list[str], relevant: set[str]
) -> None:
    # a, b and c are near duplicates, and so are d and e.
    texts = dict(zip("abcdef", ("one", "one", "one", "two", "two", "three"), strict=True))
    plain = RetrievalDataset(queries={"q": "?"}, passages=texts, relevant={"q": relevant or {"a"}})
    dataset = with_distinct_relevant(plain)
    held = [RankedPassage(Passage(id=id_, text=texts[id_]), 1, 1) for id_ in found]
    ids = [ranked.passage.id for ranked in credit_near_duplicates(held, dataset, "q")]
    assert len(set(ids)) == len(ids) == len(found)
    wanted, said = dataset.relevant["q"], {texts[id_] for id_ in found}
    assert wanted & set(ids) == {id_ for id_ in wanted if texts[id_] in said}


def test_fewer_candidates_keep_the_order() -> None:
    ranking = Ranking("r", "reranker", {"q": ["c", "a", "b"], "p": ["a"]})
    assert ranking.within({"q": ["a", "c"]}) == {"q": ["c", "a"]}


def test_accuracy_is_a_hit_or_none() -> None:
    assert accuracy(["a", "b"], {"b"}, 1) == 0
    assert accuracy(["a", "b"], {"b", "z"}, 2) == 1


def test_rank_changes_by_hand() -> None:
    dataset = RetrievalDataset(
        queries={"q": "Up?", "p": "Down?", "m": "Missed?", "s": "Same?"},
        passages={"a": "A  text", "b": "", "c": "C text", "z": "Z text"},
        relevant={"q": {"a", "c"}, "p": {"b"}, "m": {"z"}, "s": {"a"}},
        titles={"b": "B title"},
    )
    before = {"q": ["b", "a", "c"], "p": ["b", "a"], "m": ["a"], "s": ["a"]}
    after = {"q": ["c", "b", "a"], "p": ["a", "b"], "m": ["a"], "s": ["a"]}
    changes = rank_changes(dataset, before, after)
    assert changes == [
        RankChange("Up?", "C text", before=2, after=1),
        RankChange("Down?", "B title", before=1, after=2),
        RankChange("Same?", "A text", before=1, after=1),
    ]
    assert [change.query for change in top_changes(changes)] == ["Up?", "Down?"]


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (21, 1, "up 20+"),
        (20, 1, "up 10–19"),
        (5, 1, "up 4–9"),
        (4, 1, "up 1–3"),
        (7, 7, "same"),
        (1, 4, "down 1–3"),
        (1, 5, "down 4–9"),
        (1, 20, "down 10–19"),
        (1, 21, "down 20+"),
    ],
)
def test_classes_of_changes(before: int, after: int, name: str) -> None:
    counts = change_counts([RankChange("q", "p", before, after)])
    assert {key for key, count in counts.items() if count} == {name}
    assert next(iter(counts)).startswith("up")
    assert list(counts)[-1] == "down 20+"


def test_abstention_by_hand() -> None:
    # By confidence: 0.9 right, 0.7 unanswerable, 0.6 wrong, 0.2 unanswerable.
    # Risks 0, 1/2, 2/3, 3/4. All answerable questions reach 0.6; of the others, one does not.
    held = abstention([0.9, 0.6], [False, True], [0.7, 0.2])
    assert held.area_under_risk_coverage == pytest.approx((0 + 1 / 2 + 2 / 3 + 3 / 4) / 4)
    assert held.risk == pytest.approx(3 / 4)
    assert (held.threshold, held.answerable_kept, held.unanswerable_abstained) == (0.6, 1, 0.5)


def test_the_threshold_gives_up_one_question_of_twenty() -> None:
    held = abstention([number / 20 for number in range(1, 21)], [False] * 20, [0.09, 0.1, 0.0])
    assert (held.threshold, held.answerable_kept) == (0.1, 0.95)
    assert held.unanswerable_abstained == pytest.approx(2 / 3)


def test_equally_confident_answers_have_no_order() -> None:
    assert risk_coverage([0.5, 0.5, 0.9], [True, False, False]).tolist() == pytest.approx(
        [0, 1 / 4, 1 / 3]
    )
    with pytest.raises(InvalidArgumentError, match="shapes"):
        risk_coverage([0.5], [True, False])
    with pytest.raises(InvalidArgumentError, match="both kinds"):
        abstention([], [], [0.5])


def test_calibration_error_by_hand() -> None:
    # [0, 0.1): score 0.05, none relevant. [0.1, 0.2): 0.15, half. [0.9, 1]: 0.95, all.
    # (1 * 0.05 + 2 * 0.35 + 1 * 0.05) / 4 = 0.2
    scores, labels = [0.05, 0.15, 0.15, 0.95], [False, False, True, True]
    assert expected_calibration_error(scores, labels) == pytest.approx(0.2)
    bins = reliability_bins(scores, labels)
    assert [(held.low, held.count, held.share_relevant) for held in bins] == [
        (0.0, 1, 0.0),
        (0.1, 2, 0.5),
        (0.9, 1, 1.0),
    ]
    (last,) = reliability_bins([1.0], [True])
    assert (last.low, last.high) == (0.9, 1.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20))
def test_calibration_error_is_a_share(pairs: list[tuple[float, bool]], bins: int) -> None:
    scores, labels = zip(*pairs, strict=True)
    filled = reliability_bins(scores, labels, bins=bins)
    assert sum(held.count for held in filled) == len(pairs)
    assert 0 <= expected_calibration_error(scores, labels, bins=bins) <= 1
    assert expected_calibration_error([float(label) for label in labels], labels) == 0


@pytest.mark.parametrize(
    ("scores", "labels", "bins"),
    [([], [], 10), ([0.5], [True, False], 10), ([1.5], [True], 10), ([0.5], [True], 0)],
)
def test_calibration_refuses_invalid_scores(
    scores: list[float], labels: list[bool], bins: int
) -> None:
    with pytest.raises(InvalidArgumentError):
        expected_calibration_error(scores, labels, bins=bins)


def test_word_overlap_by_hand() -> None:
    # Content words: built, amber, lighthouse; the passage has two of them.
    passage = "The LIGHTHOUSE was built in 1871."
    assert word_overlap("Who built the Amber Lighthouse?", passage) == pytest.approx(2 / 3)
    assert word_overlap("The Who", "Who are they?") == 1 / 2  # Stop words alone count.
    assert word_overlap("?", passage) == 0


def test_overlap_strata_by_hand() -> None:
    dataset = RetrievalDataset(
        queries={"none": "ferns", "half": "moss grows", "all": "peat"},
        passages={"a": "Moss and peat", "b": "Bogs"},
        relevant={"none": {"a"}, "half": {"a", "b"}, "all": {"a"}},
    )
    strata = overlap_strata(dataset)
    assert strata == {"low word overlap": ["none"], "high word overlap": ["half", "all"]}
    titled = replace(dataset, titles={"a": "Ferns"})
    assert overlap_strata(titled)["low word overlap"] == ["half"]


def test_reads_a_beir_folder(dataset: RetrievalDataset) -> None:
    assert len(dataset.queries) == len(dataset.passages) == 12  # Without the unjudged query.
    assert dataset.relevant["q-bees"] == {"bees"}  # A score of 0 is not relevant.
    assert dataset.titles["moon"] == "Moon"
    assert list(dataset.every(5).queries) == list(dataset.queries)[::5]
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        dataset.every(0)


def test_a_title_without_text_is_searched() -> None:
    bare = RetrievalDataset(
        queries={"q": "herring"},
        passages={"t": "", "e": " ", "p": "Plum cake"},
        relevant={"q": {"t", "e"}},
        titles={"t": "Herring"},
    )
    with build_index(bare) as built:
        found = evaluate(SearchedCandidates(built, bare), bare, {}, EvaluationSettings(depth=2))
    assert found.passages == 2
    assert found.rankings[0].metrics["recall@2"] == 1 / 2


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("corpus.jsonl", '{"_id": "moon", "text": "Again."}', "line 13.*new passage id"),
        ("corpus.jsonl", '{"_id": "new"}', "line 13.*'text'"),
        ("corpus.jsonl", '{"_id": "new", "text": "x", "title": 3}', "line 13.*'title'"),
        ("queries.jsonl", '{"_id": "q-moon", "text": "Again?"}', "line 14.*new query id"),
        ("queries.jsonl", '{"_id": "new", "text": " "}', "line 14.*'text'"),
        ("qrels/test.tsv", "nobody\tmoon\t1", "line 16.*queries.jsonl"),
        ("qrels/test.tsv", "q-moon\tnothing\t1", "line 16.*corpus.jsonl"),
        ("qrels/test.tsv", "q-moon moon 1", "line 16.*whole number"),
        ("qrels/test.tsv", "q-moon\tmoon\t0.5", "line 16.*whole number"),
    ],
)
def test_a_bad_beir_line_is_named(
    beir: Path, tmp_path: Path, file: str, line: str, message: str
) -> None:
    (tmp_path / "qrels").mkdir()
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        more = f"{line}\n" if name == file else ""
        (tmp_path / name).write_text((beir / name).read_text("utf-8") + more, "utf-8")
    with pytest.raises(CorpusError, match=message):
        load_retrieval_dataset(tmp_path)


@pytest.mark.parametrize(
    ("judgements", "message"),
    [
        (b"", "line 1.*query-id"),
        (b"q-moon\tmoon\t1\n", "line 1.*query-id"),
        (b"query-id\tcorpus-id\tscore\n", "score over 0"),
        (b"query-id\tcorpus-id\tscore\nq-moon\tmoon\t-1\n", "score over 0"),
        (b"query-id\tcorpus-id\tscore\ncaf\xe9\tmoon\t1\n", "UTF-8"),
    ],
)
def test_unusable_judgements_are_refused(
    beir: Path, tmp_path: Path, judgements: bytes, message: str
) -> None:
    (tmp_path / "qrels").mkdir()
    for name in ("corpus.jsonl", "queries.jsonl"):
        (tmp_path / name).write_bytes((beir / name).read_bytes())
    (tmp_path / "qrels" / "test.tsv").write_bytes(judgements)
    with pytest.raises(CorpusError, match=message):
        load_retrieval_dataset(tmp_path)


def test_a_folder_or_a_pair_of_files(beir: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="alone"):
        load_retrieval_dataset(beir / "corpus.jsonl")
    with pytest.raises(InvalidArgumentError, match="BEIR folder, or"):
        load_retrieval_dataset(beir, beir / "corpus.jsonl")


def test_p_values_for_a_person() -> None:
    assert [p_text(value) for value in (None, 0.0004, 0.001, 0.5)] == [
        "–",
        "<0.001",
        "0.001",
        "0.500",
    ]


def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run_command("evaluate", *arguments, status=status)


def test_command_writes_json_and_a_page(beir: Path, tmp_path: Path, tiny_wiki: Path) -> None:
    page = tmp_path / "report.html"
    done = run(
        *("--beir", str(beir), "--every", "4", "--depth", "5", "--html", str(page), "--json"),
        *("--distractors", str(tiny_wiki), "--limit", "7", "--search-type", "dense"),
    )
    values = json.loads(done.stdout)
    assert (values["dataset"], values["queries"]) == ("tiny", 3)
    assert (values["passages"], values["distractors"]) == (19, 7)
    assert values["rankings"][3]["name"].startswith("dense + ")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert "Asking" in done.stderr
    assert "Indexing" in done.stderr


def test_command_reads_a_pair_of_files_and_two_models(tmp_path: Path) -> None:
    from wikirank.runtime.model_folder import bundled_model

    questions = [{"id": 1, "question": "What is frost?", "passage_id": "a"}]
    write_lines(tmp_path / "q.jsonl", questions)
    passages = [{"id": "a", "text": "Frost is frozen dew."}, {"id": "b", "text": "Tea is a leaf."}]
    write_lines(tmp_path / "p.jsonl", passages)
    done = run(
        *("--questions", str(tmp_path / "q.jsonl"), "--passages", str(tmp_path / "p.jsonl")),
        *("--model", "bundled", "--model", str(bundled_model("cross-encoder")), "--quiet"),
    )
    assert "q.jsonl: 1 query over 2 passages" in done.stdout
    assert "(bundled)" in " ".join(done.stdout.split())
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 1, "--questions with --passages"),
        (["--questions", "q.jsonl"], 1, "got an incomplete one"),
        (["--beir", "{beir}", "--wiki-eval", "sample"], 1, "one data set"),
        (["--beir", "{beir}", "--passages", "p.jsonl"], 1, "one data set"),
        (["--held-out", "{beir}"], 1, "data/test.jsonl.gz"),
        (["--beir", "{beir}", "--revision", "main"], 1, "with --revision, got 0"),
        (
            ["--beir", "{beir}", "--revision", "v1", "--model", "a/b", "--model", "c/d"],
            1,
            "with --revision, got 2",
        ),
        (["--beir", "{beir}", "--device", "cuda"], 1, "runs on 'cuda'"),
        (["--beir", "no-such-folder"], 1, "BEIR folder"),
        (["--beir", "{beir}", "--html", "no/such/folder.html"], 2, "Create no/such first"),
        (["--beir", "{beir}", "--model", "./no-model"], 1, "no-model"),
        (["--beir", "{beir}", "--distractors", "no.jsonl"], 1, "no.jsonl"),
        (["--beir", "{beir}", "--depth", "0"], 2, "depth"),
    ],
)
def test_command_refuses_with_one_message(
    arguments: list[str], status: int, message: str, beir: Path
) -> None:
    filled = [argument.format(beir=beir) for argument in arguments]
    assert message in " ".join(run(*filled, status=status).stderr.split())


def test_command_explains_itself() -> None:
    assert "wikirank evaluate --questions" in run("--help").stdout
