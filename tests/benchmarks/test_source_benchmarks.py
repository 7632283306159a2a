"""The parts of the benchmarks of sources, by values worked out by hand."""

from __future__ import annotations

import bz2
import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import source_corpora
import sources
import wiki_text
from contestants.processes import ContestantError
from contestants.source_loaders import decompressed
from contestants.source_readers import OURS, load
from machine import TreePeak
from source_kinds import KINDS
from wiki_leftovers import (
    LEFTOVERS,
    extract_sentences,
    kept,
    leftovers,
    plain_sentences,
    words,
)

from wikirank.corpus import open_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A plain sentence (with brackets), a < b and c > d; AT&T, f(x, y).", {}),
        ("{{cite}} and }}", {"template `{{ }}`": 3}),
        ("[[a]] [b]", {"link `[[ ]]`": 2}),
        ("[http://a.b c] [//d.e] [1]", {"`[http…]`": 2}),
        ("x<ref name=a/> y<ref>z</ref> <references />", {"reference": 4}),
        ('{| class="wikitable"\n|-\n| a || b\n|}', {"table": 4}),
        ('a rowspan=2| b\n| style="x" | c', {"table": 2}),
        ("<br/> <div class=x>a</div> <!-- b --> 1 < 2 <3>", {"other tag": 5}),
        ("a&nbsp;b &#160; &#xA0; AT&T; R&D", {"entity": 3}),
        ("'''bold''' ''i'' it's", {"`''`": 4}),
        ("Ada () was (; born 1815) or ( , ) (née; ) (a)", {"hole `( ; )`": 4}),
        ("- , vol. 2\n- – a\n.\n; b\n– c\n.NET\n... b\n- -5\nand .", {"hole `( ; )`": 4}),
        ("File:a.png\nthumb|right|a\n250px|x Category:People", {"file, category": 4}),
        ("See the profile: good. Category: a kind.", {}),
    ],
)
def test_leftovers_by_hand(text: str, expected: dict[str, int]) -> None:
    assert +leftovers(text) == Counter(expected)


LONG = "This sentence has no markup at all and is more than fifty characters long."


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        (LONG, [LONG]),
        (f"{LONG} {LONG.replace('This', 'That')}", [LONG, LONG.replace("This", "That")]),
        (f"{{{{quote|{LONG}}}}}", []),
        (f"[[File:a.png|thumb|{LONG}]]\n{LONG}", [LONG]),
        (f"{{|\n|-\n| {LONG}\n|}}\n{LONG}", [LONG]),
        (f"<ref>{LONG}</ref> <!-- {LONG} --> <nowiki>{LONG}</nowiki>", []),
        (LONG.replace("markup", "[[markup]]"), []),
        (LONG.replace("no", "''no''"), []),
        ("Too short.", []),
        (f"{{{{open|{LONG}", []),
    ],
)
def test_plain_sentences_by_hand(wikitext: str, expected: list[str]) -> None:
    assert plain_sentences(wikitext) == expected


def test_sentences_kept_by_hand() -> None:
    assert kept(["A b.", "C d.", "E f."], "x A\n  b. C d!") == 1
    assert words("An “Engine”, built_in 1843!") == " an engine built in 1843 "
    long = "The analytical engine weaves algebraical patterns."
    assert extract_sentences(f"{long} Short one.\n== Heading that is as long as a sentence ==") == [
        " the analytical engine weaves algebraical patterns "
    ]


def test_text_table_by_hand() -> None:
    ours, other = wiki_text.Quality(), wiki_text.Quality()
    gone = wiki_text.Quality(failure="not installed: `pip install x`")
    for _ in range(2):
        ours.add("A b. C d.", ["A b.", "C d."], [" a b ", " c d ", " z "])
        other.add("A b. {{c}} C", ["A b.", "C d."], [" a b ", " c d ", " z "])
    found = {"wikirank": ours, "mwdump": other, "wikiextractor": gone}
    lines = wiki_text.table(found).splitlines()
    # Both plain sentences, or one of them; of the extract's, no tool has " z ".
    assert lines[2].startswith("| 0 | `wikirank` | 0 |")
    assert lines[2].endswith("| 1.0000 | 1.0000 |")
    assert lines[3].startswith("| 2000 | `MWDumpLoader` (mwparserfromhell's `strip_code`) | 2000 |")
    assert lines[3].endswith("| 0.5000 | 0.5000 |")
    assert lines[4].startswith("| – | `wikiextractor` | not installed: `pip install x` | – |")
    assert len({line.count(" | ") for line in lines[:5]}) == 1
    assert lines[6].startswith("2 articles. Plain sentences are the 4 in")
    assert wiki_text.shared_titles({"a": {"x": "", "y": ""}, "b": {"y": ""}}) == ["y"]


def test_a_dump_in_utf16_becomes_plain(tmp_path: Path) -> None:
    packed = tmp_path / "a.xml.bz2"
    packed.write_bytes(
        bz2.compress(
            "<?xml version='1.0' encoding='utf-16'?>\n<mediawiki x='é'></mediawiki>".encode(
                "utf-16"
            )
        )
    )
    plain = wiki_text.plain_dump(tmp_path, packed, "utf-16")
    head, root, *site = plain.read_text("utf-8").splitlines()
    assert head == "<?xml version='1.0' encoding='utf-8'?>"
    assert root == "<mediawiki x='é'>"
    assert site[0] == "<siteinfo>"
    assert site[-1] == "</siteinfo></mediawiki>"


def test_source_table_by_hand() -> None:
    ours = sources.Measured([1.0, 2.0, 9.0], 20, 100, [80, 90], 2.0, 10, 50, 200.4)
    today = sources.Measured([8.0], 20, 80, [150, 300], 5.0, 10, 60, 300)
    gone = sources.Measured(failure="not installed: `pip install jq`")
    measured = {"jsonl": {OURS: ours, "jq": today, "loop": gone}, "xml": {OURS: ours}}
    lines = sources.table(measured).splitlines()
    # Read: 20 / 2 = 10 and 20 / 8 = 2.5 articles a second; indexed: 5 and 2.
    assert lines[2] == (
        "| 4.00 | JSON lines | `wikirank` | 10 | 50 | 80 / 90 | 2.50 | 5 | 25 | 200 |"
    )
    assert lines[3].startswith("| 1.00 | JSON lines | `JSONLoader`,")
    assert lines[3].endswith("| 2.5 | 10 | 150 / 300 | 1.00 | 2 | 12 | 300 |")
    assert " | not installed: `pip install jq` | – |" in lines[4]
    assert lines[5].startswith("| – | dump, `.xml` | `wikirank` | 10 |")
    assert len({line.count(" | ") for line in lines}) == 1


def test_what_is_said_of_a_reader_that_failed() -> None:
    reader = KINDS["jsonl"].peers["jq"]
    missing = ContestantError("Traceback\n  x\nModuleNotFoundError: No module named 'jq'\n")
    assert sources.failure_text(missing, reader).startswith("not installed: `pip install langchain")
    assert sources.failure_text(missing, reader).endswith(" jq`")
    broken = ContestantError("Traceback\nValueError: no")
    assert sources.failure_text(broken, reader) == "failed: ValueError: no"


def page(title: str, text: str) -> str:
    head = f"  <page>\n    <title>{title}</title>\n    <ns>0</ns>\n    <id>1</id>\n"
    return f"{head}<revision><id>2</id><text>{text}</text></revision>\n  </page>\n"


REDIRECT = page("R", "#REDIRECT [[A]]").replace("<ns>", '<redirect title="A" /><ns>')
EXPORT = (
    f"<mediawiki>\n  <siteinfo></siteinfo>\n{REDIRECT}{page('A', 'a')}{page('B', 'b')}</mediawiki>"
)


def test_a_dump_is_made_of_another_ones_pages(tmp_path: Path) -> None:
    head, pages, end = source_corpora.dump_streams(EXPORT, 3)
    assert head == b"<mediawiki>\n  <siteinfo></siteinfo>\n"
    titles = re.findall("<title>(.*?)</title>", pages.decode())
    assert titles == ["R", "A", "B", "R (2)", "A (2)"]
    assert end == b"</mediawiki>\n"
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(b"".join(map(bz2.compress, (head, pages, end))))
    assert [article.title for article in open_source(path)] == ["A", "B", "A (2)"]
    with decompressed(path) as plain:
        assert Path(plain).read_bytes() == head + pages + end
    assert not Path(plain).exists()


def test_many_articles_are_several_streams() -> None:
    assert len(source_corpora.dump_streams(EXPORT, 200)) == 1 + 3 + 1  # 300 pages


def test_items_come_again_under_other_titles() -> None:
    endless = source_corpora.numbered(["a", "b"], lambda item, more: item + more)
    assert list(islice(endless, 5)) == ["a", "b", "a (2)", "b (2)", "a (3)"]


RECORD = {"title": 'A "b"', "url": "https://x.org/A", "text": "Lead.\n\n== H ==\nx\n=== I ===\ny"}


def test_a_record_as_markdown_reads_as_before(tmp_path: Path) -> None:
    markdown = source_corpora.markdown_page(RECORD)
    assert markdown == (
        '---\ntitle: "A \\"b\\""\nurl: "https://x.org/A"\n---\n\n'
        '# A "b"\n\nLead.\n\n## H\nx\n### I\ny\n'
    )
    (tmp_path / "a.md").write_text(markdown, "utf-8")
    (article,) = open_source(tmp_path)
    assert (article.title, article.url) == (RECORD["title"], RECORD["url"])
    assert article.text.split() == RECORD["text"].split()


def test_ours_reads_and_counts(tmp_path: Path) -> None:
    (tmp_path / "dump.xml").write_text(EXPORT, "utf-8")
    answer = load(OURS, "", [])
    assert answer({"path": str(tmp_path / "dump.xml")}) == {"articles": 2, "passages": 2}


def test_each_kind_has_a_file_of_its_own_and_a_peer() -> None:
    assert len({kind.file for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.peers and OURS in kind.readers for kind in KINDS.values())
    assert all(reader.needs for kind in KINDS.values() for reader in kind.peers.values())
    assert all(re.compile(pattern) for pattern in LEFTOVERS.values())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_process_started_counts_to_its_memory() -> None:
    held = "held = bytearray(b'x') * (60 * 2**20)"
    inner = f"{held}; print(flush=True); input()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    command = [sys.executable, "-c", outer]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with TreePeak(process.pid) as peak:
            for _ in range(200):
                if peak.mb:
                    break
                peak._ended.wait(0.05)
        process.communicate(b"\n")
    assert 60 < peak.mb < 150
