"""README and docs: their Python runs and prints what they say, their commands and links exist."""

from __future__ import annotations

import ast
import inspect
import itertools
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import regex
import typer.main
from langchain_chroma import Chroma
from langchain_core.messages import AIMessage
from locations import TESTS
from markdown_blocks import Block, blocks_of
from scripted import ScriptedChatModel

from langchain_wikirank import WikiEmbeddings
from langchain_wikirank.cli import app
from wikirank import WikiIndex, open_source

ROOT = TESTS.parent
PAGES = [
    ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
] + sorted((ROOT / "docs").glob("*.md"))
NOTES = {
    "deploying.md": "# Deploying\n\n## Rollback\n\nTo undo a release, run `ship back`. It takes "
    "two minutes and keeps the database as it is.\n\n## Windows\n\nReleases go out on Tuesdays.\n",
    "coffee.md": "# Coffee machine\n\nIt is descaled on the first Friday of the month.\n",
}
# Only the imports of these pages run, because the rest trains for minutes; tests/train covers it.
TRAINING = {"train.md"}
ANSWER = "Run `ship back` [1]."
# Printed relevance scores, which differ slightly between processors.
_SCORE = regex.compile(r"\b[01]\.\d+\b")
_LINK = regex.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = regex.compile(r"^#+ (.+)$", regex.M)


def python_pages() -> list[Path]:
    return [page for page in PAGES if any(one.language == "python" for one in blocks_of(page))]


def pretend_model(*_: Any, **__: Any) -> ScriptedChatModel:
    """Return a chat model that always gives the same answer."""
    return ScriptedChatModel(messages=itertools.repeat(AIMessage(ANSWER)))


def no_network(*_: Any) -> None:
    pytest.fail("A page of the docs went to the network.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what the pages assume: notes, an index of them, a Chroma store."""
    folder = tmp_path_factory.mktemp("docs")
    notes = folder / "my-notes"
    notes.mkdir()
    for name, text in NOTES.items():
        (notes / name).write_text(text, "utf-8")
    with WikiIndex.create(folder / "my-index") as index:
        index.add_source(open_source(str(notes)))
    store = Chroma("notes", WikiEmbeddings(), persist_directory=str(folder / "my-chroma"))
    store.add_texts(list(NOTES.values()), [{"title": name} for name in NOTES])
    return folder


@pytest.fixture
def reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment of a reader in that folder: a scripted chat model, no network."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("langchain.chat_models.init_chat_model", pretend_model)
    monkeypatch.setattr("langchain.agents.factory.init_chat_model", pretend_model)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("page", python_pages(), ids=lambda page: page.name)
async def test_python_runs_and_prints_what_it_says(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"__name__": "docs"}
    for block in blocks_of(page):
        if block.language != "python":
            continue
        await run(block, page, names)
        printed = capsys.readouterr().out
        if block.prints is not None:
            assert _SCORE.sub("#", printed) == _SCORE.sub("#", block.prints)
            expected = [float(score) for score in _SCORE.findall(block.prints)]
            scores = [float(score) for score in _SCORE.findall(printed)]
            assert scores == pytest.approx(expected, abs=0.25)


async def run(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Run a block like a notebook cell, which may use `await` at the top level."""
    lines = "\n" * (block.line - 1) + block.text
    tree = ast.parse(lines, str(page))
    if page.name in TRAINING:
        tree.body = [one for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom))]
    code = compile(tree, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    commands = typer.main.get_command(app).commands
    for words in commands_of(page):
        command = commands[words[1]]
        options = {name for option in command.params for name in option.opts}
        given = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
        assert given <= options | {"--help"}, words


def commands_of(page: Path) -> Iterator[list[str]]:
    """Return the words of each `wikirank ...` command in a page's shell blocks."""
    for block in blocks_of(page):
        if block.language != "sh":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            for part in line.split("|"):
                words = shlex.split(part, comments=True)
                while words and "=" in words[0]:
                    words.pop(0)
                if words[:1] == ["wikirank"]:
                    yield words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in _LINK.findall(page.read_text("utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors_of(target), f"{path}#{anchor}"


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub derives from headings."""
    headings = _HEADING.findall(page.read_text("utf-8"))
    return {regex.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 900


def test_blocks_are_found() -> None:
    assert len(blocks_of(ROOT / "README.md")) >= 6
