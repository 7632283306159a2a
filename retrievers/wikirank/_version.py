"""The version, apart from the names of `wikirank`, which stand above all that is in it."""

from __future__ import annotations

__version__ = "0.1.0"
