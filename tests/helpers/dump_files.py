"""MediaWiki exports written by tests."""

from __future__ import annotations

import bz2
from html import escape
from pathlib import Path

SITE = """<siteinfo><base>https://ltg.example.org/wiki/Suoku_puslopa</base>
<case>first-letter</case><namespaces><namespace key="0" />
<namespace key="6">Fails</namespace><namespace key="14">Kategoreja</namespace>
</namespaces></siteinfo>"""


def page(
    title: str,
    text: str,
    *,
    ns: int | None = 0,
    id_: int = 7,
    revision: int = 12,
    redirect: str = "",
    model: str = "wikitext",
    attributes: str = "",
) -> str:
    return (
        f"<page><title>{escape(title)}</title>"
        + (f"<ns>{ns}</ns>" if ns is not None else "")
        + f"<id>{id_}</id>"
        + (f'<redirect title="{escape(redirect)}" />' if redirect else "")
        + f"<revision><id>{revision}</id><contributor><id>99</id></contributor>"
        f"<comment>== no ==</comment><model>{model}</model>"
        f'<text xml:space="preserve"{attributes}>{escape(text)}</text></revision></page>\n'
    )


def export(*pages: str, site: str = SITE) -> str:
    return f'<mediawiki version="0.10">{site}\n{"".join(pages)}</mediawiki>'


def dump(folder: Path, *pages: str, site: str = SITE, name: str = "wiki.xml") -> Path:
    path = folder / name
    path.write_text(export(*pages, site=site), encoding="utf-8")
    return path


MANY = [page(f"P{number}", f"Text {number} of many. " * 50) for number in range(300)]


def streams(text: str, pieces: int) -> bytes:
    """Compress a text as consecutive bzip2 streams."""
    data = text.encode()
    size = len(data) // pieces + 1
    return b"".join(bz2.compress(data[index : index + size]) for index in range(0, len(data), size))
