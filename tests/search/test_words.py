"""Words that the page marks, in any script."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from wikirank.index.bm25 import LexicalIndex
from wikirank.search.words import words_in
from wikirank.types import Passage

STATIC = Path(__file__).parents[2] / "retrievers" / "wikirank" / "serve" / "static"

TEXTS = {
    "The sky's blue, isn't_it?": ["The", "sky", "s", "blue", "isn", "t", "it"],
    "हिन्दी में": ["हिन्दी", "में"],
    "Пу́шкин": ["Пу́шкин"],
    "東京都は": ["東京", "京都", "都は"],
    "在AI时代": ["在", "AI", "时代"],
    "กรุงเทพ": ["กร", "รุ", "ุง", "งเ", "เท", "ทพ"],
    "Zu\u0308rich": ["Zu\u0308rich"],
}


@pytest.mark.parametrize("text", TEXTS)
def test_words_of_any_script(text: str) -> None:
    assert list(words_in(text)) == TEXTS[text]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("東京都の人口は約1400万人である。", "東京の人口", {"東京", "人口"}),
        ("Пу́шкин родился в Москве.", "Пушкин", {"Пу́шкин"}),
        ("हिन्दी भारत की भाषा है।", "हिन्दी", {"हिन्दी"}),
    ],
)
def test_what_counts_as_a_hit_is_marked(text: str, query: str, marked: set[str]) -> None:
    index = LexicalIndex.in_memory([Passage(id="1", text=text)])
    assert marked <= index.matching_words(query, words_in(text)) <= {*words_in(text)}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_page_finds_the_same_words() -> None:
    script = (STATIC / "cards.js").read_text("utf-8")
    start = script.index("const UNSPACED"), script.index("export function appendMarked")
    code = script[slice(*start)] + (
        "const texts = JSON.parse(process.argv[1]);"
        "console.log(JSON.stringify(texts.map(([text, words]) =>"
        " [...matches(text, new Set(words))].map(([a, b]) => text.slice(a, b)))));"
    )
    given = json.dumps([[text, words] for text, words in TEXTS.items()])
    run = subprocess.run(["node", "-e", code, given], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == list(TEXTS.values())
