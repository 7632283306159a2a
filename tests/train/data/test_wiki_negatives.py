"""Mining negatives from a real index of a tiny wiki."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.train.data import mine_negatives
from wikirank.train.data.negatives import random_passages
from wikirank.types import Passage

QUERY = "who drew the plans of the amber lighthouse"


def passages_of(index: WikiIndex) -> list[Passage]:
    ids = [row[0] for row in index.store.connection.execute("SELECT id FROM passages")]
    return list(index.store.get(ids).values())


def positive_of(index: WikiIndex, words: str = "drew the plans") -> Passage:
    return next(passage for passage in passages_of(index) if words in passage.text)


def mined(index: WikiIndex, positive: Passage, seed: int = 0, **options: Any) -> list[Passage]:
    return mine_negatives(index, QUERY, positive, rng=random.Random(seed), **options)


def test_hard_then_article_then_random(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    found = mined(tiny_index, positive, n_hard=2, n_same_article=1, n_random=2, window=(2, 10))
    assert len(found) == len({passage.id for passage in found}) == 5
    assert positive.id not in {passage.id for passage in found}
    assert found[2].article == positive.article


@pytest.mark.parametrize("window", [(1, 3), (2, 4), (5, 9)])
def test_hard_ones_are_of_the_window_of_both_rankings(
    tiny_index: WikiIndex, window: tuple[int, int]
) -> None:
    positive = positive_of(tiny_index)
    vector = tiny_index.embedder.embed_query(QUERY)
    first, last = window
    dense = {id_ for id_, _ in tiny_index.dense.search(vector, last)[first - 1 :]}
    lexical = {id_ for id_, _ in tiny_index.lexical.search(QUERY, last)[first - 1 :]}
    used: set[str] = set()
    for seed in range(10):
        found = mined(
            tiny_index, positive, seed, n_hard=1, n_same_article=0, n_random=0, window=window
        )
        used.update(passage.id for passage in found)
    used -= {passage.id for passage in passages_of(tiny_index)} - dense - lexical
    assert used
    assert used <= (dense | lexical) - {positive.id}


def test_passages_as_near_as_the_positive_are_not_negatives(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    vector = tiny_index.embedder.embed_query(QUERY)
    texts = tiny_index.embedder.embed_passages
    limit = 0.6 * float(np.dot(texts([positive.headed_text])[0], vector))
    numbers = {"n_hard": 10, "n_same_article": 3, "n_random": 30, "window": (1, 30)}
    strict = mined(tiny_index, positive, margin=0.6, **numbers)
    loose = mined(tiny_index, positive, margin=100, **numbers)
    near = {
        p.id for p in passages_of(tiny_index) if np.dot(texts([p.headed_text])[0], vector) >= limit
    }
    assert near - {positive.id}  # the limit excludes some
    assert not near & {passage.id for passage in strict}
    assert {passage.id for passage in loose} >= near - {positive.id}


def test_a_masked_positive_is_measured_as_the_model_reads_it(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    # Far from the query, as a passage can be once the query's sentence is masked.
    masked = replace(positive, text="The lantern came by ship.", title="", section=())
    numbers = {"n_hard": 30, "n_same_article": 2, "n_random": 0, "window": (1, 31)}
    whole = {passage.id for passage in mined(tiny_index, positive, **numbers)}
    part = {passage.id for passage in mined(tiny_index, masked, **numbers)}
    vector = tiny_index.embedder.embed_query(QUERY)
    limit = 0.95 * np.dot(tiny_index.embedder.embed_passages([masked.text])[0], vector)
    nearer = {id_ for id_, similarity in tiny_index.dense.search(vector, 31) if similarity >= limit}
    assert nearer & whole
    assert part == whole - nearer


def test_duplicates_and_texts_within_texts_are_left_out() -> None:
    text = "The architect drew the plans of the tower in one long winter on the island of Velm"
    same = [
        Passage("copy", text, article="1", number=1),
        Passage("shouted", text.upper() + "!", article="2", number=2),
        Passage("longer", f"In those years {text}, as her letters say.", article="3", number=3),
        Passage("shorter", "The architect drew the plans of the tower", article="4", number=4),
    ]
    others = [
        Passage(f"other{n}", f"Bread of kind {n} is baked from flour and water.", article=f"o{n}")
        for n in range(8)
    ]
    with WikiIndex.create() as index:
        index.add_passages([Passage("gold", text, article="0"), *same, *others])
        gold = index.store.get(["gold"])["gold"]
        numbers = {"n_hard": 4, "n_same_article": 1, "n_random": 8, "window": (1, 13)}
        found = mined(index, gold, margin=100, **numbers)
        assert {passage.id for passage in found} <= {passage.id for passage in others}
        # "kind 0" to "kind 7" differ in one of ten words: no near duplicates by four-word shingles
        assert len(found) == 8
        unknown = mined(index, replace(gold, id="", article=""), margin=100, **numbers)
        assert {passage.id for passage in unknown} <= {passage.id for passage in others}


def test_random_ones_fill_up_what_is_missing(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    found = mined(tiny_index, positive, n_hard=3, n_same_article=0, n_random=1, window=(500, 600))
    assert len(found) == 4
    everything = mined(tiny_index, positive, n_hard=3, n_random=500, margin=100)
    assert len({passage.id for passage in everything}) == len(everything)
    assert len(everything) == len(passages_of(tiny_index)) - 1


def test_a_users_passage_has_its_article_by_title(tiny_index: WikiIndex) -> None:
    positive = Passage("", "Ilse Marn drew the plans in one winter.", title="Amber Lighthouse")
    found = mined(tiny_index, positive, n_hard=0, n_same_article=1, n_random=0, margin=100)
    assert [passage.title for passage in found] == ["Amber Lighthouse"]


def test_only_what_is_accepted_is_taken(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    found = mined(tiny_index, positive, n_random=20, accept=lambda p: p.title == "Bread")
    assert {passage.title for passage in found} == {"Bread"}


def test_the_same_seed_mines_the_same(tiny_index: WikiIndex) -> None:
    positive = positive_of(tiny_index)
    several = [mined(tiny_index, positive, seed) for seed in range(6)]
    assert several == [mined(tiny_index, positive, seed) for seed in range(6)]
    assert len({tuple(p.id for p in found) for found in several}) > 1


def test_random_passages_are_drawn_evenly_over_gaps() -> None:
    passages = [Passage(f"p{n}", f"Passage {n}.", article=f"a{n}") for n in range(5)]
    with WikiIndex.create() as index:
        index.add_passages(passages)
        index.add_passages(passages[1:3])  # written again: their old rows are gaps
        rng = random.Random(0)
        drawn = Counter(next(random_passages(index, rng)).id for _ in range(2000))
        assert drawn.keys() == {"p0", "p1", "p2", "p3", "p4"}
        assert min(drawn.values()) > 400 - 75  # 4 standard deviations: 72
        assert sorted(p.id for p in random_passages(index, rng)) == sorted(drawn)
    with WikiIndex.create() as empty:
        assert list(random_passages(empty, random.Random(0))) == []


@pytest.mark.parametrize(
    "options", [{"n_hard": -1}, {"window": (0, 5)}, {"window": (5, 4)}, {"margin": 0.0}]
)
def test_settings_out_of_range_are_refused(tiny_index: WikiIndex, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="window"):
        mined(tiny_index, positive_of(tiny_index), **options)
