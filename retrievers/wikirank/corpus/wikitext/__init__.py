"""Convert wikitext to plain text: what a reader sees, without references, templates and markup.

```python
page = read_wikitext("'''Frost''' is [[ice]].<ref>x</ref> [[Category:Ice]]", title="Frost")
page.text        # "Frost is ice."
page.categories  # ("Ice",)
page.kind        # "article"
```

The parser is our own. Like MediaWiki's preprocessor it makes one pass with a stack, and its time is
linear in the length of the page, whatever the page holds. mwparserfromhell takes quadratic time on
unclosed markup (14 s for 16 kB of `[[a|`) and cannot be interrupted.
"""

from __future__ import annotations

from wikirank.corpus.wikitext.kinds import PageKind
from wikirank.corpus.wikitext.names import NamespaceNames
from wikirank.corpus.wikitext.page import (
    WikitextPage,
    page_metadata,
    plain_text,
    read_wikitext,
    redirect_target,
)

__all__ = [
    "NamespaceNames",
    "PageKind",
    "WikitextPage",
    "page_metadata",
    "plain_text",
    "read_wikitext",
    "redirect_target",
]
