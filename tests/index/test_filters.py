from __future__ import annotations

from typing import Any

import chromadb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.index.filters import normalise_filter
from wikirank.types import Passage

KEYS = frozenset({"title", "year", "topic"})


@pytest.mark.parametrize(
    ("given_filter", "expected"),
    [
        (None, None),
        ({}, None),
        ({"title": "Ada"}, {"title": {"$eq": "Ada"}}),
        (
            {"title": "Ada", "year": {"$gte": 1840, "$lt": 1850}},
            {
                "$and": [
                    {"title": {"$eq": "Ada"}},
                    {"$and": [{"year": {"$gte": 1840}}, {"year": {"$lt": 1850}}]},
                ]
            },
        ),
        (
            {"$or": [{"title": "Ada"}, {"topic": {"$in": ("Art", "Music")}}]},
            {"$or": [{"title": {"$eq": "Ada"}}, {"topic": {"$in": ["Art", "Music"]}}]},
        ),
    ],
)
def test_spells_out_a_filter(given_filter: Any, expected: Any) -> None:
    assert normalise_filter(given_filter, KEYS) == expected


def deep_filter(levels: int) -> dict[str, Any]:
    """Return a filter of nested `$and` and `$or`."""
    deep: dict[str, Any] = {"title": "Ada"}
    for level in range(levels):
        deep = {"$or" if level % 2 else "$and": [deep, {"year": 1840}]}
    return deep


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"colour": "red"}, "Keys in this index: title, topic, year"),
        ({"title": ["Ada"]}, "a string, a number or a bool"),
        ({"title": None}, "a string, a number or a bool"),
        ({"title": {}}, "Expected a value"),
        ({"year": {"$near": 3}}, "Operators: "),
        ({"year": {"$gt": "3"}}, "Expected a number"),
        ({"year": {"$in": 3}}, "Expected a list"),
        ({"$or": []}, "Expected a list of filters"),
        ({"$and": [{}]}, "Leave empty ones out"),
        ({"$and": [1]}, "Expected a filter such as"),
        ({"year": 2**63}, "up to 64 bits"),
        ({"year": {"$in": [-(2**63) - 1]}}, "up to 64 bits"),
        ({"year": float("nan")}, "finite number"),
        ({"title": "\ud800"}, "valid Unicode"),
        ({"year": {"$in": [1, "1"]}}, "of one type"),
        (deep_filter(21), "nested at most 20 deep"),
    ],
)
def test_says_what_is_wrong_with_a_filter(bad: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message.replace("$", r"\$")):
        normalise_filter(bad, KEYS)


# No fractions: Chroma truncates them before it compares them with integers.
values = st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b", "1"]))
clauses = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), values),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.integers(-3, 3)),
    st.tuples(
        st.sampled_from(["$in", "$nin"]),
        st.one_of(
            st.lists(st.integers(-3, 3), min_size=1, max_size=3),
            st.lists(st.sampled_from(["a", "b", "1"]), min_size=1, max_size=3),
        ),
    ),
).map(lambda pair: {pair[0]: pair[1]})
conditions = st.dictionaries(st.sampled_from(["x", "y"]), clauses, min_size=1, max_size=2)
filters = st.recursive(
    conditions,
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from([{"$and": parts}, {"$or": parts}])
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def mixed() -> tuple[WikiIndex, chromadb.Collection]:
    """Records of mixed types, some with missing keys, in our store and in a Chroma collection."""
    metadatas: list[dict[str, Any]] = [
        {"x": 1, "y": "a"},
        {"x": 2, "y": "b"},
        {"x": -1, "y": 0.5},
        {"x": "a", "y": 2},
        {"x": "1"},
        {"y": 1},
        {"x": 0.5, "y": "1"},
        {"other": 1},
    ]
    index = WikiIndex.create()
    index.add_passages(
        [Passage(id=f"p{n}", text=f"text {n}", metadata=m) for n, m in enumerate(metadatas)]
    )
    collection = chromadb.EphemeralClient().create_collection("filters", embedding_function=None)
    collection.add(
        ids=[f"p{n}" for n in range(len(metadatas))],
        embeddings=np.eye(len(metadatas), dtype=np.float32),
        metadatas=metadatas,
    )
    return index, collection


@settings(max_examples=150, deadline=None)
@given(given_filter=filters)
def test_sql_and_chroma_agree(
    mixed: tuple[WikiIndex, chromadb.Collection], given_filter: dict[str, Any]
) -> None:
    index, collection = mixed
    where = normalise_filter(given_filter, frozenset({"x", "y"}))
    assert where is not None
    ids = [f"p{n}" for n in range(8)]
    assert index.store.matching(ids, where) == set(collection.get(where=where)["ids"])
