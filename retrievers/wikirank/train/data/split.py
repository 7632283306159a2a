"""Split articles into train, dev and test: whole articles, so that nothing leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from wikirank.errors import InvalidArgumentError
from wikirank.passages.ids import stable_hash
from wikirank.train.data.pairs import QuestionPair
from wikirank.types import Article, Passage

_MIN_ARTICLES = 3


@dataclass(frozen=True, slots=True)
class ArticleSplit:
    """The articles of a corpus in three parts, each in the corpus's order.

    Attributes:
        train: Articles to make training data from.
        dev: Articles to choose the best checkpoint on.
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
    """Return the article's address, decoded and without anchor, or its title if it has none.

    The same article has the same key in every source.
    """
    return unquote(item.url.partition("#")[0]).replace("_", " ") or item.title


def split_articles(
    articles: Iterable[Article], *, seed: int = 42, dev: float = 0.05, test: float = 0.05
) -> ArticleSplit:
    """Split a corpus by a hash of each article's key and the seed.

    An article's part depends only on its key, the seed and the shares, so adding articles does not
    move others. There is one exception: if a part would be empty and there are three articles or
    more, it borrows from the largest part the article whose hash is nearest to its range. The
    article goes back as soon as another one falls into that range. With shares of 5 % this affects
    corpora of a few dozen articles. If there are fewer than three articles, all are in train.

    Args:
        articles: The corpus. Articles with the same key stay together and count as one.
        seed: Another seed gives another split.
        dev: Expected share of the dev part, over 0.
        test: Expected share of the test part, over 0. Together with `dev` it must be less than 1.

    Returns:
        The three parts.

    Raises:
        InvalidArgumentError: If a share is out of range.
    """
    if not (dev > 0 and test > 0 and dev + test < 1):
        msg = f"Expected dev and test over 0 and together less than 1, got {dev} and {test}."
        raise InvalidArgumentError(msg)
    all_articles = list(articles)
    keys = [article_key(article) for article in all_articles]
    parts = _parts({key: _hash(key, seed) for key in keys}, dev, test)
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

    A pair whose title is that of an article of the corpus goes to the article's part. The other
    pairs are split by a hash of the title, or of the passage if there is no title.

    Args:
        pairs: The user's pairs.
        articles: Split of the corpus.
        seed: Seed of the hash; use that of `split_articles`.
        dev: Expected share of dev among the other pairs.
        test: Expected share of test among the other pairs.

    Returns:
        The pairs of `train`, `dev` and `test`, each in the given order.
    """
    part_by_title = {
        article.title: part
        for part, members in articles.parts.items()
        for article in members
        if article.title
    }
    split: dict[str, list[QuestionPair]] = {part: [] for part in articles.parts}
    for pair in pairs:
        part = part_by_title.get(pair.title) or _part_of(
            _hash(pair.title or pair.passage, seed), _ranges(dev, test)
        )
        split[part].append(pair)
    return split


def _hash(key: str, seed: int) -> float:
    """Return a number in [0, 1), the same on every run and machine."""
    return int(stable_hash([seed, key])[:13], 16) / 16**13


def _parts(hashes: dict[str, float], dev: float, test: float) -> dict[str, str]:
    """Return the part of each key, by its hash."""
    ranges = _ranges(dev, test)
    if len(hashes) < _MIN_ARTICLES:
        return dict.fromkeys(hashes, "train")
    parts = {key: _part_of(hash_, ranges) for key, hash_ in hashes.items()}
    for part, (start, end) in ranges.items():
        if part in parts.values():
            continue
        sizes = Counter(parts.values())
        largest = max(ranges, key=lambda name: sizes[name])
        borrowed = min(
            (key for key in parts if parts[key] == largest),
            key=lambda key: (max(start - hashes[key], hashes[key] - end), key),
        )
        parts[borrowed] = part
    return parts


def _ranges(dev: float, test: float) -> dict[str, tuple[float, float]]:
    """Return the range of hashes of each part."""
    return {"test": (0.0, test), "dev": (test, test + dev), "train": (test + dev, 1.0)}


def _part_of(hash_: float, ranges: dict[str, tuple[float, float]]) -> str:
    return next(part for part, (_, end) in ranges.items() if hash_ < end or part == "train")
