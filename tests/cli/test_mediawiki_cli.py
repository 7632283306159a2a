"""`wikirank index` on a real MediaWiki, as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import WIKIRANK, run_command
from http_proxy import Proxy, Reply, Request
from index_snapshot import snapshot
from mediawiki_wiki import BOT_PASSWORD, Wiki

from wikirank.corpus import open_source
from wikirank.index import WikiIndex


def run(*arguments: str, status: int = 0, **variables: str) -> tuple[str, str]:
    """Run `wikirank index`; return its standard output and standard error."""
    done = run_command("index", *arguments, status=status, environment=variables)
    return done.stdout, " ".join(done.stderr.split())


def report(*arguments: str, **variables: str) -> dict[str, Any]:
    (found,) = json.loads(run(*arguments, "--json", "--quiet", **variables)[0])
    assert isinstance(found, dict)
    return found


def test_a_wiki_and_what_changed_since(wiki: Wiki, tmp_path: Path) -> None:
    into = ("--into", str(tmp_path / "index"))
    first = report(wiki.url, *into)
    assert (first["source"], first["added"]) == (wiki.host, 4)
    wiki.edit("Tom", "Tom is a tomcat. [[Category:Animals]]")
    assert report(wiki.url, *into, "--since", "last")["changed"] == 1
    titles = tmp_path / "titles.txt"
    titles.write_text("Help:Editing\n\nTom\n", encoding="utf-8")
    some = report(wiki.url, *into, "--titles", f"@{titles}", "--titles", "Ada|Robert")
    assert (some["added"], some["unchanged"], some["removed"]) == (1, 3, 0)
    tree = report(wiki.url, *into, "--category", "People", "--depth", "1")
    assert (tree["source"], tree["added"]) == (f"{wiki.host}/People", 3)


def test_a_private_wiki(wiki: Wiki, tmp_path: Path) -> None:
    wiki.settings("$wgGroupPermissions['*']['read'] = false;")
    user = wiki.add_bot_password()
    arguments = (wiki.url, "--into", str(tmp_path / "index"))
    _, told = run(*arguments, status=1)
    assert "WIKIRANK_MEDIAWIKI_PASSWORD" in told
    secret = {"WIKIRANK_MEDIAWIKI_PASSWORD": "wrong-secret"}
    _, told = run(*arguments, "--user", user, status=1, **secret)
    assert "refuses the login" in told
    assert "wrong-secret" not in told
    both = {"WIKIRANK_MEDIAWIKI_USER": user, "WIKIRANK_MEDIAWIKI_PASSWORD": BOT_PASSWORD}
    assert report(*arguments, **both)["added"] == 4
    files = (file for file in (tmp_path / "index").rglob("*") if file.is_file())
    assert not any(BOT_PASSWORD.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--titles", "Ada"], "Expected no options for sample, got titles too"),
        (
            ["https://wiki.example/api.php", "--titles", "@no-such-file"],
            "Cannot read --titles @no-such-file",
        ),
        (["https://wiki.example/api.php", "--titles", " | "], "Expected titles in --titles"),
        (["https://wiki.example/api.php", "--depth", "2"], "together with a category"),
        (
            ["https://a.example/api.php", "https://b.example/api.php"],
            "Expected one wiki for the password or token, got 2",
        ),
        (["http://wiki.example/api.php"], "--allow-http"),
    ],
)
def test_options_that_do_not_fit(arguments: list[str], message: str, tmp_path: Path) -> None:
    into = tmp_path / "index"
    token = {"WIKIRANK_MEDIAWIKI_TOKEN": "secret-of-0123456789"}
    _, told = run(*arguments, "--into", str(into), status=1, **token)
    assert message in told
    assert "secret-of" not in told
    assert not into.exists()


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(wiki: Wiki, tmp_path: Path) -> None:
    # Passages are short, but so many that some are written before the run is killed.
    sections = "\n".join(f"== Part {part} ==\nIt is about part {part}." for part in range(11))
    wiki.add_pages({f"Town {n:03}": f"Town {n}.\n{sections}" for n in range(150)})
    started: list[subprocess.Popen[bytes]] = []
    reads: list[str] = []

    def kill_at_140(request: Request) -> Reply | None:
        if "pageid" in request.parameters:
            reads.append(request.parameters["pageid"])
            if len(reads) == 140:
                started[0].send_signal(signal.SIGKILL)
        return None

    with Proxy(wiki.url, kill_at_140) as proxy:
        command = [WIKIRANK, "index", proxy.api, "--into", str(tmp_path / "index"), "--quiet"]
        started.append(subprocess.Popen(command))
        assert started[0].wait() == -signal.SIGKILL
        before = len(reads)
        again = report(proxy.api, "--into", str(tmp_path / "index"))
        assert again["unchanged"] >= 80
        assert again["added"] == len(reads) - before == 154 - again["unchanged"]
        with WikiIndex.create(tmp_path / "fresh") as fresh:
            fresh.add_source(open_source(proxy.api))
            with WikiIndex.open(tmp_path / "index") as index:
                assert snapshot(index)["passages"] == snapshot(fresh)["passages"]
