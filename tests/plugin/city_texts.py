"""Five passages with obvious right answers."""

from __future__ import annotations

from langchain_core.documents import Document

CITIES = [
    ("Canberra", "History", "Canberra was chosen as the capital of Australia in 1908."),
    ("Canberra", "Climate", "Winters in Canberra are cold, with frost on many nights."),
    ("Sydney", "", "Sydney is the most populous city of Australia."),
    ("Sourdough", "Method", "Sourdough bread is leavened by wild yeast and bacteria."),
    ("Violin", "Strings", "A violin has four strings, usually tuned in perfect fifths."),
]
CAPITAL = "Which city was chosen as the capital of Australia?"


def city_documents() -> list[Document]:
    """The passages as documents; the first answers `CAPITAL`."""
    return [
        Document(
            page_content=text,
            id=f"city-{number}",
            metadata={"title": title, "section": section, "url": f"https://w.org/{title}"},
        )
        for number, (title, section, text) in enumerate(CITIES)
    ]
