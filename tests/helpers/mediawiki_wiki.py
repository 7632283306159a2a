"""A real MediaWiki for tests: Debian's package, SQLite, and PHP's built-in server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest

CODE = Path("/usr/share/mediawiki")
ADMIN, PASSWORD = "Admin", "a-password-for-tests"
BOT_PASSWORD = "0123456789abcdef0123456789abcdef"
_SETTINGS = """
wfLoadExtension( 'Cite' );
wfLoadExtension( 'ParserFunctions' );
$wgJobRunRate = 0;
if ( file_exists( __DIR__ . '/more.php' ) ) {
    require __DIR__ . '/more.php';
}
"""


def skip_without_mediawiki() -> None:
    """Skip the calling test if MediaWiki is not installed."""
    if not (CODE / "maintenance" / "install.php").is_file() or shutil.which("php") is None:
        pytest.skip("needs a MediaWiki: apt-get install mediawiki php-sqlite3 php-cli")


# The installer adds a main page. The two categories contain each other.
WIKI_PAGES = {
    "Template:Unit": "{{{1}}}&nbsp;km<noinclude>Documentation.</noinclude>",
    "Template:Bar": '<div class="navbox">[[Ada]] · [[Bob]]</div>',
    "Ada": (
        "'''Ada''' walked {{Unit|5}}.<ref>A note.</ref> {{#if:x|She liked it.}}\n"
        "== Engine ==\nIt was never [[Bob|built]].\n"
        '{| class="wikitable"\n! Part !! Teeth\n|-\n| Wheel || 40\n|}\n'
        "== Notes ==\n<references/>\n{{Bar}}\n[[Category:People]]"
    ),
    "Bob": "Bob bakes bread.\n* rye\n* wheat\n[[Category:People]]",
    "Robert": "#REDIRECT [[Bob]]",
    "Tom": "Tom is a cat. [[Category:Animals]]",
    "Category:People": "[[Category:Animals]]",
    "Category:Animals": "[[Category:People]]",
    "Help:Editing": "Press edit to change a page.",
    "Loop one": "#REDIRECT [[Loop two]]",
    "Loop two": "#REDIRECT [[Loop one]]",
}


class Wiki:
    """A wiki in a folder, served as a context manager.

    Args:
        folder: Folder of its data and settings.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api.php"
        self.host = f"127.0.0.1:{self.port}"
        self._http = httpx.Client(base_url=self.url, timeout=60)
        self._token = ""

    @classmethod
    def install(cls, folder: Path) -> Wiki:
        """Install a wiki that has only a main page."""
        (folder / "data").mkdir(parents=True)
        wiki = cls(folder)
        options = ["--dbtype=sqlite", f"--dbpath={folder / 'data'}", f"--server={wiki.url}"]
        options += [f"--confpath={folder}", "--scriptpath=", f"--pass={PASSWORD}"]
        wiki._php("install.php", *options, "Test Wiki", ADMIN)
        with (folder / "LocalSettings.php").open("a", encoding="utf-8") as file:
            file.write(_SETTINGS)
        return wiki

    def copy(self, folder: Path) -> Wiki:
        """Return a second wiki with the same pages."""
        shutil.copytree(self.folder, folder)
        wiki = Wiki(folder)
        settings = folder / "LocalSettings.php"
        text = settings.read_text(encoding="utf-8")
        text = text.replace(self.url, wiki.url).replace(str(self.folder), str(folder))
        settings.write_text(text, encoding="utf-8")
        return wiki

    def use_current_address(self) -> Wiki:
        """Set the configured address to the one that the wiki is served at."""
        settings = self.folder / "LocalSettings.php"
        text = settings.read_text(encoding="utf-8")
        server = f'$wgServer = "{self.url}";'
        text = re.sub(r"^\$wgServer = .*;$", server, text, flags=re.M)
        settings.write_text(text, encoding="utf-8")
        return self

    def settings(self, php: str) -> None:
        """Replace the additional settings, from the next request on."""
        (self.folder / "more.php").write_text(f"<?php\n{php}\n", encoding="utf-8")

    def __enter__(self) -> Wiki:
        command = ["php", "-d", "opcache.revalidate_freq=0", "-S", self.host, "-t", str(CODE)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment()
            )
        while not _answers(self.port):
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._http.close()

    def stop(self) -> None:
        """Stop serving, as if the machine went down."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def edit(self, title: str, text: str) -> None:
        self._change(action="edit", title=title, text=text)

    def move(self, old: str, new: str, *, redirect: bool = True) -> None:
        options = {} if redirect else {"noredirect": "1"}
        self._change(action="move", **{"from": old}, to=new, **options)

    def delete(self, title: str) -> None:
        self._change(action="delete", title=title)

    def undelete(self, title: str) -> None:
        self._change(action="undelete", title=title)

    def add_pages(self, pages: Mapping[str, str]) -> None:
        """Import many pages, which is faster than editing each."""
        entries = (
            f"<page><title>{escape(title)}</title><revision><timestamp>2026-01-01T00:00:00Z"
            f"</timestamp><contributor><username>{ADMIN}</username></contributor>"
            f"<text>{escape(text)}</text></revision></page>"
            for title, text in pages.items()
        )
        dump = self.folder / "pages.xml"
        dump.write_text(f"<mediawiki>{''.join(entries)}</mediawiki>", encoding="utf-8")
        self._php("importDump.php", "--no-updates", str(dump))

    def index_texts(self) -> None:
        """Index pages that `add_pages` wrote for the wiki's own search."""
        self._php("rebuildtextindex.php")
        (database,) = (self.folder / "data").glob("my_wiki.sqlite")
        with closing(sqlite3.connect(database)) as connection, connection:
            # Without this, an index written page by page takes a minute for a query of ten words.
            connection.execute("INSERT INTO searchindex(searchindex) VALUES ('optimize')")

    def requests(self) -> int:
        """Return the number of API requests in the server's log."""
        return (self.folder / "server.log").read_text(encoding="utf-8").count("/api.php")

    def run_jobs(self) -> None:
        """Run deferred jobs, such as updating pages whose templates changed."""
        self._php("runJobs.php")

    def add_bot_password(self) -> str:
        """Add a bot password with read access; return the name to log in with."""
        options = ["--appid", "indexing", "--grants", "basic"]
        self._php("createBotPassword.php", *options, ADMIN, BOT_PASSWORD)
        return f"{ADMIN}@indexing"

    def _change(self, **parameters: str) -> None:
        if not self._token:
            token = self._call(action="query", meta="tokens", type="login")
            self._call(
                action="login",
                lgname=ADMIN,
                lgpassword=PASSWORD,
                lgtoken=token["query"]["tokens"]["logintoken"],
            )
            self._token = self._call(action="query", meta="tokens")["query"]["tokens"]["csrftoken"]
        self._call(**parameters, token=self._token)

    def _call(self, **parameters: str) -> dict[str, Any]:
        form = {**parameters, "format": "json", "formatversion": "2"}
        answer: dict[str, Any] = self._http.post("/api.php", data=form).raise_for_status().json()
        assert "error" not in answer, answer["error"]
        return answer

    def _php(self, script: str, *arguments: str) -> None:
        command = ["php", str(CODE / "maintenance" / script), *arguments]
        # The installer refuses to run if it finds existing settings.
        environment = None if script == "install.php" else self._environment()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "MW_CONFIG_FILE": str(self.folder / "LocalSettings.php")}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
