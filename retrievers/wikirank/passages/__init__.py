"""Passages: ids, sections, sentences, splitters, duplicates. Knows no wiki format."""
