"""The bundled embedder against the original weights, and its behaviour at the edges."""

from __future__ import annotations

import gzip
import json
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from locations import SHARED
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wikirank.embed import OnnxEmbedder, load_any_embedder, load_embedder, recorded_embedder
from wikirank.errors import InvalidArgumentError, MissingExtraError
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import bundled_model, read_model_folder, write_model_folder
from wikirank.runtime.providers import CUDA
from wikirank.runtime.session import plan_batches
from wikirank.runtime.tokens import load_tokenizer

QA = SHARED / "qa"
TEXTS = [
    "The Eiffel Tower is a wrought-iron lattice tower on the Champ de Mars in Paris.",
    "Photosynthesis turns light into chemical energy.",
    "x",
    "Gradient descent is a first-order iterative algorithm for minimising a function. " * 8,
    "Ελληνικά, 中文, 한국어 and العربية 🙂",
]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return load_embedder()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(bundled_model("embedder") / "tokenizer.json")


def count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text).ids)


def test_vectors_have_length_one_and_come_in_order(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_array_equal(embedder.embed_query(text), vector)


def test_a_query_is_nearest_to_the_passage_that_answers_it(embedder: OnnxEmbedder) -> None:
    query = embedder.embed_query("How do plants use sunlight?")
    assert int(np.argmax(embedder.embed_passages(TEXTS) @ query)) == 1


def test_a_vector_does_not_depend_on_the_other_texts(embedder: OnnxEmbedder) -> None:
    alone = embedder.embed_passages([TEXTS[0]])[0]
    among = embedder.embed_passages([TEXTS[3], *TEXTS, TEXTS[3]])[1]
    np.testing.assert_array_equal(alone, among)


def test_batches_give_nearly_the_same_vectors(embedder: OnnxEmbedder) -> None:
    batched = OnnxEmbedder(
        read_model_folder(bundled_model("embedder"), kind="embedder"), batch_size=4
    )
    cosines = (batched.embed_passages(TEXTS) * embedder.embed_passages(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.97  # dynamic int8: texts of a batch share the activations' range


def test_no_texts_give_no_rows(embedder: OnnxEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)


def test_a_text_over_the_length_is_the_weighted_mean_of_its_windows(
    embedder: OnnxEmbedder,
) -> None:
    # 400 words of one token each: two windows of 200, each with two special tokens.
    words = [["one", "two", "red", "blue"][i % 4] for i in range(200)] + ["music"] * 200
    first, second = embedder.embed_passages([" ".join(words[:200]), " ".join(words[200:])])
    expected = first + second
    expected /= np.linalg.norm(expected)
    (vector,) = embedder.embed_passages([" ".join(words)])
    np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_one_window_of_a_query_is_embedded(embedder: OnnxEmbedder, tokenizer: Tokenizer) -> None:
    query = "Which penguins swim? " * 80
    assert count(tokenizer, query) > embedder.max_length
    vector = embedder.embed_query(query)
    for longer in (query + "A king of France. " * 200, "  " + query + "x" * 1_000_000):
        assert np.array_equal(embedder.embed_query(longer), vector)


def test_the_end_of_a_long_passage_counts(embedder: OnnxEmbedder, tokenizer: Tokenizer) -> None:
    filler = "The committee met again and adjourned without a decision. " * 40
    ending = "Penguins are flightless birds of the Antarctic. " * 12
    assert count(tokenizer, filler) > 256
    query = embedder.embed_query("penguins")
    long, short = embedder.embed_passages([filler + ending, filler])
    assert long @ query > short @ query + 0.1


def test_the_longest_text_of_one_window_is_not_cut(
    embedder: OnnxEmbedder, tokenizer: Tokenizer
) -> None:
    fits, over = "red " * 254, "red " * 255
    assert (count(tokenizer, fits), count(tokenizer, over)) == (256, 257)
    vectors = embedder.embed_passages([fits, over, "red"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_a_text_without_any_token_is_embedded(embedder: OnnxEmbedder) -> None:
    vector = embedder.embed_query("\u200b")  # a zero-width space, which the tokenizer drops
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("blank", ["", " \n\t "])
def test_a_blank_text_is_refused_by_position(embedder: OnnxEmbedder, blank: str) -> None:
    with pytest.raises(InvalidArgumentError, match="passage 2 to hold text"):
        embedder.embed_passages(["a", "b", blank])
    with pytest.raises(InvalidArgumentError, match="query to hold text"):
        embedder.embed_query(blank)


def test_what_is_not_text_is_refused(embedder: OnnxEmbedder) -> None:
    wrong: Any = ["a", 7]
    with pytest.raises(InvalidArgumentError, match="passage 1 to be a string, got int"):
        embedder.embed_passages(wrong)
    with pytest.raises(InvalidArgumentError, match="one string"):
        embedder.embed_passages("a lone string")
    with pytest.raises(InvalidArgumentError, match="surrogate"):
        embedder.embed_query("broken \ud800 text")


@pytest.mark.parametrize("batch_size", [0, -1, 1.0, True])
def test_an_invalid_batch_size_is_refused(batch_size: Any) -> None:
    folder = read_model_folder(bundled_model("embedder"), kind="embedder")
    with pytest.raises(InvalidArgumentError, match="batch_size"):
        OnnxEmbedder(folder, batch_size=batch_size)


def test_it_is_loaded_once_per_process() -> None:
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda _: load_embedder(), range(8)))
    assert all(one is loaded[0] for one in loaded)
    assert load_embedder(bundled_model("embedder")) is loaded[0]


@pytest.mark.parametrize("load", [load_embedder, partial(load_any_embedder, "bundled")])
def test_the_device_is_chosen_and_no_part_of_the_recipe(load: Callable[..., OnnxEmbedder]) -> None:
    on_cpu = load(device="cpu")
    assert on_cpu is load_embedder()
    assert pickle.loads(pickle.dumps(on_cpu)) is on_cpu
    assert (on_cpu.recipe, recorded_embedder(None, "cpu")) == (None, on_cpu)
    if CUDA not in onnxruntime.get_available_providers():
        with pytest.raises(MissingExtraError, match=r"runs on 'cuda'.*onnxruntime-gpu"):
            load(device="cuda")


def test_sixteen_threads_get_what_one_gets(embedder: OnnxEmbedder) -> None:
    queries = [f"{text} {number}" for number in range(16) for text in TEXTS]
    expected = [embedder.embed_query(query) for query in queries]
    with ThreadPoolExecutor(16) as threads:
        got = list(threads.map(embedder.embed_query, queries))
    np.testing.assert_array_equal(np.stack(got), np.stack(expected))


def test_batches_keep_to_size_and_budget_longest_first() -> None:
    # 900 fits alone, 300 + 200 + 200 is padded to 900, 8 short ones are limited by the size.
    lengths = [200, 900, 10, 300, 200, *[5] * 7]
    batches = plan_batches(lengths, batch_size=8, token_budget=1024)
    assert batches == [[1], [3, 0, 4], [2, 5, 6, 7, 8, 9, 10, 11]]
    assert plan_batches([3000, 1], batch_size=8, token_budget=1024) == [[0], [1]]


def read_lines(name: str) -> list[dict[str, str]]:
    if not QA.is_dir():
        pytest.skip(f"needs the data in {QA.parent.name}/{QA.name}")
    with gzip.open(QA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def recall_at_10(
    queries: NDArray[np.float32], passages: NDArray[np.float32], gold: NDArray[np.intp]
) -> float:
    scores = queries @ passages.T
    better = (scores > scores[np.arange(len(gold)), gold][:, None]).sum(axis=1)
    return float((better < 10).mean())


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = (one * other).sum(axis=1)
    return products


@pytest.fixture(scope="module")
def original(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> OnnxEmbedder:
    """The original weights in float32 as ONNX, which is twice as fast as torch."""
    from transformers import AutoModel

    from wikirank.train.export.int8 import MeanPooled
    from wikirank.train.export.tracing import trace_onnx

    traced = tmp_path_factory.mktemp("original") / "fp32.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's advice
        encoder = AutoModel.from_pretrained(str(minilm), attn_implementation="eager")
        trace_onnx(MeanPooled(encoder), traced, "embedding")
    folder = traced.parent / "model"
    tokenizer_json = (bundled_model("embedder") / "tokenizer.json").read_text("utf-8")
    description = ModelDescription("embedder", "original", max_length=256)
    write_model_folder(folder, description, networks=[traced], tokenizer_json=tokenizer_json)
    return load_embedder(folder)


def test_it_agrees_with_the_original_torch_weights(
    embedder: OnnxEmbedder, original: OnnxEmbedder, tokenizer: Tokenizer, minilm: Path
) -> None:
    passages = [each["text"] for each in read_lines("squad-dev-passages.jsonl.gz")[::80]]
    questions = [each["question"] for each in read_lines("squad-dev-questions.jsonl.gz")[::200]]
    # The original truncates at 256 tokens, so only shorter texts can agree.
    texts = [text for text in passages + questions if count(tokenizer, text) <= 256]

    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm), device="cpu").encode(
        texts, batch_size=8, show_progress_bar=False
    )
    np.testing.assert_allclose(original.embed_passages(texts), reference, atol=1e-5)
    ours = cosines(embedder.embed_passages(texts), reference)
    assert ours.mean() >= 0.99
    assert ours.min() >= 0.97


@pytest.mark.slow
def test_it_finds_as_much_as_the_original(embedder: OnnxEmbedder, original: OnnxEmbedder) -> None:
    passages = read_lines("squad-dev-passages.jsonl.gz")[::12]
    position = {passage["id"]: i for i, passage in enumerate(passages)}
    asked = read_lines("squad-dev-questions.jsonl.gz")
    questions = [question for question in asked if question["passage_id"] in position][::3]
    gold = np.array([position[question["passage_id"]] for question in questions])
    recalls = []
    for model in (original, embedder):
        vectors = model.embed_passages([passage["text"] for passage in passages])
        queries = model.embed_passages([question["question"] for question in questions])
        recalls.append(recall_at_10(queries, vectors, gold))
    assert recalls[1] == pytest.approx(recalls[0], abs=0.005)


def test_it_counts_tokens_without_cutting_or_overlooking_any() -> None:
    count = load_embedder().count_tokens
    assert count("") == 0
    assert count("tea " * 1000) == 1000
    assert count("x" * 4000) == 1000  # The model sees one unknown word; other models do not.
    with pytest.raises(InvalidArgumentError, match="lone surrogate"):
        count("\ud800")
