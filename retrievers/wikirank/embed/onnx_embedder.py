"""The embedder for wikirank model folders, run on ONNX Runtime without torch."""

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
from wikirank.runtime.session import OnnxSession, Tokens, default_batch_size
from wikirank.runtime.tokens import check_text, check_texts, load_tokenizer

_MAX_TOKEN_CHARS = 64  # A long query is cut to this many characters per token before tokenising.


class OnnxEmbedder:
    """A sentence encoder on ONNX Runtime, with pooling and normalisation inside the network.

    A passage over the model's length is cut into windows of equal size. Its vector is the mean of
    theirs, weighted by their numbers of tokens. Only the first window of a query counts. Threads
    may share an embedder.
    """

    def __init__(
        self, folder: ModelFolder, *, batch_size: int | None = None, device: str | None = None
    ) -> None:
        """Open an embedder.

        Args:
            folder: A model folder of kind "embedder", from `read_model_folder`.
            batch_size: Texts per run. With 1, the default on the CPU, a vector does not depend on
                the other texts.
            device: "cpu", "cuda" or "cuda:1"; None for the CPU.

        Raises:
            InvalidArgumentError: If the batch size is not an integer over 0.
            MissingExtraError: If the installed ONNX Runtime cannot run on the device.
            ModelError: If the model cannot be opened.
        """
        self._path = folder.path
        self.languages = folder.languages
        self._description = folder.description
        self._tokenizer = load_tokenizer(folder.tokenizer)
        self.device = device
        self._session = OnnxSession(
            folder.network, batch_size=default_batch_size(batch_size, device), device=device
        )
        # [CLS] text [SEP]: the same two tokens go around each window.
        special = self._tokenizer.encode("").ids
        if len(special) != 2:
            msg = (
                f"Expected a tokenizer that adds 2 special tokens in {folder.path}, "
                f"got {len(special)}. Name another model."
            )
            raise ModelError(msg)
        self._first, self._last = special
        self._unknown = self._tokenizer.token_to_id("[UNK]")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the folder; unpickling opens the model again."""
        return partial(load_embedder, device=self.device), (self._path,)

    @property
    def recipe(self) -> dict[str, str | None] | None:
        """Arguments that load the embedder again; None for the bundled one. An index records it."""
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
        """Count the tokens of a text without special tokens, as an estimate for any model.

        An unknown word is one token to this model. It counts as one token per four bytes, because
        byte-pair tokenizers have no token for unknown words.

        Args:
            text: Any text in valid Unicode.

        Returns:
            The number of tokens.

        Raises:
            InvalidArgumentError: If the text is not a string or not valid Unicode.
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
        """Return whether a word is a single token of the model; misspelt words are not."""
        return self._tokenizer.token_to_id(word.lower()) is not None

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; see `Embedder`."""
        check_texts(texts, what="passage", allow_blank=False)
        return self._embed(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query, cut to the model's length."""
        check_text(text, what="query")
        ids = self._token_ids(text.strip()[: _MAX_TOKEN_CHARS * self.max_length])
        window = self._add_special_tokens(ids[: self.max_length - 2])
        vector: NDArray[np.float32] = self._session.run_texts([window])[0]
        return vector

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:  # Run an empty text to learn the width.
            return self._session.run_texts([self._add_special_tokens([])])[:0]
        windows: list[list[Tokens]] = []

        def tokenised() -> Iterator[Tokens]:
            for text in texts:
                windows.append(self._windows(text))
                yield from windows[-1]

        vectors = self._session.run_texts(tokenised())
        return weighted_means(vectors, [[len(part.ids) for part in parts] for parts in windows])

    def _windows(self, text: str) -> list[Tokens]:
        ids = self._token_ids(text)
        bounds = even_windows(len(ids), self.max_length - 2)
        return [self._add_special_tokens(ids[start:end]) for start, end in bounds]

    def _token_ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _add_special_tokens(self, ids: list[int]) -> Tokens:
        return Tokens([self._first, *ids, self._last], [0] * (len(ids) + 2))


_lock = ForkSafeLock()
_loaded: dict[tuple[Path, str | None], OnnxEmbedder] = {}


@lru_cache(maxsize=1)
def _bundled_id() -> str:
    return read_description(bundled_model("embedder")).model_id


def is_bundled_embedder(model_id: str) -> bool:
    """Return whether a model is the bundled embedder, which other bundled weights rely on."""
    return model_id == _bundled_id()


def load_embedder(path: str | Path | None = None, *, device: str | None = None) -> OnnxEmbedder:
    """Load the embedder of a wikirank model folder, once per process; threads may share it.

    For other models see `load_any_embedder`.

    Args:
        path: A model folder of kind "embedder"; None for the bundled one.
        device: "cpu", "cuda" or "cuda:1"; None for the CPU.

    Returns:
        The embedder.

    Raises:
        MissingExtraError: If the installed ONNX Runtime cannot run on the device.
        ModelError: If the folder is missing or corrupt, or its model is not an embedder.
    """
    folder = Path(path).resolve() if path is not None else bundled_model("embedder")
    key = folder, None if device == "cpu" else device
    with _lock:
        if key not in _loaded:
            model_folder = read_model_folder(folder, kind="embedder")
            _loaded[key] = OnnxEmbedder(model_folder, device=key[1])
        return _loaded[key]
