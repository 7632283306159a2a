"""wikirank: wiki text in, ranked and cited passages out. Imports no LangChain.

```python
from wikirank import Searcher, WikiIndex, load_cross_encoder, open_source

with WikiIndex.create("my-index") as index:
    index.add_source(open_source("my-notes/"))
    result = Searcher(index, load_cross_encoder()).search("How do I undo a release?")
```

Names are imported on first use. Errors are in `wikirank.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wikirank._lazy import lazy_names

if TYPE_CHECKING:
    from wikirank._version import __version__
    from wikirank.corpus.source import Source
    from wikirank.corpus.sources.open import open_source
    from wikirank.embed import load_embedder
    from wikirank.embed.protocol import Embedder
    from wikirank.errors import WikirankError
    from wikirank.index.index import WikiIndex
    from wikirank.rank.load import load_cross_encoder
    from wikirank.rank.protocol import CrossEncoder
    from wikirank.rank.score import score_passages
    from wikirank.search.options import SearchOptions, SearchResult
    from wikirank.search.pipeline import Searcher
    from wikirank.types import Article, Passage, RankedPassage

__all__ = [
    "Article",
    "CrossEncoder",
    "Embedder",
    "Passage",
    "RankedPassage",
    "SearchOptions",
    "SearchResult",
    "Searcher",
    "Source",
    "WikiIndex",
    "WikirankError",
    "__version__",
    "load_cross_encoder",
    "load_embedder",
    "open_source",
    "score_passages",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Article": "types",
        "CrossEncoder": "rank.protocol",
        "Embedder": "embed.protocol",
        "Passage": "types",
        "RankedPassage": "types",
        "SearchOptions": "search.options",
        "SearchResult": "search.options",
        "Searcher": "search.pipeline",
        "Source": "corpus.source",
        "WikiIndex": "index.index",
        "WikirankError": "errors",
        "__version__": "_version",
        "load_cross_encoder": "rank.load",
        "load_embedder": "embed",
        "open_source": "corpus.sources.open",
        "score_passages": "rank.score",
    },
)
