"""Evidence for a chat model: stable numbers, quoted text, a fixed budget."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from itertools import pairwise
from urllib.parse import unquote

import pytest
from city_texts import city_documents
from evidence_structure import addresses, entries, outside
from hostile_passages import HOSTILE_PASSAGES
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_wikirank._evidence.budget import EvidenceFormat
from langchain_wikirank._evidence.citations import CitationBook
from langchain_wikirank._evidence.entries import shown_numbers
from langchain_wikirank._evidence.quoting import quoted_url
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._evidence.write import HEADER, Evidence, lay_out, write_evidence
from wikirank.errors import InvalidArgumentError

COUNT = token_counter()


def written(
    documents: list[Document], budget: int = 1500, book: CitationBook | None = None
) -> Evidence:
    return write_evidence(
        documents,
        budget=budget,
        count_tokens=COUNT,
        citations=CitationBook() if book is None else book,
    )


def piece(number: int, text: str, title: str = "Tea", **metadata: object) -> Document:
    return Document(
        page_content=text,
        id=f"{title}-{number}",
        metadata={"title": title, "passage_number": number, **metadata},
    )


def test_what_it_reads_like() -> None:
    evidence = written(city_documents()[:2])
    assert evidence.text == (
        f"{HEADER}\n\n"
        "[1] Canberra › History\nw.org/Canberra\n"
        "«Canberra was chosen as the capital of Australia in 1908.»\n\n"
        "[2] Canberra › Climate\n"
        "«Winters in Canberra are cold, with frost on many nights.»"
    )
    assert [document.metadata["citation"] for document in evidence.documents] == [1, 2]
    assert (evidence.left_out, evidence.tokens) == (0, COUNT(evidence.text))


def test_nothing_of_the_callers_is_changed() -> None:
    given, same = city_documents(), city_documents()
    written(given)
    assert given == same


def place(url: str, title: str = "Tea", section: str = "", text: str = "One.") -> Document:
    return Document(text, metadata={"title": title, "section": section, "url": url})


@pytest.mark.parametrize(
    ("documents", "lines"),
    [
        ([place("w.org/Tea"), place("w.org/Tea", section="Use")], ["w.org/Tea", ""]),
        ([place("https://w.org/Tea#Use", section="Use")], ["w.org/Tea"]),
        ([place("w.org/Tea#Old_use%3F", section="Health › Old use?")], ["w.org/Tea"]),
        ([place("http://w.org/Tea#Milk", section="Use")], ["http://w.org/Tea#Milk"]),
        ([place("w.org/Tea#Milk"), place("w.org/Tea")], ["w.org/Tea#Milk", "w.org/Tea"]),
        # Another page of the same title is not confused with the first.
        (
            [place("a.org/Tea"), place("b.org/Tea"), place("a.org/Tea", section="Use")],
            ["a.org/Tea", "b.org/Tea", "a.org/Tea"],
        ),
        (
            [place("a.org/Tea"), place(""), place("", section="Use")],
            ["a.org/Tea", "no address", ""],
        ),
        (
            [place("a.org/Tea", section="Use"), place("", title="Tea › Use")],
            ["a.org/Tea", "no address"],
        ),
        ([place("a.org/T", ""), place("a.org/T", "", text="Two.")], ["a.org/T", "a.org/T"]),
    ],
)
def test_an_address_stands_once_for_a_page(documents: list[Document], lines: list[str]) -> None:
    book = CitationBook()
    text = lay_out(documents, EvidenceFormat(), budget=500, count_tokens=COUNT, citations=book).text
    found = re.findall(r"^\[\d+\][^\n]*\n(?:([^«\n]+)\n)?«", text, re.M)
    assert found == lines
    assert entries(text)


@pytest.mark.parametrize(
    ("pages", "pattern", "lines"),
    [
        ({"Tea": "w.org/Tea"}, "", ["w.org/Tea"]),
        ({"Tea": "w.org/Tea", "Old milk": "w.org/Old_milk"}, "w.org/", ["", ""]),
        ({"AC/DC": "w.org/AC/DC", "Été": "w.org/%C3%89t%C3%A9"}, "w.org/", ["", ""]),
        # The pattern covers most addresses; the others are shown in full, and none is made up.
        (
            {"Tea": "w.org/Tea", "Milk": "w.org/Milk", "Ice": "b.org/Ice", "Rum": ""},
            "w.org/",
            ["", "", "b.org/Ice", "no address"],
        ),
        ({"Who?": "w.org/Who%3F", "C#": "w.org/C%23"}, "", ["w.org/Who%3F", "w.org/C%23"]),
        ({"Tea": "w.org/?p=Tea", "Ice": "w.org/?p=Ice"}, "", ["w.org/?p=Tea", "w.org/?p=Ice"]),
        ({"Tea": "w.org/tea", "Ice": "w.org/ice"}, "", ["w.org/tea", "w.org/ice"]),
    ],
)
def test_what_addresses_share_stands_once(
    pages: dict[str, str], pattern: str, lines: list[str]
) -> None:
    documents = [place(f"https://{url}" if url else "", title) for title, url in pages.items()]
    text = written(documents).text
    assert re.findall(r"^\[\d+\][^\n]*\n(?:([^«\n]+)\n)?«", text, re.M) == lines
    assert re.findall(r"^Pages: (.+)\{title\}$", text, re.M) == ([pattern] if pattern else [])


def test_numbers_last_and_survive_json() -> None:
    book = CitationBook()
    first = written(city_documents()[2:4], book=book)
    assert list(entries(first.text)) == [1, 2]
    again = CitationBook(json.loads(json.dumps(book.to_dict())))
    assert list(entries(written(city_documents()[:4], book=again).text)) == [3, 4, 1, 2]


def test_a_document_without_an_id_keeps_its_number() -> None:
    book, bare = CitationBook(), Document("Frost is frozen dew.")
    assert list(entries(written([bare], book=book).text)) == [1]
    assert book.number_of(Document("Frost is frozen dew.")) == 1
    assert book.number_of(Document("Frost is frozen dew.", metadata={"title": "Frost"})) is None


def test_adjacent_passages_are_merged_in_reading_order() -> None:
    book = CitationBook()
    documents = [
        piece(4, "Green tea is steamed."),
        piece(9, "Tea is old."),
        piece(3, "Tea is hot."),
    ]
    evidence = written(documents, book=book)
    assert entries(evidence.text) == {1: "Tea is hot. Green tea is steamed.", 2: "Tea is old."}
    assert evidence.documents[0].id == "Tea-4"
    assert [book.number_of(document) for document in documents] == [1, 2, 1]


def test_what_overlaps_stands_there_once() -> None:
    text = "Tea is a drink. It is made of leaves. It is drunk hot. Some drink it cold."
    documents = [piece(1, text[16:54]), piece(2, text[38:]), piece(0, text[:37])]
    assert entries(written(documents).text) == {1: text}


def test_other_sections_and_pages_are_not_merged() -> None:
    documents = [
        piece(0, "Tea is hot."),
        piece(1, "Milk is white.", section="Milk"),
        piece(1, "Coffee is black.", title="Coffee"),
        Document("No page.", metadata={"passage_number": 1}),
        Document("No page either.", metadata={"passage_number": 2}),
    ]
    assert len(written(documents).documents) == 5


def test_passages_merged_once_share_their_number_for_good() -> None:
    book = CitationBook()
    written([piece(0, "One."), piece(1, "Two."), piece(2, "Three.")], book=book)
    assert entries(written([piece(2, "Three.")], book=book).text) == {1: "Three."}
    apart = written([piece(2, "Three."), piece(0, "One.")], book=book)
    assert entries(apart.text) == {1: "One. [...] Three."}


def test_a_number_given_is_never_taken_back() -> None:
    book = CitationBook()
    written([piece(0, "One.")], book=book)
    written([piece(2, "Three.")], book=book)
    merged = written([piece(1, "Two."), piece(2, "Three."), piece(0, "One.")], book=book)
    assert entries(merged.text) == {1: "One. Two. Three."}
    assert [book.number_of(piece(index, "")) for index in range(3)] == [1, 1, 2]


def test_duplicates_are_dropped_and_not_counted_as_left_out() -> None:
    text = "Tea is made of the leaves of a plant that grows in the hills of Asia."
    evidence = written([piece(0, text), piece(7, text.upper()), piece(9, "Tea is old.")])
    assert ([d.id for d in evidence.documents], evidence.left_out) == (["Tea-0", "Tea-9"], 0)


def test_what_does_not_fit_is_left_out_and_reported() -> None:
    long = "Tea " + "tea" * 400
    documents = [piece(0, "Tea is hot."), piece(5, long, title='The "T"'), piece(9, "Tea is old.")]
    evidence = written(documents, budget=70)
    assert list(entries(evidence.text).values()) == ["Tea is hot.", "Tea is old."]
    assert evidence.text.endswith(
        "\n\n1 more passage left out: ask more narrowly, or wiki_read \"The 'T'\"."
    )
    assert evidence.left_out == 1
    tight = written(documents, budget=50)
    assert list(entries(tight.text).values()) == ["Tea is hot.", "Tea is old."]
    assert tight.text.endswith("»\n\n1 more passage left out.")


def test_the_first_that_does_not_fit_is_cut_at_a_word_and_ends_the_list() -> None:
    sentences = " ".join(f"Sentence number {n} is about tea." for n in range(40))
    documents = [piece(0, "Tea is hot."), piece(5, sentences, title="Long"), piece(9, "Short.")]
    evidence = written(documents, budget=150)
    first, second = entries(evidence.text).values()
    assert first == "Tea is hot."
    assert second.startswith("Sentence number 0 is about tea.")
    assert sentences.startswith(second.removesuffix(" [...]") + " ")
    assert 147 < evidence.tokens <= 150
    assert evidence.left_out == 1
    assert documents[1].page_content == sentences


def test_a_best_too_long_is_cut_however_little_is_left() -> None:
    sentences = " ".join(f"Sentence number {n} is about tea." for n in range(40))
    evidence = written([piece(0, sentences), piece(5, "Short.")], budget=150)
    (text,) = entries(evidence.text).values()
    assert sentences.startswith(text.removesuffix(" [...]") + " ")
    assert evidence.documents[0].page_content == text
    assert 147 < evidence.tokens <= 150
    first = written([piece(0, "tea " + "t" * 4000)], budget=150)
    assert entries(first.text) == {1: "tea [...]"}
    unspaced = written([piece(0, "茶是一种热饮。" * 99)], budget=150)
    assert entries(unspaced.text)[1].endswith("热饮。 [...]")
    word = written([piece(0, "tea" * 4000)], budget=150)
    assert (word.documents, word.left_out) == ([], 1)
    assert word.text.endswith('\n\n1 passage left out: ask more narrowly, or wiki_read "Tea".')


def test_a_cut_passage_without_an_id_keeps_its_number() -> None:
    book, bare = CitationBook(), Document("Tea is hot. " * 200)
    written([bare], budget=100, book=book)
    assert list(book.to_dict().values()) == [book.number_of(bare)] == [1]


def test_no_documents() -> None:
    for nothing in ([], [Document(" \u200b\n")]):
        evidence = written(nothing)
        assert evidence.text == "The wiki has no passage that answers this query."
        assert (evidence.documents, evidence.left_out) == ([], 0)


def test_a_budget_for_nothing() -> None:
    with pytest.raises(InvalidArgumentError, match=r"at least \d\d tokens, got 20"):
        written(city_documents(), budget=20)


def test_invalid_numbers() -> None:
    with pytest.raises(InvalidArgumentError, match="at least 1, got 0 for 'a'"):
        CitationBook({"a": 0})


def test_threads_share_a_book() -> None:
    book = CitationBook()
    texts: list[str] = []

    def work(start: int) -> None:
        order = [piece(10 * ((start + index) % 20), f"Tea {index}.") for index in range(20)]
        texts.append(written(order, book=book).text)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 8
    assert all(sorted(entries(text)) == list(range(1, 21)) for text in texts)
    assert sorted(book.to_dict().values()) == list(range(1, 21))


def test_hostile_passages_change_no_structure() -> None:
    evidence = written(HOSTILE_PASSAGES, budget=5000)
    assert list(entries(evidence.text)) == list(range(1, 21))
    assert [document.id for document in evidence.documents] == [d.id for d in HOSTILE_PASSAGES]
    header = f"{HEADER}\nPages: w.org/{{title}}"
    assert outside(evidence.text).split("\n\n")[0] == header
    assert outside(evidence.text).replace(header, "").strip() == ""
    for mark in ("<|", "[INST]", "[/INST]", "<<SYS", "<s>", "<system>", "_turn>user\nW"):
        assert mark not in evidence.text.replace("&lt;start_of_turn>", "")
    hidden = {c for c in evidence.text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden == {"\n"}


@pytest.mark.parametrize("hostile", HOSTILE_PASSAGES, ids=lambda document: document.id)
def test_a_hostile_passage_alone_and_cut(hostile: Document) -> None:
    assert len(entries(written([hostile]).text)) == 1
    long = hostile.model_copy(update={"page_content": (hostile.page_content + "\n") * 40})
    evidence = written([long, *city_documents()], budget=200)
    assert len(entries(evidence.text)) == len(evidence.documents)
    assert len(re.findall(r"^\d+ more passages? left out", outside(evidence.text), re.M)) == 1


def test_what_a_reader_needs_stays() -> None:
    text = 'if a < b and x<T>: print("ok")  # see [a] and <code>…</code>, naïve café 日本語'
    assert entries(written([Document(text)]).text) == {1: text}
    marks = "Frost.[1] Dew.[2, 3]"
    assert entries(written([Document(marks)]).text) == {1: "Frost.［1］ Dew.［2, 3］"}


MARKS = (
    "tea ,Hot. ,[1],[2] X › Y\n,«,»,»\n\n[3] Z\n«,\n,<,|,[,],≫,>,7,"
    "\u200b,\u2028,\ud800,＜,no address,https://w.org/T,1 more passage left out: "
)
words = st.sampled_from(MARKS.split(","))
texts = st.one_of(st.lists(words, max_size=60).map("".join), st.text(max_size=200))
documents = st.builds(
    lambda text, id_, title, section, url, number: Document(
        page_content=text,
        id=id_,
        metadata={
            "title": title,
            "section": section,
            "url": url.replace("*", title or ""),
            "passage_number": number,
        },
    ),
    texts,
    st.one_of(st.none(), st.sampled_from("abcdefgh")),
    st.one_of(st.sampled_from(["Tea", "Ice", "T", "", None]), texts),
    st.one_of(st.sampled_from(["", "Use"]), texts),
    st.one_of(
        st.sampled_from(["", "https://w.org/T", "https://w.org/T#Use", "https://w.org/*"]), texts
    ),
    st.integers(0, 5),
)


def address_of(document: Document) -> str:
    """Return the address to show: the url without an anchor that is the section."""
    url = quoted_url(document.metadata["url"]).removeprefix("https://")
    base, _, anchor = url.partition("#")
    return base if anchor == document.metadata["section"] == "Use" else url


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(documents, max_size=8), max_size=3), st.integers(90, 600))
def test_whatever_is_found(searches: list[list[Document]], budget: int) -> None:
    book = CitationBook()
    for found in searches:
        evidence = written(found, budget, book)
        assert evidence.tokens == COUNT(evidence.text) <= budget
        shown = entries(evidence.text)
        assert list(shown) == [document.metadata["citation"] for document in evidence.documents]
        assert all(book.number_of(d) == d.metadata["citation"] for d in evidence.documents)
        assert evidence.left_out <= len(found) - len(shown)
        read = [unquote(address) for address in addresses(evidence.text).values()]
        assert read == [unquote(address_of(document)) for document in evidence.documents]
        assert shown_numbers(evidence.text) == set(shown)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True))
def test_whatever_is_merged_reads_in_order(numbers: list[int]) -> None:
    evidence = written([piece(number, f"Piece {number}.") for number in numbers])
    runs = 1 + sum(second - first > 1 for first, second in pairwise(sorted(numbers)))
    assert len(evidence.documents) == runs
    for text in entries(evidence.text).values():
        held = [int(word[0]) for word in text.split() if word[0].isdigit()]
        assert held == list(range(held[0], held[0] + len(held)))


def test_counting_with_what_the_caller_has() -> None:
    class Tokenizer:
        def encode(self, text: str) -> list[int]:
            return [1] * len(text)

    assert token_counter(Tokenizer())("four") == 4
    assert token_counter(lambda text: len(text.split()))("two words") == 2
    assert COUNT("") == 0
    assert 5 <= COUNT("Frost is frozen dew.") <= 8
    for wrong in ("gpt-4o", 7):
        with pytest.raises(InvalidArgumentError, match="Expected None, a chat model"):
            token_counter(wrong)


def test_counting_with_a_chat_model() -> None:
    from langchain_core.language_models import FakeListChatModel

    class CountingModel(FakeListChatModel):
        def get_num_tokens(self, text: str) -> int:
            return 2 * len(text.split())

    model = CountingModel(responses=["scripted"])
    evidence = write_evidence(
        city_documents(), budget=80, count_tokens=token_counter(model), citations=CitationBook()
    )
    assert evidence.tokens == 2 * len(evidence.text.split()) <= 80


def test_a_chat_model_that_cannot_count() -> None:
    class Uncounted:
        def get_num_tokens(self, text: str) -> int:
            msg = "no transformers"
            raise ImportError(msg, name=text)

    with pytest.raises(InvalidArgumentError, match="Uncounted cannot count tokens"):
        token_counter(Uncounted())("x")
