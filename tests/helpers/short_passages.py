"""A query and short passages, two on each topic, for tests of models."""

from __future__ import annotations

QUERY = "Which animal hunts herring in the sea?"
TEXTS = [
    "Cod, seals and gannets hunt herring all year round.",
    "Herring is a small fish of the North Atlantic that lives in great shoals.",
    "Bread is a food baked from flour and water.",
    "A sourdough is raised by wild yeasts and bacteria, and baked in a hot oven.",
    "The violin is a wooden instrument with four strings.",
    "Orchestras seat their violins in two sections.",
    "The river rises in the hills and flows to the sea.",
    "Gannets dive from a great height.",
]
