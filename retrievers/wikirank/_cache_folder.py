"""The user's cache folder, for pages of live wikis and for calibrations."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_VARIABLE = "WIKIRANK_CACHE"


def user_cache_folder() -> Path:
    """Return the folder in `WIKIRANK_CACHE`, or the system's cache folder for wikirank."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wikirank"
