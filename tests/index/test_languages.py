"""Words of any language: found in any form, with the index's own stemmer and stop words."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from wikirank.corpus import open_source
from wikirank.errors import IndexMismatchError, InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.index.languages import language_of_question, language_of_texts
from wikirank.search import Searcher, SearchOptions
from wikirank.search.pages import find_pages
from wikirank.search.phrases import find_text
from wikirank.types import Passage

LEXICAL = SearchOptions(k=1, search_type="lexical", rerank=False)
PAGES = {
    "霜山": "霜山は北県にある火山である。標高は1234メートルで、県で最も高い山である。",
    "氷湖": "氷湖は北県にある湖である。面積は20平方キロメートルである。",
    "冰江": "冰江是北省第一大河，全长630公里。",
    "한강": "한강은 대한민국의 강이다. 길이는 494킬로미터이다.",
    "แม่น้ำ": "แม่น้ำเจ้าพระยาเป็นแม่น้ำสายหลักของประเทศไทย",
    "ທາດຫຼວງ": "ພະທາດຫຼວງຢູ່ນະຄອນຫຼວງວຽງຈັນ",
    "Пушкин": "Александр Серге́евич Пу́шкин — русский поэт, ёлки любил.",
    "Café": unicodedata.normalize("NFD", "Le café à Zürich est près de la rivière."),
    "Łódź": "Łódź leży nad rzeką Łódką; Straße heißt ulica.",
    "Σωκράτης": "Ο Σωκράτης ήταν φιλόσοφος της Αθήνας.",
    "קיבוץ": "קִבּוּץ הוא ישוב שיתופי.",
    "كتاب": "كَتَبَ الطَّالِبُ رِسَالَةً طويلة.",
    "हिन्दी": "हिन्दी भारत की राजभाषा है।",
}
QUESTIONS = {
    "標高": "霜山",
    "最も高い山": "霜山",
    "湖の面積": "氷湖",
    "全长多少公里": "冰江",
    "대한민국의 강": "한강",
    "ประเทศไทย": "แม่น้ำ",
    "ວຽງຈັນ": "ທາດຫຼວງ",
    "Пушкин": "Пушкин",
    "елки": "Пушкин",
    "Zürich": "Café",
    "zurich": "Café",
    unicodedata.normalize("NFD", "café"): "Café",
    "LODZ": "Łódź",
    "STRASSE": "Łódź",
    "σωκρατησ": "Σωκράτης",
    "קבוץ": "קיבוץ",
    "رسالة": "كتاب",
    "राजभाषा": "हिन्दी",
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    index = WikiIndex.create(tmp_path_factory.mktemp("many") / "index")
    index.add_passages(
        Passage(f"p{number}", text, source="s", article=title, title=title)
        for number, (title, text) in enumerate(PAGES.items())
    )
    return index


@pytest.mark.parametrize(("question", "title"), QUESTIONS.items())
def test_a_word_is_found_whatever_its_form(many: WikiIndex, question: str, title: str) -> None:
    found = Searcher(many).search(question, LEXICAL).passages
    assert [ranked.passage.title for ranked in found] == [title]


def test_titles_patterns_and_filters_in_any_form(many: WikiIndex) -> None:
    for name in ("łódź", unicodedata.normalize("NFD", "Łódź"), "Łodź"):
        assert [page.title for page in find_pages(many.store, name)] == ["Łódź"]
    for phrase in ("Пушкин", "Пу́шкин", "Zürich", unicodedata.normalize("NFD", "Zürich")):
        assert len(find_text(many.store, phrase).hits) == 1
    options = SearchOptions(
        search_type="lexical",
        rerank=False,
        filter={"title": unicodedata.normalize("NFD", "Łódź")},
    )
    assert len(Searcher(many).search("Straße", options).passages) == 1


def test_words_are_long_by_letters_not_bytes(tmp_path: Path) -> None:
    word = "превысокомногорассмотрительствующийся"
    noise = "x" * 90
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_passages([Passage("long", f"{word} {noise}"), Passage("short", "Тихо.")])
        assert len(word.encode()) > 70
        assert [id_ for id_, _ in index.lexical.search(word, 5)] == ["long"]
        assert index.lexical.search(noise, 5) == []


def test_files_that_a_mac_named(tmp_path: Path) -> None:
    wiki = tmp_path / "wiki"
    wiki.mkdir()
    name = unicodedata.normalize("NFD", "Café Zürich.md")
    text = unicodedata.normalize("NFD", "Le café à Zürich est près de la rivière.\n")
    (wiki / name).write_text(text, "utf-8")
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_source(open_source(str(wiki)))
        for question in ("Zürich", "café"):
            (found,) = Searcher(index).search(question, LEXICAL).passages
            assert found.passage.title == "Café Zürich"
            assert "rivière" in found.passage.text


GERMAN = [
    "Die Burg wurde im Jahr 1204 von den Grafen erbaut und ist heute ein Museum.",
    "Der Fluss entspringt in den Bergen und mündet nach 80 Kilometern in die See.",
]


def test_the_language_is_detected_from_the_text(tmp_path: Path) -> None:
    passages = [Passage(str(n), text) for n, text in enumerate(GERMAN)]
    with WikiIndex.create(tmp_path / "index") as index:
        assert index.info().language == ""
        with WikiIndex.open(tmp_path / "index") as reader:
            index.add_passages(passages)
            assert index.info().language == "de"
            # "Museen" has the stem of "Museum" in German only; "der" and "die" are stop words.
            assert reader.info().language == "de"
            reader.lexical.refresh(reader.store.last_write())
            assert [id_ for id_, _ in reader.lexical.search("die Flüssen der Berge", 5)] == ["1"]
    with WikiIndex.open(tmp_path / "index") as again:
        assert again.info().language == "de"


def test_a_language_that_was_named(tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "fr", language="fr") as index:
        index.add_passages([Passage("a", "Les chevaux mangent."), Passage("b", "La vache dort.")])
        assert [id_ for id_, _ in index.lexical.search("le cheval", 5)] == ["a"]
    with pytest.raises(IndexMismatchError, match="language"):
        WikiIndex.open_or_create(tmp_path / "fr", language="de")
    with pytest.raises(InvalidArgumentError, match="'xx'"):
        WikiIndex.create(tmp_path / "xx", language="xx")
    assert not (tmp_path / "xx").exists()


def test_other_has_no_stemmer(tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "index", language="other") as index:
        index.add_passages([Passage("a", "running"), Passage("b", "runs")])
        assert [id_ for id_, _ in index.lexical.search("runs", 5)] == ["b"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The river rises in the hills and it flows to the sea.", "en"),
        ("Le fleuve prend sa source dans les collines et il se jette dans la mer.", "fr"),
        ("El río nace en las montañas y desemboca en el mar después de 80 kilómetros.", "es"),
        ("Река берёт начало в горах и впадает в море.", "ru"),
        ("Річка бере початок у горах і впадає в море.", "other"),
        ("川は山に発し、海に注ぐ。", "ja"),
        ("河流发源于山中，注入大海。", "zh"),
        ("রাজশাহী বাংলাদেশের একটি শহর।", "other"),
        ("x = 3; y = 4", "en"),
        ("", "en"),
    ],
)
def test_language_of_texts(text: str, language: str) -> None:
    assert language_of_texts([text]) == language


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wann wurde Zürich gegründet?", "de"),
        ("Quelle est la capitale de l'Australie ?", "fr"),
        ("¿Cuál es la capital de Australia?", "es"),
        ("Kuka kirjoitti Kalevalan?", "fi"),
        ("Thủ đô của Úc là gì?", "vi"),
        ("thu do cua uc la gi", "vi"),
        ("Je, mto Nile una urefu gani?", "sw"),
        ("Mji mkuu wa Australia ni upi?", "sw"),
        ("Wa state army", "en"),
        ("la la land director", "en"),
        ("na metal reactivity", "en"),
        ("Onko Suomi tasavalta?", "fi"),
        ("Siapakah pendiri Perth?", "id"),
        ("Mi a fővárosa Ausztráliának?", "hu"),
        ("Sino ang pangulo?", "tl"),
        ("最も高い山", "ja"),
        ("Who wrote Die Zauberflöte?", "en"),
        ("What is El Niño?", "en"),
        ("São Paulo", "en"),
        ("Berlin", "en"),
    ],
)
def test_language_of_question(question: str, language: str) -> None:
    assert language_of_question(question) == language


def test_the_command_line_names_and_shows_it(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from wikirank.cli import app

    source = tmp_path / "wiki.jsonl"
    source.write_text(json.dumps({"title": "Pferd", "text": "Pferde fressen."}), "utf-8")
    into = str(tmp_path / "index")
    run = CliRunner().invoke(app, ["index", str(source), "--into", into, "--language", "de", "-q"])
    assert run.exit_code == 0, run.output
    info = CliRunner().invoke(app, ["info", "--index", into, "--json"])
    assert json.loads(info.output)["language"] == "de"
