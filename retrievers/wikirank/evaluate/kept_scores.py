"""A cache of logits in a file, so that a long evaluation can continue after a stop."""

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
    """A cross-encoder that saves every logit in a file and scores no pair twice.

    A model is identified by its name and by its scores of two pairs, so another model of the same
    name does not get its logits. Measured times include only pairs that were not in the file.

    Args:
        model: Scores the pairs that are not in the file.
        file: An SQLite database, created if missing; several models may share it.

    Raises:
        InvalidArgumentError: If the file is not a database or cannot be written, or if the model
            takes texts instead of encoded pairs, like language models.
    """

    def __init__(self, model: CrossEncoder, file: Path) -> None:
        if isinstance(model, TextCrossEncoder):
            msg = (
                f"Expected a model that reads encoded pairs, got {model.model_id}, which builds "
                "its own input. Evaluate it without keeping scores."
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
        """Score pairs like `CrossEncoder.logits`, without the model if they are in the file."""
        keys = [self._digest(pair) for pair in pairs]
        cached = self._cached(keys)
        missing = [index for index, key in enumerate(keys) if key not in cached]
        scored = self._model.logits([pairs[index] for index in missing]).tolist()
        new = {keys[index]: logit for index, logit in zip(missing, scored, strict=True)}
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO logits VALUES (?, ?)", list(new.items())
            )
        return np.array([{**cached, **new}[key] for key in keys], dtype=np.float64)

    def _cached(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        marks = ",".join("?" * len(keys))
        sql = f"SELECT pair, logit FROM logits WHERE pair IN ({marks})"
        return dict(self._connection.execute(sql, list(keys)).fetchall())

    def _digest(self, pair: Encoding) -> bytes:
        ids = np.array([pair.ids, pair.type_ids], dtype=np.int64)
        return blake2b(ids.tobytes(), key=self._key, digest_size=16).digest()


def _open(file: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(file)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS logits (pair BLOB PRIMARY KEY, logit REAL) WITHOUT ROWID"
        )
    except sqlite3.Error as err:
        msg = (
            f"Expected a new file, or a file of kept scores that can be written, at {file}, got: "
            f"{err}. Name another."
        )
        raise InvalidArgumentError(msg) from err
    return connection
