"""A small wiki in several versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def articles(version: int) -> list[dict[str, Any]]:
    """Return version 1, 2 or 3 of a wiki: articles change, are added and are removed."""
    texts = {
        1: {"A": "Apples are red.", "B": "Bees fly.\n== Wax ==\nBees make wax.", "C": "Cats purr."},
        2: {"A": "Apples are green.", "B": "Bees fly.\n== Honey ==\nHoney is sweet."},
        3: {"A": "Apples are red.", "B": "Bees fly.", "D": "Dogs bark."},
    }
    return [{"title": title, "text": text} for title, text in texts[version].items()]


def write(path: Path, version: int) -> Path:
    lines = (json.dumps(article) for article in articles(version))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
