"""The embedder that runs on the CPU without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank._util import ForkSafeLock
from wikirank.embed.windows import even_windows, weighted_means
from wikirank.errors import ModelError
from wikirank.runtime.model_folder import (
    ModelFolder,
    bundled_model,
    read_description,
    read_model_folder,
)
from wikirank.runtime.session import OnnxSession, Tokens, usual_batch
from wikirank.runtime.tokens import check_text, check_texts, load_tokenizer

_MOST_TOKEN_CHARS = 64  # of a query's characters, what is sure to fill a window is tokenised


class OnnxEmbedder:
    """A sentence encoder in ONNX, its pooling and normalisation inside the network.

    A passage over the model's length is cut in windows of even size; its vector is the mean of
    theirs, weighted by their numbers of tokens. Of a query the first window counts. Threads may
    share it.
    """

    def __init__(
        self, folder: ModelFolder, *, batch_size: int | None = None, device: str | None = None
    ) -> None:
        """Open an embedder.

        Args:
            folder: A model folder of kind "embedder", as `read_model_folder` gives it.
            batch_size: Texts a run; with 1, the default on the CPU, a vector does not depend on the
                other texts.
            device: "cpu", "cuda" or "cuda:1"; None is the CPU.

        Raises:
            InvalidArgumentError: If the batch size is not a whole number over 0.
            MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
            ModelError: If the model cannot be opened.
        """
        self._path = folder.path
        self.languages = folder.languages
        self._description = folder.description
        self._tokenizer = load_tokenizer(folder.tokenizer)
        self.device = device
        self._session = OnnxSession(
            folder.network, batch_size=usual_batch(batch_size, device), device=device
        )
        # [CLS] text [SEP]: windows put the same two tokens around each part.
        special = self._tokenizer.encode("").ids
        if len(special) != 2:
            msg = f"Expected a tokenizer that adds 2 special tokens, got {len(special)}: {folder}."
            raise ModelError(msg)
        self._first, self._last = special
        self._unknown = self._tokenizer.token_to_id("[UNK]")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder; the model is opened again where it is loaded."""
        return partial(load_embedder, device=self.device), (self._path,)

    @property
    def recipe(self) -> dict[str, str | None] | None:
        """What loads it again, for an index to record; None if it is the bundled one."""
        return None if is_bundled_embedder(self.model_id) else {"model": str(self._path)}

    @property
    def model_id(self) -> str:
        """Name and version of the model."""
        return self._description.model_id

    @property
    def max_length(self) -> int:
        """Longest input in tokens, the two special tokens included."""
        return self._description.max_length

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has, special tokens not counted, as an estimate for any model.

        A word that the vocabulary lacks, one token to this model, counts as one for each four
        bytes: byte-pair tokenizers have no token for what they do not know.

        Args:
            text: Any text of valid Unicode.

        Returns:
            The number of tokens.

        Raises:
            InvalidArgumentError: If it is not a string or not valid Unicode.
        """
        check_text(text, what="text", allow_blank=True)
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        unknown = [
            text[start:end]
            for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if token == self._unknown
        ]
        return len(encoding.ids) + sum((len(word.encode()) - 1) // 4 for word in unknown)

    def is_known_word(self, word: str) -> bool:
        """Whether a word is a whole one to the model, as misspelt ones are not."""
        return self._tokenizer.token_to_id(word.lower()) is not None

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; see `Embedder`."""
        check_texts(texts, what="passage", allow_blank=False)
        return self._embed(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query, of which is left out what is beyond one window of the model."""
        check_text(text, what="query")
        ids = self._token_ids(text.strip()[: _MOST_TOKEN_CHARS * self.max_length])
        window = self._around(ids[: self.max_length - 2])
        vector: NDArray[np.float32] = self._session.run_texts([window])[0]
        return vector

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return self._session.run_texts([self._around([])])[:0]
        windows: list[list[Tokens]] = []

        def tokenised() -> Iterator[Tokens]:
            for text in texts:
                windows.append(self._windows(text))
                yield from windows[-1]

        vectors = self._session.run_texts(tokenised())
        return weighted_means(vectors, [[len(part.ids) for part in parts] for parts in windows])

    def _windows(self, text: str) -> list[Tokens]:
        ids = self._token_ids(text)
        return [self._around(ids[a:b]) for a, b in even_windows(len(ids), self.max_length - 2)]

    def _token_ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _around(self, ids: list[int]) -> Tokens:
        return Tokens([self._first, *ids, self._last], [0] * (len(ids) + 2))


_lock = ForkSafeLock()
_loaded: dict[tuple[Path, str | None], OnnxEmbedder] = {}


@lru_cache(maxsize=1)
def _bundled_id() -> str:
    return read_description(bundled_model("embedder")).model_id


def is_bundled_embedder(model_id: str) -> bool:
    """Whether an embedder is the bundled one, with which bundled weights were fitted."""
    return model_id == _bundled_id()


def load_embedder(path: str | Path | None = None, *, device: str | None = None) -> OnnxEmbedder:
    """The embedder of a model folder of ours, opened once a process; threads may share it.

    Args:
        path: A model folder of kind "embedder"; the bundled one by default.
        device: "cpu", "cuda" or "cuda:1"; None is the CPU.

    Returns:
        The embedder.

    Raises:
        MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
        ModelError: If the folder is missing, corrupt, or of another kind.
    """
    folder = Path(path).resolve() if path is not None else bundled_model("embedder")
    key = folder, None if device == "cpu" else device  # The same.
    with _lock:
        if key not in _loaded:
            found = read_model_folder(folder, kind="embedder")
            _loaded[key] = OnnxEmbedder(found, device=key[1])
        return _loaded[key]
