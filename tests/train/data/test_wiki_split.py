"""Splitting a corpus by articles: stable, disjoint, complete, and no part empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.train.data import (
    ArticleSplit,
    QuestionPair,
    article_key,
    split_articles,
    split_pairs,
)
from wikirank.types import Article

TITLES = st.lists(st.text("abcdefgh", min_size=1, max_size=6), unique=True, max_size=60)


def named(titles: list[str]) -> list[Article]:
    return [Article(title, "Some text.") for title in titles]


def parts(split: ArticleSplit) -> dict[str, str]:
    return {
        article.title: name for name in ("train", "dev", "test") for article in getattr(split, name)
    }


@given(TITLES, st.integers(0, 5))
def test_parts_are_disjoint_complete_in_order_and_never_empty(titles: list[str], seed: int) -> None:
    split = split_articles(named(titles), seed=seed)
    held = [article.title for part in (split.train, split.dev, split.test) for article in part]
    assert sorted(held) == sorted(titles)
    for part in (split.train, split.dev, split.test):
        positions = [titles.index(article.title) for article in part]
        assert positions == sorted(positions)
        assert part or len(titles) < 3
    assert split == split_articles(named(titles), seed=seed)


@given(st.permutations(range(300)), st.integers(100, 300))
def test_other_articles_and_their_order_move_none(order: list[int], kept: int) -> None:
    whole = parts(split_articles(named([f"Article {n}" for n in range(300)])))
    fewer = parts(split_articles(named([f"Article {n}" for n in order[:kept]])))
    own = {"train", "dev", "test"} <= set(fewer.values())
    moved = [title for title, part in fewer.items() if part != whole[title]]
    # Only articles lent to empty parts may move: one for each of two parts.
    assert own
    assert len(moved) <= 2


def test_shares_come_out_and_seeds_differ() -> None:
    articles = named([f"Article {n}" for n in range(4000)])
    split = split_articles(articles, dev=0.05, test=0.1)
    assert len(split.dev) == pytest.approx(200, abs=45)  # 3 standard deviations: 41
    assert len(split.test) == pytest.approx(400, abs=60)  # 57
    assert split_articles(articles, seed=1).test != split_articles(articles, seed=2).test


def test_fewer_than_three_articles_are_all_trained_on() -> None:
    for n in range(3):
        assert len(split_articles(named(["One", "Two"][:n])).train) == n


def test_copies_of_an_article_stay_together() -> None:
    url = "https://en.wikipedia.org/wiki/Dot_(diacritic)"
    coded = "https://en.wikipedia.org/wiki/Dot_%28diacritic%29"
    for seed in range(40):
        articles = [Article("Dot", "a", url), Article("Dot (diacritic)", "b", coded)]
        split = split_articles([*articles, *named(["One", "Two"])], seed=seed)
        together = [part for part in (split.train, split.dev, split.test) if articles[0] in part]
        assert articles[1] in together[0]


def test_passages_have_their_articles_key() -> None:
    article = Article("Velm", "Lead.\n== Trade ==\nWool.", "https://wiki.example/Velm_island")
    passages = article_passages(article, source="s", key="k", splitter=SentenceSplitter())
    assert [passage.url[-6:] for passage in passages] == ["island", "#Trade"]
    assert {article_key(item) for item in (article, *passages)} == {
        "https://wiki.example/Velm island"
    }
    assert article_key(Article("Velm", "Lead.")) == "Velm"


@pytest.mark.parametrize(("dev", "test"), [(0.0, 0.1), (0.1, 0.0), (0.5, 0.5), (-0.1, 0.5)])
def test_shares_out_of_range_are_refused(dev: float, test: float) -> None:
    with pytest.raises(InvalidArgumentError, match="dev and test"):
        split_articles([], dev=dev, test=test)


def test_pairs_go_where_their_article_or_passage_goes() -> None:
    articles = ArticleSplit([Article("Oak", "Tree.")], [Article("Elm", "Tree.")], [])
    known = [QuestionPair(f"Is it {n}?", f"Yes, {n}.", "Elm") for n in range(5)]
    others = [QuestionPair(f"What is {n}?", f"It is {n % 100}.") for n in range(2000)]
    split = split_pairs([*known, *others], articles)
    assert split["dev"][:5] == known
    assert sum(map(len, split.values())) == 2005
    passages = {part: {pair.passage for pair in pairs} for part, pairs in split.items()}
    assert not passages["train"] & (passages["dev"] | passages["test"])
    assert not passages["dev"] & passages["test"]
    assert 0 < len(split["test"]) < 300
