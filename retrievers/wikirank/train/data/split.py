"""Articles to train on, to stop by, and to test with: whole articles, so that nothing leaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from wikirank.errors import InvalidArgumentError
from wikirank.passages.ids import stable_hash
from wikirank.train.data.pairs import QuestionPair
from wikirank.types import Article, Passage

_FEWEST_ARTICLES = 3


@dataclass(frozen=True, slots=True)
class ArticleSplit:
    """The articles of a corpus in three parts, each in the corpus's order.

    Attributes:
        train: Articles to make training data of.
        dev: Articles to choose the best checkpoint by.
        test: Articles to report results on.
    """

    train: list[Article] = field(default_factory=list)
    dev: list[Article] = field(default_factory=list)
    test: list[Article] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, list[Article]]:
        """The parts by name."""
        return {"train": self.train, "dev": self.dev, "test": self.test}


def article_key(item: Article | Passage) -> str:
    """An article's address, decoded and without anchor, in whichever source; else its title."""
    return unquote(item.url.partition("#")[0]).replace("_", " ") or item.title


def split_articles(
    articles: Iterable[Article], *, seed: int = 42, dev: float = 0.05, test: float = 0.05
) -> ArticleSplit:
    """Split a corpus by a hash of each article's key and the seed.

    An article's part depends on nothing but its key, the seed and the shares, so adding articles
    never moves others, with one exception. Where a part would be empty and there are three
    articles or more, the largest part lends it the article whose hash lies nearest to its range;
    once an article falls in that range on its own, the lent one goes back. With shares of 5 % this
    concerns corpora of some dozens of articles. Fewer than three articles are all trained on.

    Args:
        articles: The corpus; articles of one key stay together and count as one.
        seed: Another seed gives another split.
        dev: Expected share of the dev part, over 0.
        test: Expected share of the test part, over 0; with `dev` less than 1.

    Returns:
        The parts.

    Raises:
        InvalidArgumentError: If a share is out of range.
    """
    if not (dev > 0 and test > 0 and dev + test < 1):
        msg = f"dev and test must each be over 0 and together less than 1, got {dev} and {test}"
        raise InvalidArgumentError(msg)
    all_articles = list(articles)
    keys = [article_key(article) for article in all_articles]
    parts = _parts({key: _place(key, seed) for key in keys}, dev, test)
    split = ArticleSplit()
    for key, article in zip(keys, all_articles, strict=True):
        getattr(split, parts[key]).append(article)
    return split


def split_pairs(
    pairs: Iterable[QuestionPair],
    articles: ArticleSplit,
    *,
    seed: int = 42,
    dev: float = 0.05,
    test: float = 0.05,
) -> dict[str, list[QuestionPair]]:
    """Split the user's pairs, so that nothing leaks between parts.

    Pairs about an article of the corpus, by its title, go where it went. The others are split by a
    hash of the title, or of the passage where there is no title.

    Args:
        pairs: The pairs.
        articles: How the corpus was split.
        seed: As for the articles.
        dev: Expected share of the dev part among the others.
        test: Likewise.

    Returns:
        The pairs of `train`, `dev` and `test`, each in the given order.
    """
    known = {
        article.title: part
        for part, members in articles.parts.items()
        for article in members
        if article.title
    }
    split: dict[str, list[QuestionPair]] = {part: [] for part in articles.parts}
    for pair in pairs:
        part = known.get(pair.title) or _part_at(
            _place(pair.title or pair.passage, seed), _ranges(dev, test)
        )
        split[part].append(pair)
    return split


def _place(key: str, seed: int) -> float:
    """A number in [0, 1), the same on every run and machine."""
    return int(stable_hash([seed, key])[:13], 16) / 16**13


def _parts(places: dict[str, float], dev: float, test: float) -> dict[str, str]:
    """The part of each key, by its place."""
    ranges = _ranges(dev, test)
    if len(places) < _FEWEST_ARTICLES:
        return dict.fromkeys(places, "train")
    parts = {key: _part_at(place, ranges) for key, place in places.items()}
    for part, (start, end) in ranges.items():
        if part in parts.values():
            continue
        largest = max(ranges, key=lambda name: sum(of == name for of in parts.values()))
        lent = min(
            (key for key in parts if parts[key] == largest),
            key=lambda key: (max(start - places[key], places[key] - end), key),
        )
        parts[lent] = part
    return parts


def _ranges(dev: float, test: float) -> dict[str, tuple[float, float]]:
    """The places that each part takes."""
    return {"test": (0.0, test), "dev": (test, test + dev), "train": (test + dev, 1.0)}


def _part_at(place: float, ranges: dict[str, tuple[float, float]]) -> str:
    return next(part for part, (_, end) in ranges.items() if place < end or part == "train")
