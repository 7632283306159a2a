"""Model files from the local hub cache, else from the hub, without minutes of retries."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from wikirank.errors import ModelError

_FILES = ["*.json", "*.txt", "*.safetensors"]


def hub_folder(name: str, revision: str | None = None, *, timeout: float = 5.0) -> Path | None:
    """Find a model's files; the network is asked only where the cache has none.

    Args:
        name: The hub id, such as `cross-encoder/ms-marco-MiniLM-L6-v2`.
        revision: A commit, tag or branch; None for the main branch.
        timeout: Seconds to wait for the hub's first answer.

    Returns:
        The folder of the files; None if the cache has none and the hub cannot be reached.

    Raises:
        ModelError: If the name is no hub id, or the hub answered with an error.
    """
    cached = _cached_folder(name, revision)
    if cached is not None or not _hub_answers(timeout):
        return cached
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError) as err:
        where = f" at revision {revision!r}" if revision else ""
        msg = f"the hub answered, but did not give {name!r}{where}: {err}"
        raise ModelError(msg) from err


def _cached_folder(name: str, revision: str | None) -> Path | None:
    try:
        folder = snapshot_download(
            name, revision=revision, allow_patterns=_FILES, local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    except ValueError as err:
        msg = f"expected a model folder or a hub id, got {name!r}: {err}"
        raise ModelError(msg) from err
    return Path(folder) if any(Path(folder).glob("*.safetensors")) else None


def _hub_answers(timeout: float) -> bool:
    """Whether the hub can be reached: one short request, no retries."""
    if constants.HF_HUB_OFFLINE:
        return False
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:  # no name, no route, refused, timed out
        return False
