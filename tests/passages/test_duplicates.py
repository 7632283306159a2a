from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.passages.duplicates import without_duplicates

ADA = "Ada Lovelace was an English mathematician and writer, known for her work on the engine."


def test_exact_duplicates_keep_the_first() -> None:
    assert without_duplicates([ADA, "Something else.", ADA]) == [0, 1]


def test_case_and_punctuation_do_not_tell_texts_apart() -> None:
    assert without_duplicates([ADA, ADA.upper().replace(",", " –")]) == [0]


def test_similarity_by_hand() -> None:
    # 13 words make 10 shingles, 14 words make 11; 10 are common: Jaccard 10/11.
    words = list("bcdefghjklmnop")
    texts = [" ".join(words[:13]), " ".join(words)]
    assert without_duplicates(texts, jaccard=0.90) == [0]
    assert without_duplicates(texts, jaccard=0.92) == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rules of 2019", "Rules of 2020"),
        ("It opens on 5 May", "It opens on 6 May"),
        ("It opens in May", "It opens in June"),
        ("The second of the wars", "The third of the wars"),
        ("Chapter IV of the book", "Chapter V of the book"),
        ("It weighs 1.5 t", "It weighs 1.6 t"),
        ("在2019年", "在2020年"),
        ("France beat Croatia 4–2", "France beat Croatia 2–4"),
        ("It was −5 degrees", "It was 5 degrees"),
        ("The thirteenth of its kind", "The fourteenth of its kind"),
        ("Louis XIV reigned", "Louis XVI reigned"),
        ("It has twenty rooms", "It has thirty rooms"),
        ("Version 1.2.3", "Version 1.3.2"),
    ],
)
def test_texts_that_differ_in_a_number_or_date_are_distinct(one: str, other: str) -> None:
    rest = " and whoever breaks a rule is told so by the keeper of the rules" * 9
    assert without_duplicates([one + rest, other + rest]) == [0, 1]
    assert without_duplicates([one + rest, one + rest]) == [0]


def test_the_same_text_under_another_title_is_distinct() -> None:
    assert without_duplicates([ADA, ADA, ADA], titles=["Ada", "Ada (film)", "Ada"]) == [0, 1]


def test_short_and_wordless_texts() -> None:
    assert without_duplicates(["yes", "no", "yes", "…", "!", "…"]) == [0, 1, 3, 4]


@given(st.lists(st.text(max_size=60), max_size=12))
def test_first_of_each_kind_stays_and_a_second_pass_changes_nothing(texts: list[str]) -> None:
    kept = without_duplicates(texts)
    assert kept == sorted(set(kept))
    assert {texts[position] for position in kept} <= set(texts)
    assert not texts or kept[0] == 0
    survivors = [texts[position] for position in kept]
    assert without_duplicates(survivors) == list(range(len(survivors)))


def test_no_more_is_looked_at_than_is_kept() -> None:
    texts = [f"Text {number} of its own." for number in (1, 1, 2, 2, 3, 4)]
    whole = without_duplicates(texts)
    assert [without_duplicates(texts, limit=limit) for limit in range(1, 6)] == [
        whole[:limit] for limit in range(1, 6)
    ]
