"""Model files from the local hub cache, else from the hub, without minutes of retries."""

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
    with _hub_failures(name, revision):
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))


def hub_onnx_folder(
    name: str, revision: str | None = None, *, on_gpu: bool = False, timeout: float = 5.0
) -> Path | None:
    """Find the files of a model that has an ONNX network, which alone of its weights is fetched.

    Args:
        name: The hub id.
        revision: A commit, tag or branch; None for the main branch.
        on_gpu: Whether a GPU is to run it.
        timeout: Seconds to wait for the hub's first answer.

    Returns:
        The folder of the files; None if the model has no ONNX network, or its weights for torch
        are in the cache already.

    Raises:
        ModelError: If the name is no hub id, the hub answered with an error, or neither cache nor
            hub has anything.
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
        # Networks over 2 GB keep their weights in a file of their own beside them.
        patterns = ["*.json", "*.txt", network, f"{network}_data", f"{network}.data"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))


def unreachable(name: str, revision: str | None) -> str:
    """What to say of a model that is nowhere to be found."""
    command = f"hf download {name}" + (f" --revision {revision}" if revision else "")
    return (
        f"Expected a folder or a hub id as model, got {name!r}: no such folder, not in the "
        f"local hub cache, and the hub does not answer. Download it beforehand (`{command}`) or "
        "pass its local folder."
    )


@contextmanager
def _hub_failures(name: str, revision: str | None) -> Iterator[None]:
    try:
        yield
    except (HfHubHTTPError, LocalEntryNotFoundError) as err:
        where = f" at revision {revision!r}" if revision else ""
        msg = f"the hub answered, but did not give {name!r}{where}: {err}"
        raise ModelError(msg) from err


def _cached_folder(name: str, revision: str | None) -> Path | None:
    folder = _snapshot(name, revision)
    return folder if folder is not None and any(folder.glob("*.safetensors")) else None


def _snapshot(name: str, revision: str | None) -> Path | None:
    """The folder of what the cache has of a model; None if it has nothing."""
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except ValueError as err:
        msg = f"expected a model folder or a hub id, got {name!r}: {err}"
        raise ModelError(msg) from err


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
