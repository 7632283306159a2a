"""Next month's dump replaces this month's if the user gives both the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from wikirank.corpus import open_source
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex

DUMP = "<mediawiki><siteinfo><base>https://w.example/wiki/Main</base></siteinfo>{}</mediawiki>"
PAGE = (
    "<page><title>{title}</title><ns>0</ns><id>{number}</id>"
    "<revision><id>{month}</id><text>{title} sails, version {month}.</text></revision></page>"
)


def dump(folder: Path, month: int, *titles: str) -> str:
    pages = (
        PAGE.format(title=title, number=number, month=month)
        for number, title in enumerate(titles, 1)
    )
    path = folder / f"wiki-2026{month}01.xml"
    path.write_text(DUMP.format("".join(pages)), "utf-8")
    return str(path)


def test_next_months_dump(tmp_path: Path) -> None:
    first, second = dump(tmp_path, 11, "Ada", "Bob"), dump(tmp_path, 12, "Ada", "Cleo")
    with WikiIndex.create(tmp_path / "index") as index:
        assert index.add_source(open_source(first, name="wiki")).added == 2
        report = index.add_source(open_source(second, name="wiki"))
        assert (report.added, report.changed, report.removed) == (1, 1, 1)
        assert index.info().sources == {"wiki": 2}
        # Without a name each file is a separate source, and one at another path is refused.
        index.add_source(open_source(first))
        assert index.info().sources == {"wiki": 2, "wiki-20261101.xml": 2}
        (tmp_path / "other").mkdir()
        with pytest.raises(InvalidArgumentError, match="name it explicitly"):
            index.add_source(open_source(dump(tmp_path / "other", 11, "Ada")))


def test_what_was_passed_over_is_named_in_the_report(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "a.md").write_text("About rivers.")
    for number in range(12):
        (vault / f"page{number:02}.rst").write_text("x")
    with WikiIndex.create(tmp_path / "index") as index:
        report = index.add_source(open_source(vault))
    assert len(report.as_dict()["passed_over"]) == 12
    summary = report.summary()
    assert "12 pages skipped (12 in reStructuredText, which is not read): " in summary
    assert summary.endswith(" and 2 more")
