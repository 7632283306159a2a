"""Where the tests' data lie."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TINY_WIKI = TESTS / "data" / "tiny-wiki.jsonl"
EXAMPLES = TESTS.parent / "examples"
SHARED = TESTS.parents[1] / "shared" / "data"
"""Larger data that a checkout may have beside it; tests that need them skip without."""
