"""Cut articles into passages that can be embedded, reranked and cited."""

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
    """Cut an article into passages; none crosses a heading if the splitter is `by_section`.

    Args:
        article: The article.
        source: Name of the source.
        key: Key of the article; unique within the source.
        splitter: Cuts each section's text, or the whole text if it is not `by_section`.

    Returns:
        The passages in reading order, numbered from 0; empty if the article has no text. Their
        ids are unique and depend only on the arguments.
    """
    passages: list[Passage] = []
    ordinals: Counter[tuple[str, ...]] = Counter()  # sections with the same path share them
    # NFC is the form that users type; file names on a Mac are in NFD.
    title, article_text = (unicodedata.normalize("NFC", s) for s in (article.title, article.text))
    whole = [Section(path=(), text=article_text)]
    for section in split_sections(article_text) if splitter.by_section else whole:
        url = section_url(article.url, section.path)
        for start, end in splitter.spans(section.text):
            text = section.text[start:end]
            if not text.strip():  # a window of white space has nothing to find
                continue
            passages.append(
                Passage(
                    id=passage_id(source, key, section.path, ordinals[section.path], text),
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
            ordinals[section.path] += 1
    return passages


def with_key(passages: Iterable[Passage], key: str) -> list[Passage]:
    """Return all passages of an article as `article_passages` makes them for another key."""
    ordinals: Counter[tuple[str, ...]] = Counter()
    keyed: list[Passage] = []
    for passage in passages:
        path = passage.section
        id_ = passage_id(passage.source, key, path, ordinals[path], passage.text)
        keyed.append(replace(passage, id=id_, article=key))
        ordinals[path] += 1
    return keyed


def article_digest(article: Article) -> str:
    """Hash an article to 32 hexadecimal digits, the same on every run and machine."""
    return stable_hash(
        [article.title, article.text, article.url, article.revision, dict(article.metadata)]
    )
