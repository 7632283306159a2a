"""Paths of the test data."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TINY_WIKI = TESTS / "data" / "tiny-wiki.jsonl"
EXAMPLES = TESTS.parent / "examples"
SHARED = TESTS.parents[1] / "shared" / "data"
"""Optional larger data beside the checkout; tests that need it are skipped without it."""
