"""Write the files that MCP clients and registries install from: `server.json` and a bundle.

Usage: python scripts/mcp_bundle.py            # writes dist/wikirank-VERSION.mcpb
       python scripts/mcp_bundle.py --check    # only compares server.json with the package

The bundle contains a manifest and a short `pyproject.toml`; the client's uv installs the package.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "retrievers"), str(ROOT / "plugin")]

import wikirank  # noqa: E402

NAME = "io.github.langchain-wikirank/wikirank"
DESCRIPTION = "Search, read and cite a wiki that you indexed: reranked passages with scores."
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
TOOLS = {
    "wiki_search": "Passages that answer a question, best first, to cite by number.",
    "wiki_read": "A page of the wiki, or a section of it.",
    "wiki_find": "Where a phrase or regular expression stands.",
    "wiki_list": "Titles of the wiki's pages.",
}
_LAUNCHER = '''"""Starts the server on the index that the user chose."""

import os
import sys

from langchain_wikirank.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["mcp", "--index", os.environ["WIKIRANK_INDEX"]]
    main()
'''


def server_json(version: str) -> dict[str, Any]:
    """Return the MCP registry entry."""
    index = {
        "type": "named",
        "name": "--index",
        "description": "Folder of the index, made by `wikirank index`.",
        "format": "filepath",
        "isRequired": True,
    }
    return {
        "$schema": SCHEMA,
        "name": NAME,
        "title": "wikirank",
        "description": DESCRIPTION,
        "version": version,
        "packages": [
            {
                "registryType": "pypi",
                "registryBaseUrl": "https://pypi.org",
                "identifier": "langchain-wikirank",
                "version": version,
                "runtimeHint": "uvx",
                "runtimeArguments": [
                    {
                        "type": "named",
                        "name": "--with",
                        "value": f"langchain-wikirank[mcp]=={version}",
                    }
                ],
                "packageArguments": [{"type": "positional", "value": "mcp"}, index],
                "transport": {"type": "stdio"},
            }
        ],
    }


def manifest(version: str) -> dict[str, Any]:
    """Return the bundle's manifest."""
    return {
        "manifest_version": "0.4",
        "name": "wikirank",
        "display_name": "wikirank",
        "version": version,
        "description": DESCRIPTION,
        "author": {"name": "The langchain-wikirank authors"},
        "license": "MIT AND Apache-2.0",
        "server": {
            "type": "uv",
            "entry_point": "server/main.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "server/main.py"],
                "env": {"WIKIRANK_INDEX": "${user_config.index}"},
            },
        },
        "tools": [{"name": name, "description": text} for name, text in TOOLS.items()],
        "prompts_generated": True,
        "user_config": {
            "index": {
                "type": "directory",
                "title": "Index",
                "description": "Folder that `wikirank index` has written.",
                "required": True,
            }
        },
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": ">=3.10"},
        },
    }


def write_bundle(version: str, folder: Path) -> Path:
    """Write the bundle into a folder and return its path."""
    project = (
        f'[project]\nname = "wikirank-bundle"\nversion = "{version}"\n'
        f'requires-python = ">=3.10"\ndependencies = ["langchain-wikirank[mcp]=={version}"]\n'
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"wikirank-{version}.mcpb"
    with ZipFile(file, "w", ZIP_DEFLATED) as bundle:
        bundle.writestr("manifest.json", _json(manifest(version)))
        bundle.writestr("pyproject.toml", project)
        bundle.writestr("server/main.py", _LAUNCHER)
    return file


def main() -> None:
    """Write both files, or compare the committed `server.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    entry = _json(server_json(wikirank.__version__))
    committed = ROOT / "server.json"
    if arguments.check:
        if committed.read_text("utf-8") != entry:
            sys.exit(
                "server.json differs from the output of scripts/mcp_bundle.py. Run the script."
            )
        return
    committed.write_text(entry, "utf-8")
    print(write_bundle(wikirank.__version__, arguments.output))  # noqa: T201


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
