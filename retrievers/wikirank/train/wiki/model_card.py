"""The model card of a cross-encoder trained by the wiki recipe."""

from __future__ import annotations

from wikirank.train.templates import render
from wikirank.train.wiki.record import WikiRecord, few_lists


def wiki_model_card(record: WikiRecord) -> str:
    """Return the model card of a run as Markdown with YAML front matter."""
    questions = record.settings.get("questions", {})
    settings = {
        **record.settings["groups"],
        **{f"questions: {name}": value for name, value in questions.items()},
        **record.settings["training"],
    }
    return render(
        "wiki.md.j2", record=record, settings=settings, few_lists=few_lists(record.held_out)
    )
