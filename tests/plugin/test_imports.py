"""Imports go one way, load nothing heavy, and `__all__` is complete."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import langchain_wikirank
import wikirank
import wikirank.errors

ENGINE = Path(wikirank.__file__).parent
HEAVY = ("torch", "sentence_transformers", "transformers")


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a new interpreter has loaded after some code."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_the_package_is_light() -> None:
    modules = loaded_after("import langchain_wikirank")
    assert modules.isdisjoint((*HEAVY, "chromadb", "onnxruntime", "langchain_core"))


def test_the_reranker_needs_no_index() -> None:
    modules = loaded_after("from langchain_wikirank import WikiReranker; WikiReranker()")
    assert modules.isdisjoint((*HEAVY, "chromadb", "tantivy"))


def test_everything_together_loads_no_torch() -> None:
    modules = loaded_after("from langchain_wikirank import *")
    assert "chromadb" in modules
    assert modules.isdisjoint(HEAVY)


def test_searching_loads_no_torch() -> None:
    code = (
        "from langchain_wikirank import WikiRetriever\n"
        "assert WikiRetriever.from_texts(['Frost is frozen dew.']).invoke('What is frost?')"
    )
    assert loaded_after(code).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "file", sorted(ENGINE.rglob("*.py")), ids=lambda f: str(f.relative_to(ENGINE))
)
def test_the_engine_imports_no_langchain(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    imported = [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert not [name for name in imported if name.startswith(("langchain", "langgraph"))]


def test_the_engine_loads_no_langchain() -> None:
    modules = loaded_after("import wikirank.search, wikirank.corpus, wikirank.rank, wikirank.cli")
    assert not [name for name in modules if name.startswith("langchain")]


def test_all_is_complete() -> None:
    package = Path(langchain_wikirank.__file__).parent
    public = set()
    for file in package.glob("[a-z]*.py"):
        if file.stem == "testing":
            continue
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                public.add(node.name)
    internal = {
        "EmbeddingsEmbedder",
        "RerankInput",
        "WikiQuestion",
        "WikiTracingParams",
        "embedder_from",
    }
    names = {name for name in public if not name.startswith("_")} - internal
    errors = {name for name, value in vars(wikirank.errors).items() if isinstance(value, type)}
    assert set(langchain_wikirank.__all__) == names | errors | {"__version__"}
    assert langchain_wikirank.__all__ == sorted(langchain_wikirank.__all__)
    assert set(dir(langchain_wikirank)) >= names
    assert all(getattr(langchain_wikirank, name).__doc__ for name in names)


@pytest.mark.parametrize("package", [langchain_wikirank, wikirank])
def test_an_unknown_name(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="WikiReader"):
        package.WikiReader  # noqa: B018


def test_the_names_of_the_engine() -> None:
    assert wikirank.__all__ == sorted(wikirank.__all__)
    assert set(dir(wikirank)) >= set(wikirank.__all__)
    values = [getattr(wikirank, name) for name in wikirank.__all__]
    assert all(value.__doc__ for value in values)
    assert langchain_wikirank.__version__ == wikirank.__version__


def test_importing_the_engine_is_light() -> None:
    modules = loaded_after("import wikirank; wikirank.WikirankError")
    assert modules.isdisjoint((*HEAVY, "chromadb", "onnxruntime", "numpy", "lxml"))


def test_importing_the_search_loads_no_source() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import sys, wikirank.search; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {name for name in run.stdout.split() if name.partition(".")[0] == "wikirank"}
    assert "wikirank.search.pipeline" in ours
    assert len(ours) < 60
    assert not [name for name in ours if "wikitext" in name or ".sources" in name]
