"""Get model files from the local hub cache or the hub, without minutes of retries."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from wikirank.errors import ModelError
from wikirank.runtime.networks import best_network, network_in

_FILES = ["*.json", "*.txt", "*.safetensors"]


def hub_folder(name: str, revision: str | None = None, *, timeout: float = 5.0) -> Path | None:
    """Find a model's files in the cache; if there are none, download them.

    Args:
        name: The hub id, such as `cross-encoder/ms-marco-MiniLM-L6-v2`.
        revision: A commit, tag or branch; None for the main branch.
        timeout: Seconds to wait for the hub's first answer.

    Returns:
        The folder of the files; None if they are not cached and the hub cannot be reached.

    Raises:
        ModelError: If the name is not a hub id, or the hub answered with an error.
    """
    cached = _cached_folder(name, revision)
    if cached is not None or not _hub_answers(timeout):
        return cached
    with _hub_failures(name, revision):
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))


def hub_onnx_folder(
    name: str, revision: str | None = None, *, on_gpu: bool = False, timeout: float = 5.0
) -> Path | None:
    """Find a model's ONNX file and settings in the cache; if there are none, download only these.

    Args:
        name: The hub id.
        revision: A commit, tag or branch; None for the main branch.
        on_gpu: Whether a GPU will run the network.
        timeout: Seconds to wait for the hub's first answer.

    Returns:
        The folder of the files; None if the model has no ONNX file, or only its torch weights are
        cached.

    Raises:
        ModelError: If the name is not a hub id, the hub answered with an error, or the model is
            not cached and the hub cannot be reached.
    """
    cached = _snapshot(name, revision)
    if cached is not None and network_in(cached, on_gpu=on_gpu) is not None:
        return cached
    if cached is not None and any(cached.glob("*.safetensors")):
        return None
    if not _hub_answers(timeout):
        if cached is None:
            raise ModelError(unreachable(name, revision))
        return None
    with _hub_failures(name, revision):
        files = HfApi().list_repo_files(name, revision=revision)
        network = best_network(files, on_gpu=on_gpu)
        if network is None:
            return None
        # Networks over 2 GB keep their weights in a separate file.
        patterns = ["*.json", "*.txt", network, f"{network}_data", f"{network}.data"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))


def unreachable(name: str, revision: str | None) -> str:
    """Return the error message for a model that is neither local nor reachable."""
    command = f"hf download {name}" + (f" --revision {revision}" if revision else "")
    return (
        f"Expected a folder or a hub id as model, got {name!r}. There is no such folder, it is not "
        f"in the local hub cache, and the hub does not answer. Download it first (`{command}`) or "
        "pass its local folder."
    )


@contextmanager
def _hub_failures(name: str, revision: str | None) -> Iterator[None]:
    try:
        yield
    except (HfHubHTTPError, LocalEntryNotFoundError) as err:
        where = f" at revision {revision!r}" if revision else ""
        msg = (
            f"Expected the hub to send {name!r}{where}, got an error: {err}. "
            "Check the name and the revision."
        )
        raise ModelError(msg) from err


def _cached_folder(name: str, revision: str | None) -> Path | None:
    folder = _snapshot(name, revision)
    return folder if folder is not None and any(folder.glob("*.safetensors")) else None


def _snapshot(name: str, revision: str | None) -> Path | None:
    """Return the folder of a model's cached files; None if nothing is cached."""
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except ValueError as err:
        msg = f"Expected a model folder or a hub id, got {name!r}: {err}. Check the name."
        raise ModelError(msg) from err


def _hub_answers(timeout: float) -> bool:
    """Return whether the hub can be reached, with one short request and no retries."""
    if constants.HF_HUB_OFFLINE:
        return False
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:  # Name not found, no route, refused, timed out.
        return False
