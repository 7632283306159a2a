"""ONNX Runtime sessions, and running many encoded texts through one."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding

from wikirank._util import abandon, renew_after_fork
from wikirank.errors import InvalidArgumentError, MissingExtraError, ModelError
from wikirank.runtime.providers import CUDA, execution_providers, is_cuda
from wikirank.runtime.workers import map_ordered

TOKEN_BUDGET = 1024
_GPU_TOKEN_BUDGET = 16_384
_GPU_BATCH = 64
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_ERRORS_ONLY = 3
# On the CPU these fused kernels are slower than their parts; a pair takes a sixth less without.
_SLOW_FUSIONS = ("SkipLayerNormFusion", "BiasGeluFusion")


class Tokens(NamedTuple):
    """One encoded text, or one encoded pair."""

    ids: Sequence[int]
    type_ids: Sequence[int]

    @classmethod
    def of(cls, encoding: Encoding) -> Tokens:
        """Take the ids from a tokenizer's encoding."""
        return cls(encoding.ids, encoding.type_ids)


Postprocess = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


class Network:
    """An open ONNX network on the CPU or a GPU. Threads may share it; each run uses one thread.

    Args:
        file: The ONNX file.
        outputs: Names of outputs; the first that the network has is used. By default the network's
            first output.
        device: "cpu", "cuda" or "cuda:1"; None for the CPU.

    Raises:
        MissingExtraError: If the installed ONNX Runtime cannot run on the device.
        ModelError: If ONNX Runtime cannot open the file.
    """

    def __init__(
        self, file: Path, *, outputs: Sequence[str] = (), device: str | None = None
    ) -> None:
        self._file = file
        self._device = device
        session = self._open()
        self._session: onnxruntime.InferenceSession | None = session
        self._running_threads: set[int] = set()
        renew_after_fork(self)
        self.inputs = frozenset(node.name for node in session.get_inputs())
        available = [output.name for output in session.get_outputs()]
        self._output = next((name for name in outputs if name in available), available[0])

    def _open(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # ONNX Runtime keeps a memory pattern per input shape: memory would grow with their number.
        options.enable_mem_pattern = False
        device = self._device
        try:
            session = onnxruntime.InferenceSession(
                str(self._file),
                options,
                providers=execution_providers(device),
                disabled_optimizers=[] if is_cuda(device) else list(_SLOW_FUSIONS),
            )
        except MissingExtraError:
            raise
        except Exception as err:
            msg = (
                f"Expected an ONNX network in {self._file}, but ONNX Runtime cannot open it: "
                f"{err}. Restore the file."
            )
            raise ModelError(msg) from err
        if is_cuda(device) and CUDA not in session.get_providers():
            msg = (
                f"Expected ONNX Runtime to start CUDA on {device!r}, but it fell back to the CPU. "
                "Check the GPU's driver, and that CUDA and cuDNN suit this onnxruntime-gpu."
            )
            raise ModelError(msg)
        return session

    def after_fork(self) -> None:
        """Open the network again in the child if a thread was running it during the fork."""
        # Otherwise parent and child share it: a session with one thread per run has no threads.
        if self._running_threads:
            abandon(self._session)
            self._session = None
            self._running_threads = set()

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Run the network once.

        Args:
            arrays: Arrays by input name; unused names are ignored.

        Returns:
            The network's output.

        Raises:
            ModelError: If the run failed or returned a number that is not finite.
        """
        feed = {name: arrays[name] for name in self.inputs}
        session = self._session
        if session is None:  # In a forked child. If two threads open it, the last one stays.
            session = self._session = self._open()
        self._running_threads.add(threading.get_ident())
        try:
            output: NDArray[np.float32] = session.run([self._output], feed)[0]
        except Exception as err:
            shapes = {name: array.shape for name, array in feed.items()}
            msg = f"ONNX Runtime failed on inputs of shape {shapes} with {self._file}: {err}"
            raise ModelError(msg) from err
        finally:
            self._running_threads.discard(threading.get_ident())
        if not np.isfinite(output).all():
            msg = (
                f"Expected finite numbers from {self._file}, got NaN or infinity. "
                "Export the model again."
            )
            raise ModelError(msg)
        return output


class OnnxSession:
    """Runs many texts through a network. Threads may share it.

    Each run uses one thread; many run in parallel. With one text per run (the default) there is no
    padding, and an int8 network returns the same result for a text whatever the other texts are.
    """

    def __init__(
        self,
        file: Path,
        *,
        batch_size: int = 1,
        device: str | None = None,
        outputs: Sequence[str] = (),
        postprocess: Postprocess | None = None,
    ) -> None:
        """Open a network.

        Args:
            file: The ONNX file.
            batch_size: Maximum number of texts per run, 1 or more. A run has fewer if they would
                exceed `TOKEN_BUDGET` tokens, and one if the network takes no attention mask.
            device: "cpu", "cuda" or "cuda:1"; None for the CPU.
            outputs: See `Network`.
            postprocess: Makes one row per text from the output and the mask of a run.

        Raises:
            InvalidArgumentError: If the batch size is not an integer over 0.
            MissingExtraError: If the installed ONNX Runtime cannot run on the device.
            ModelError: If ONNX Runtime cannot open the network, or the network has unsupported
                inputs.
        """
        check_batch_size(batch_size)
        self._network = Network(file, outputs=outputs, device=device)
        if unknown := self._network.inputs - _INPUTS:
            msg = (
                f"Expected a network that takes {', '.join(sorted(_INPUTS))}, got {file}, which "
                f"takes {', '.join(sorted(unknown))} too. Name another model."
            )
            raise ModelError(msg)
        self._postprocess = postprocess
        self._budget = _GPU_TOKEN_BUDGET if is_cuda(device) else TOKEN_BUDGET
        self._batch_size = batch_size if "attention_mask" in self._network.inputs else 1

    def run_texts(self, texts: Iterable[Tokens]) -> NDArray[np.float32]:
        """Run texts through the network on the worker threads.

        Args:
            texts: At least one, each within the model's length. With one text per run they are
                consumed while earlier ones run.

        Returns:
            The network's output, one row per text, in the order of the texts.

        Raises:
            ModelError: If a run failed or returned a number that is not finite.
        """
        if self._batch_size == 1:
            return np.concatenate(list(map_ordered(lambda text: self._run([text]), texts)))
        return self.run_longest_first(list(texts))

    def run_longest_first(self, texts: Sequence[Tokens]) -> NDArray[np.float32]:
        """Run texts like `run_texts`, the longest first so that no core waits long at the end."""
        lengths = [len(text.ids) for text in texts]
        batches = plan_batches(lengths, self._batch_size, self._budget)
        outputs = map_ordered(lambda batch: self._run([texts[i] for i in batch]), batches)
        rows = np.concatenate(list(outputs))
        ordered = np.empty_like(rows)
        ordered[list(chain.from_iterable(batches))] = rows
        return ordered

    def _run(self, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        arrays = pad(batch)
        output = self._network.run(arrays)
        if self._postprocess is None:
            return output
        return self._postprocess(output, arrays["attention_mask"])


def default_batch_size(batch_size: int | None, device: str | None) -> int:
    """Return the batch size; the default is 1 on the CPU and more on a GPU."""
    if batch_size is None:
        return _GPU_BATCH if is_cuda(device) else 1
    return batch_size


def check_batch_size(batch_size: int) -> None:
    """Raise InvalidArgumentError unless a batch size is an integer over 0."""
    if type(batch_size) is not int or batch_size < 1:
        msg = (
            f"Expected batch_size to be an integer over 0, got {batch_size!r}. "
            "Leave it out for the default."
        )
        raise InvalidArgumentError(msg)


def pad(batch: Sequence[Tokens]) -> dict[str, NDArray[np.int64]]:
    """Put texts into arrays, padded at their ends.

    Args:
        batch: At least one text.

    Returns:
        `input_ids`, `attention_mask` and `token_type_ids`, each (texts, tokens of the longest).
    """
    shape = len(batch), max(len(text.ids) for text in batch)
    ids, mask, type_ids = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for row, text in enumerate(batch):
        length = len(text.ids)
        ids[row, :length], type_ids[row, :length] = text.ids, text.type_ids
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": type_ids}


def plan_batches(
    lengths: Sequence[int], batch_size: int, token_budget: int = TOKEN_BUDGET
) -> list[list[int]]:
    """Group texts of similar length, longest first, to keep padding small.

    Args:
        lengths: Lengths of the texts, in tokens.
        batch_size: Maximum number of texts per batch.
        token_budget: Maximum number of tokens per batch, padding included; a longer text is alone
            in its batch.

    Returns:
        Batches of text positions; each position is in one batch.
    """
    batches: list[list[int]] = []
    room = 0
    for position in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if room == 0:
            batches.append([])
            room = min(batch_size, max(1, token_budget // max(1, lengths[position])))
        batches[-1].append(position)
        room -= 1
    return batches


def _leave_at_exit() -> None:
    """End a forked child right after Python's exit, without ONNX Runtime's own exit handlers.

    These wait for threads that only the parent has, and hang or crash.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc only; it passes the exit status to `_exit`.
        libc.on_exit(libc._exit, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_at_exit)
