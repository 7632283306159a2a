"""Articles cut into passages that can be embedded, reranked and cited."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from wikirank.passages.ids import passage_id, section_url, stable_hash
from wikirank.passages.sections import split_sections
from wikirank.passages.splitters import Splitter
from wikirank.types import Article, Passage, Section


def article_passages(
    article: Article, *, source: str, key: str, splitter: Splitter
) -> list[Passage]:
    """Cut an article into passages, none of which crosses a heading if the splitter heeds them.

    Args:
        article: The article.
        source: Name of the source it came from.
        key: The article's key within the source; together they must name one article only.
        splitter: Cuts the text of each section, or of the article where it is not `by_section`.

    Returns:
        The passages in reading order, numbered from 0; none if the article has no text. Their ids
        are unique, and depend on nothing but the arguments.
    """
    passages: list[Passage] = []
    seen: Counter[tuple[str, ...]] = Counter()  # sections of one path share their ordinals
    # In the form of Unicode that is typed: a Mac names files in another.
    title, whole_text = (unicodedata.normalize("NFC", s) for s in (article.title, article.text))
    whole = [Section(path=(), text=whole_text)]
    for section in split_sections(whole_text) if splitter.by_section else whole:
        url = section_url(article.url, section.path)
        for start, end in splitter.spans(section.text):
            text = section.text[start:end]
            if not text.strip():  # a window may fall on white space; there is nothing to find
                continue
            passages.append(
                Passage(
                    id=passage_id(source, key, section.path, seen[section.path], text),
                    text=text,
                    source=source,
                    article=key,
                    number=len(passages),
                    title=title,
                    section=section.path,
                    url=url,
                    revision=article.revision,
                    start=start,
                    end=end,
                    metadata=dict(article.metadata),
                )
            )
            seen[section.path] += 1
    return passages


def with_key(passages: Iterable[Passage], key: str) -> list[Passage]:
    """An article's passages as `article_passages` makes them for another key.

    Args:
        passages: All passages of the article, in reading order.
        key: The key.

    Returns:
        The same passages with that key, and the ids that follow from it.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    keyed: list[Passage] = []
    for passage in passages:
        path = passage.section
        id_ = passage_id(passage.source, key, path, seen[path], passage.text)
        keyed.append(replace(passage, id=id_, article=key))
        seen[path] += 1
    return keyed


def article_digest(article: Article) -> str:
    """32 hexadecimal digits, the same for equal articles on every run and machine."""
    return stable_hash(
        [article.title, article.text, article.url, article.revision, dict(article.metadata)]
    )
