"""The command `wikirank`, run as a user does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WIKIRANK = str(Path(sys.executable).with_name("wikirank"))


def run(*arguments: str, status: int = 0, given: str | None = None) -> str:
    """Run a command; standard output if it succeeds, standard error if it is to fail."""
    done = subprocess.run(
        [WIKIRANK, *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split()) if status else done.stdout
