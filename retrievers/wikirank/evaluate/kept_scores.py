"""Logits kept in a file, so that a long evaluation goes on where it was stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from wikirank.errors import InvalidArgumentError
from wikirank.rank import CrossEncoder, score_passages
from wikirank.rank.protocol import TextCrossEncoder

_PROBE = ("Who hunts herring?", ("Cod and seals hunt herring.", "Bread is a food."))
_DECIMALS = 2


class CachedCrossEncoder:
    """A cross-encoder that keeps every logit in a file, and scores no pair twice.

    A model is known by its name and by what it makes of two pairs, so that another one of the same
    name finds none of its logits. Times are of what was left to score; all else is the model's.

    Args:
        model: What scores the pairs that are not in the file.
        file: An SQLite database, made where there is none; several models may share it.

    Raises:
        InvalidArgumentError: If the file is something else, or cannot be written; or if the model
            is given texts, as language models are.
    """

    def __init__(self, model: CrossEncoder, file: Path) -> None:
        if isinstance(model, TextCrossEncoder):
            msg = (
                "Expected a model that reads encoded pairs, whose scores can be kept; got "
                f"{model.model_id}, which builds its own input. Evaluate it without keeping scores."
            )
            raise InvalidArgumentError(msg)
        self._model = model
        self._connection = _open(file)
        self.model_id = model.model_id
        self.max_length = model.max_length
        self.prepend_heading = model.prepend_heading
        self.calibration = model.calibration
        self.combination = model.combination
        self.dense_combination = model.dense_combination
        self.tokenizer = model.tokenizer
        probe = score_passages(model, *_PROBE)
        key = f"{model.model_id}\n{model.max_length}\n{probe.round(_DECIMALS).tolist()}"
        self._key = blake2b(key.encode()).digest()

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs as `CrossEncoder.logits` does, those of the file without the model."""
        keys = [self._digest(pair) for pair in pairs]
        known = self._known(keys)
        left = [index for index, key in enumerate(keys) if key not in known]
        scored = self._model.logits([pairs[index] for index in left]).tolist()
        new = {keys[index]: logit for index, logit in zip(left, scored, strict=True)}
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO logits VALUES (?, ?)", list(new.items())
            )
        return np.array([{**known, **new}[key] for key in keys], dtype=np.float64)

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        marks = ",".join("?" * len(keys))
        sql = f"SELECT pair, logit FROM logits WHERE pair IN ({marks})"
        return dict(self._connection.execute(sql, list(keys)).fetchall())

    def _digest(self, pair: Encoding) -> bytes:
        read = np.array([pair.ids, pair.type_ids], dtype=np.int64)
        return blake2b(read.tobytes(), key=self._key, digest_size=16).digest()


def _open(file: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(file)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS logits (pair BLOB PRIMARY KEY, logit REAL) WITHOUT ROWID"
        )
    except sqlite3.Error as err:
        msg = (
            f"Expected a file of kept scores that can be written, or none yet, at {file}: {err}. "
            "Name another."
        )
        raise InvalidArgumentError(msg) from err
    return connection
