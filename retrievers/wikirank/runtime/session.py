"""ONNX Runtime sessions, and how many encoded texts are run through one."""

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
# On the CPU their fused kernels are slower than the parts: without them a pair takes a sixth less.
_SLOW_FUSIONS = ("SkipLayerNormFusion", "BiasGeluFusion")


class Tokens(NamedTuple):
    """One text, or one pair, as the network reads it."""

    ids: Sequence[int]
    type_ids: Sequence[int]

    @classmethod
    def of(cls, encoding: Encoding) -> Tokens:
        """Take what the network reads out of a tokenizer's encoding."""
        return cls(encoding.ids, encoding.type_ids)


Finish = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


class Network:
    """One ONNX network opened for the CPU or a GPU; threads may share it, each run uses one thread.

    Args:
        file: The network.
        outputs: Names of outputs, of which the first that it has is wanted; by default whatever
            comes first.
        device: "cpu", "cuda" or "cuda:1"; None is the CPU.

    Raises:
        MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
        ModelError: If ONNX Runtime cannot open it.
    """

    def __init__(
        self, file: Path, *, outputs: Sequence[str] = (), device: str | None = None
    ) -> None:
        self._file = file
        self._device = device
        session = self._open()
        self._session: onnxruntime.InferenceSession | None = session
        self._running: set[int] = set()  # the threads that are
        renew_after_fork(self)
        self.inputs = frozenset(node.name for node in session.get_inputs())
        has = [output.name for output in session.get_outputs()]
        self._output = next((name for name in outputs if name in has), has[0])

    def _open(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # A memory pattern is kept for every input shape met: memory would grow with their number.
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
            msg = f"Expected an ONNX network in {self._file}; ONNX Runtime cannot open it: {err}"
            raise ModelError(msg) from err
        if is_cuda(device) and CUDA not in session.get_providers():
            msg = (
                f"Expected ONNX Runtime to start CUDA on {device!r}; it fell back to the CPU. "
                "Check the GPU's driver and that CUDA and cuDNN are those of this onnxruntime-gpu."
            )
            raise ModelError(msg)
        return session

    def after_fork(self) -> None:
        """Open the network again, if a thread was running it as the process was forked."""
        # Else child and parent share it: with one thread a run it has none of its own.
        if self._running:
            abandon(self._session)
            self._session = None
            self._running = set()

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Run the network once.

        Args:
            arrays: By name, at least what it takes.

        Returns:
            Its output.

        Raises:
            ModelError: If the run failed, or gave something that is not a finite number.
        """
        feed = {name: arrays[name] for name in self.inputs}
        session = self._session
        if session is None:  # In a forked child; should two threads open it, one stays.
            session = self._session = self._open()
        self._running.add(threading.get_ident())
        try:
            output: NDArray[np.float32] = session.run([self._output], feed)[0]
        except Exception as err:
            shapes = {name: array.shape for name, array in feed.items()}
            msg = f"ONNX Runtime failed on inputs of shape {shapes} with {self._file}: {err}"
            raise ModelError(msg) from err
        finally:
            self._running.discard(threading.get_ident())
        if not np.isfinite(output).all():
            msg = f"Expected finite numbers from {self._file}, got NaN or infinity; re-export it."
            raise ModelError(msg)
        return output


class OnnxSession:
    """A network and how texts are run through it; threads may share it.

    Each run uses one thread and many runs go on side by side. With one text a run (the default)
    there is no padding, and an int8 network gives a text the same result whatever comes with it.
    """

    def __init__(
        self,
        file: Path,
        *,
        batch_size: int = 1,
        device: str | None = None,
        outputs: Sequence[str] = (),
        finish: Finish | None = None,
    ) -> None:
        """Open a network.

        Args:
            file: The network.
            batch_size: Texts a run, 1 or more; fewer where they exceed `TOKEN_BUDGET` tokens, and
                one where the network takes no mask to tell padding by.
            device: "cpu", "cuda" or "cuda:1"; None is the CPU.
            outputs: Names of outputs, as of `Network`.
            finish: What makes a row a text of the output and the mask of a run.

        Raises:
            InvalidArgumentError: If the batch size is not a whole number over 0.
            MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
            ModelError: If ONNX Runtime cannot open the network, or it takes what is not known here.
        """
        check_batch_size(batch_size)
        self._network = Network(file, outputs=outputs, device=device)
        if unknown := self._network.inputs - _INPUTS:
            msg = (
                f"Expected a network that takes {', '.join(sorted(_INPUTS))}, got {file}, which "
                f"takes {', '.join(sorted(unknown))} too. Name a model of another export."
            )
            raise ModelError(msg)
        self._finish = finish
        self._budget = _GPU_TOKEN_BUDGET if is_cuda(device) else TOKEN_BUDGET
        self._batch_size = batch_size if "attention_mask" in self._network.inputs else 1

    def run_texts(self, texts: Iterable[Tokens]) -> NDArray[np.float32]:
        """Run texts through the network, spread over the worker threads.

        Args:
            texts: At least one, each within the model's length; with one text a run they are taken
                while others are being run.

        Returns:
            The network's output, a row for each text, in their order.

        Raises:
            ModelError: If a run failed, or gave something that is not a finite number.
        """
        if self._batch_size == 1:
            return np.concatenate(list(map_ordered(lambda text: self._run([text]), texts)))
        return self.run_longest_first(list(texts))

    def run_longest_first(self, texts: Sequence[Tokens]) -> NDArray[np.float32]:
        """Run texts as `run_texts` does, so that what is run last keeps no core waiting for long.

        Args:
            texts: At least one, each within the model's length.

        Returns:
            See `run_texts`.

        Raises:
            ModelError: Likewise.
        """
        lengths = [len(text.ids) for text in texts]
        batches = plan_batches(lengths, self._batch_size, self._budget)
        outputs = map_ordered(lambda batch: self._run([texts[i] for i in batch]), batches)
        rows = np.concatenate(list(outputs))
        ordered = np.empty_like(rows)
        ordered[list(chain.from_iterable(batches))] = rows
        return ordered

    def _run(self, batch: Sequence[Tokens]) -> NDArray[np.float32]:
        arrays = padded(batch)
        output = self._network.run(arrays)
        return output if self._finish is None else self._finish(output, arrays["attention_mask"])


def usual_batch(batch_size: int | None, device: str | None) -> int:
    """How many texts a run where nobody says it: one on the CPU, more on a GPU."""
    if batch_size is None:
        return _GPU_BATCH if is_cuda(device) else 1
    return batch_size


def check_batch_size(batch_size: int) -> None:
    """Raise InvalidArgumentError unless a batch size is a whole number over 0."""
    if type(batch_size) is not int or batch_size < 1:
        msg = f"Expected a batch_size that is a whole number over 0, got {batch_size!r}."
        raise InvalidArgumentError(msg)


def padded(batch: Sequence[Tokens]) -> dict[str, NDArray[np.int64]]:
    """Texts as a network takes them, the shorter ones padded at their ends.

    Args:
        batch: At least one.

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
    """Group texts of similar length, longest first, so that little is padding.

    Args:
        lengths: Of the texts, in tokens.
        batch_size: Most texts a batch.
        token_budget: Most tokens a batch, padding included; a longer text goes alone.

    Returns:
        Positions of the texts, each in one batch.
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
    """Have a forked child end without ONNX Runtime's own exit, once Python's is done.

    That waits for threads which only the parent has: it hangs or crashes.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc has it; it hands the status on.
        libc.on_exit(libc._exit, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_at_exit)
