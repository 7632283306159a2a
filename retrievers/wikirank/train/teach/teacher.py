"""Teachers: rankers whose scores are learned from, cross-encoders and bi-encoders."""

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
"""What a cosine is multiplied by: the usual scale when bi-encoders are trained by a softmax."""
_MOST_KEPT = 500_000
_ROOM_TO_SPARE = 4


def check_teachers(loss: str, teachers: Sequence[str], *, questions: bool = False) -> None:
    """Raise unless there is a teacher exactly where something has a use for one.

    Args:
        loss: Name of the loss, as `GroupHyperparameters` has it.
        teachers: Names of the teachers.
        questions: Whether there are unlabelled questions.

    Raises:
        InvalidArgumentError: If one is there without the other.
    """
    if questions and not teachers:
        msg = (
            "Expected a teacher for unlabelled questions, which nothing else says the right "
            "passages of, got none. Name one: `bundled`, a folder, or a hub id."
        )
        raise InvalidArgumentError(msg)
    if loss == DISTILLATION and not teachers:
        msg = (
            "The loss 'distillation' needs a teacher, got none: name a cross-encoder or bi-encoder "
            "(`bundled`, a folder, or a hub id), or choose another loss."
        )
        raise InvalidArgumentError(msg)
    if loss != DISTILLATION and teachers:
        msg = (
            f"A teacher belongs to the loss 'distillation', got {', '.join(teachers)} with the "
            f"loss {loss!r}: leave the teacher out, or choose 'distillation'."
        )
        raise InvalidArgumentError(msg)


class Teacher(Protocol):
    """Anything that scores passages for queries."""

    @property
    def kind(self) -> TeacherKind:
        """What it is."""
        ...

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score the passages of each list for its query; higher is more relevant.

        A passage longer than the teacher reads gets the best score of its windows, except by an
        embedder of ours, whose vector is the mean of them.
        """
        ...


def load_teacher(name: str | Path) -> Teacher:
    """Load a teacher; its files say of which kind it is.

    Args:
        name: "bundled" (the cross-encoder), "bundled-embedder", a folder of ours or of
            sentence-transformers, or a hub id.

    Returns:
        The teacher.

    Raises:
        InvalidArgumentError: If the name is empty.
        MissingExtraError: If it needs the `[torch]` extra.
        ModelError: If it is missing, cannot be loaded, or is of neither kind.
    """
    if name == BUNDLED_EMBEDDER:
        return BiEncoderTeacher(_OwnEncoder(load_embedder()))
    if name == BUNDLED or not str(name):
        return CrossEncoderTeacher(load_cross_encoder(name))
    folder = _folder(name)
    if folder is not None and is_model_folder(folder):
        if read_description(folder).kind == "embedder":
            return BiEncoderTeacher(_OwnEncoder(load_embedder(folder)))
    elif folder is not None and _is_bi_encoder(folder):
        return BiEncoderTeacher(_TorchEncoder(folder))
    return CrossEncoderTeacher(load_cross_encoder(name))


class CrossEncoderTeacher:
    """A cross-encoder, which scores by its log-odds as calibrated.

    So that one's softmax is not flat and another's a single peak for the scale of its logits alone.
    """

    kind: TeacherKind = "cross-encoder"

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score lists; see `Teacher`."""
        fitted = self._model.calibration
        return [
            fitted.scale * score_passages(self._model, query, texts) + fitted.shift
            for query, texts in lists
        ]


class _Encoder(Protocol):
    """What a bi-encoder needs: vectors whose dot product, times the scale, is the score."""

    scale: float

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim)."""
        ...

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text (windows, dim)."""
        ...


class BiEncoderTeacher:
    """A sentence encoder, which scores by its similarity: its cosine times `COSINE_SCALE`.

    A model made for the dot product scores by that. The vectors of up to half a million
    passages are kept, two bytes a number: the groups of a corpus share their passages.
    """

    kind: TeacherKind = "bi-encoder"

    def __init__(self, encoder: _Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float16]] = {}

    def scores(self, lists: Sequence[QueryTexts]) -> list[NDArray[np.float64]]:
        """Score lists; see `Teacher`."""
        self._embed(dict.fromkeys(text for _, texts in lists for text in texts))
        queries = self._encoder.queries([query for query, _ in lists])
        return [
            np.array([self._score(vector, text) for text in texts])
            for vector, (_, texts) in zip(queries, lists, strict=True)
        ]

    def _score(self, query: NDArray[np.float32], text: str) -> float:
        return self._encoder.scale * float((self._known[text].astype(np.float32) @ query).max())

    def _embed(self, texts: dict[str, None]) -> None:
        new = [text for text in texts if text not in self._known]
        if len(self._known) + len(new) > _MOST_KEPT:
            self._known, new = {}, list(texts)
        for text, vectors in zip(new, self._encoder.passages(new), strict=True):
            self._known[text] = vectors.astype(np.float16)


class _OwnEncoder:
    """An embedder of ours, without torch; its vectors have length 1."""

    scale = COSINE_SCALE

    def __init__(self, embedder: OnnxEmbedder) -> None:
        self._embedder = embedder

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._embedder.embed_query(text) for text in texts])

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        return [vector[None] for vector in self._embedder.embed_passages(texts)] if texts else []


class _TorchEncoder:
    """A bi-encoder run by sentence-transformers, with its own prompts."""

    def __init__(self, folder: Path) -> None:
        self._model = load_sentence_encoder(folder, str(folder), what="a bi-encoder")
        self._of_length_1 = self._model.similarity_fn_name != "dot"
        self.scale = COSINE_SCALE if self._of_length_1 else 1.0
        tokenizer: Any = self._model.tokenizer
        self._tokenizer = plain_tokenizer(tokenizer.backend_tokenizer.to_str())
        prompts = (self._tokenizer.encode(prompt) for prompt in self._model.prompts.values())
        around = max([2, *map(len, prompts)]) + _ROOM_TO_SPARE
        self._room = max(1, (self._model.max_seq_length or 512) - around)

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoded(self._model.encode_query, texts)

    def passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        windows = [self._windows(text) for text in texts]
        flat = [window for parts in windows for window in parts]
        if not flat:
            return []
        vectors = self._encoded(self._model.encode_document, flat)
        return np.split(vectors, np.cumsum([len(parts) for parts in windows])[:-1])

    def _encoded(self, encode: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = encode(
            list(texts), normalize_embeddings=self._of_length_1, show_progress_bar=False
        )
        return vectors

    def _windows(self, text: str) -> list[str]:
        """The text, or the parts of it that the model can read."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoded) <= self._room:
            return [text]
        windows = cut_windows(encoded, self._room)
        return [text[window.offsets[0][0] : window.offsets[-1][1]] for window in windows]


def _folder(name: str | Path) -> Path | None:
    """Where a teacher's files are; None leaves it to the loader to say that the hub has none."""
    if (folder := local_folder(name)) is not None:
        return folder
    from wikirank.runtime.hub import hub_folder  # The hub's client is slow to import.

    return hub_folder(str(name))


def _is_bi_encoder(folder: Path) -> bool:
    """Whether sentence-transformers saved a sentence encoder here; older ones do not say so."""
    kind = _json(folder / "config_sentence_transformers.json").get("model_type")
    if kind is not None:
        return bool(kind == "SentenceTransformer")
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
