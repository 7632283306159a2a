"""Teachers: cross-encoders and bi-encoders whose scores a model learns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from wikirank.embed import OnnxEmbedder, load_embedder
from wikirank.embed.torch_embedder import load_sentence_encoder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.rank.score import cut_windows
from wikirank.runtime.model_folder import is_model_folder, local_folder, read_description
from wikirank.runtime.model_pairs import BUNDLED
from wikirank.runtime.tokens import plain_tokenizer

TeacherKind = Literal["cross-encoder", "bi-encoder"]
QueryTexts = tuple[str, Sequence[str]]
"""A query, and the passages to score for it."""

DISTILLATION = "distillation"
BUNDLED_EMBEDDER = "bundled-embedder"
COSINE_SCALE = 20.0
"""Factor of a cosine: the usual scale when bi-encoders are trained with a softmax."""
_MAX_CACHED = 500_000
_SPARE_TOKENS = 4


def check_teachers(loss: str, teachers: Sequence[str], *, questions: bool = False) -> None:
    """Check that there are teachers if they are needed, and none if they would not be used.

    Args:
        loss: Name of the loss, see `GroupHyperparameters`.
        teachers: Names of the teachers.
        questions: Whether there are unlabelled questions.

    Raises:
        InvalidArgumentError: If teachers are missing or would not be used.
    """
    if questions and not teachers:
        msg = (
            "Expected a teacher for unlabelled questions, got none. Name one: `bundled`, a folder, "
            "or a hub id."
        )
        raise InvalidArgumentError(msg)
    if loss == DISTILLATION and not teachers:
        msg = (
            "Expected a teacher for the loss 'distillation', got none. Name a cross-encoder or "
            "bi-encoder (`bundled`, a folder, or a hub id), or choose another loss."
        )
        raise InvalidArgumentError(msg)
    if loss != DISTILLATION and teachers:
        msg = (
            f"Expected no teacher with the loss {loss!r}, got {', '.join(teachers)}. Leave the "
            "teacher out, or choose the loss 'distillation'."
        )
        raise InvalidArgumentError(msg)


class Teacher(Protocol):
    """Anything that scores passages for queries."""

    @property
    def kind(self) -> TeacherKind:
        """Kind of the teacher."""
        ...

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score the passages of each list for its query; higher is more relevant.

        A passage that is longer than the teacher can read gets the highest score of its windows.
        With one of our embedders, its vector is the mean of its windows instead.
        """
        ...


def load_teacher(name: str | Path) -> Teacher:
    """Load a teacher. Its kind is detected from its files.

    Args:
        name: "bundled" (the cross-encoder), "bundled-embedder", a folder of ours or of
            sentence-transformers, or a hub id.

    Returns:
        The loaded teacher.

    Raises:
        InvalidArgumentError: If the name is empty.
        MissingExtraError: If the teacher needs the `[torch]` extra.
        ModelError: If the model is missing, cannot be loaded, or is of neither kind.
    """
    if name == BUNDLED_EMBEDDER:
        return BiEncoderTeacher(_OnnxEncoder(load_embedder()))
    if name == BUNDLED or not str(name):
        return CrossEncoderTeacher(load_cross_encoder(name))
    folder = _folder(name)
    if folder is not None and is_model_folder(folder):
        if read_description(folder).kind == "embedder":
            return BiEncoderTeacher(_OnnxEncoder(load_embedder(folder)))
    elif folder is not None and _is_bi_encoder(folder):
        return BiEncoderTeacher(_TorchEncoder(folder))
    return CrossEncoderTeacher(load_cross_encoder(name))


class CrossEncoderTeacher:
    """A cross-encoder, which scores by its calibrated log-odds.

    Raw logits have different scales in different models, which would make the softmax of one model
    flat and that of another a single peak.
    """

    kind: TeacherKind = "cross-encoder"

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score lists, see `Teacher`."""
        calibration = self._model.calibration
        return [
            calibration.scale * score_passages(self._model, query, texts) + calibration.shift
            for query, texts in lists
        ]


class _Encoder(Protocol):
    """An encoder whose dot product of vectors, times `scale`, is the score."""

    scale: float

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries: (n, dim)."""
        ...

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Encode passages: (windows, dim) for each text."""
        ...


class BiEncoderTeacher:
    """A sentence encoder, which scores by its cosine times `COSINE_SCALE`.

    A model made for the dot product scores by the dot product. The groups of a corpus share
    passages, so the vectors of up to half a million passages are cached, two bytes per number.
    """

    kind: TeacherKind = "bi-encoder"

    def __init__(self, encoder: _Encoder) -> None:
        self._encoder = encoder
        self._cache: dict[str, NDArray[np.float16]] = {}

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score lists, see `Teacher`."""
        self._cache_vectors(dict.fromkeys(text for _, texts in lists for text in texts))
        queries = self._encoder.queries([query for query, _ in lists])
        return [
            np.array([self._score(vector, text) for text in texts])
            for vector, (_, texts) in zip(queries, lists, strict=True)
        ]

    def _score(self, query: NDArray[np.float32], text: str) -> float:
        return self._encoder.scale * float((self._cache[text].astype(np.float32) @ query).max())

    def _cache_vectors(self, texts: dict[str, None]) -> None:
        new = [text for text in texts if text not in self._cache]
        if len(self._cache) + len(new) > _MAX_CACHED:
            self._cache, new = {}, list(texts)
        for text, vectors in zip(new, self._encoder.passages(new), strict=True):
            self._cache[text] = vectors.astype(np.float16)


class _OnnxEncoder:
    """One of our embedders, which runs without torch. Its vectors have length 1."""

    scale = COSINE_SCALE

    def __init__(self, embedder: OnnxEmbedder) -> None:
        self._embedder = embedder

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._embedder.embed_query(text) for text in texts])

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        return [vector[None] for vector in self._embedder.embed_passages(texts)] if texts else []


class _TorchEncoder:
    """A bi-encoder that runs in sentence-transformers, with its own prompts."""

    def __init__(self, folder: Path) -> None:
        self._model = load_sentence_encoder(folder, str(folder), what="a bi-encoder")
        self._normalise = self._model.similarity_fn_name != "dot"
        self.scale = COSINE_SCALE if self._normalise else 1.0
        tokenizer: Any = self._model.tokenizer
        self._tokenizer = plain_tokenizer(tokenizer.backend_tokenizer.to_str())
        prompts = (self._tokenizer.encode(prompt) for prompt in self._model.prompts.values())
        overhead = max([2, *map(len, prompts)]) + _SPARE_TOKENS
        self._window_tokens = max(1, (self._model.max_seq_length or 512) - overhead)

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self._model.encode_query, texts)

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        windows = [self._windows(text) for text in texts]
        flat = [window for parts in windows for window in parts]
        if not flat:
            return []
        vectors = self._encode(self._model.encode_document, flat)
        return np.split(vectors, np.cumsum([len(parts) for parts in windows])[:-1])

    def _encode(self, encode: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = encode(
            list(texts), normalize_embeddings=self._normalise, show_progress_bar=False
        )
        return vectors

    def _windows(self, text: str) -> list[str]:
        """Return the text, or its windows if it is longer than the model can read."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoded) <= self._window_tokens:
            return [text]
        windows = cut_windows(encoded, self._window_tokens)
        return [text[window.offsets[0][0] : window.offsets[-1][1]] for window in windows]


def _folder(name: str | Path) -> Path | None:
    """Return the folder of a teacher's files. If there is none, the loader raises the error."""
    if (folder := local_folder(name)) is not None:
        return folder
    from wikirank.runtime.hub import hub_folder  # the hub's client is slow to import

    return hub_folder(str(name))


def _is_bi_encoder(folder: Path) -> bool:
    """Whether sentence-transformers saved a sentence encoder in this folder."""
    kind = _json(folder / "config_sentence_transformers.json").get("model_type")
    if kind is not None:
        return bool(kind == "SentenceTransformer")
    # Older versions did not save the model type.
    architectures = _json(folder / "config.json").get("architectures") or ()
    classifies = any("SequenceClassification" in name for name in architectures)
    return (folder / "modules.json").is_file() and not classifies


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as err:
        msg = f"Expected JSON in {file}, got: {err}. Save the model again."
        raise ModelError(msg) from err
    return values if isinstance(values, dict) else {}
