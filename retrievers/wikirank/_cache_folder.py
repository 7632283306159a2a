"""The folder in which pages of live wikis and calibrations are kept for the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_VARIABLE = "WIKIRANK_CACHE"


def user_cache_folder() -> Path:
    """Where things are kept for the user: the folder `WIKIRANK_CACHE`, or one of the system's."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wikirank"
