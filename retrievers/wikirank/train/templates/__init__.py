"""Templates of model cards, and the filters and tables that they use."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from wikirank.train.fit.history import EpochRecord, markdown_table


def render(template: str, **values: Any) -> str:
    """Render a template of this folder to Markdown. A missing value is an error."""
    environment = Environment(
        loader=PackageLoader(__name__, ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(figure=figure, json=json.dumps, cell=_cell)
    environment.globals.update(
        table=markdown_table, metrics_table=_metrics_table, epochs_table=_epochs_table
    )
    return environment.get_template(template).render(values)


def figure(value: float) -> str:
    """Format a metric for a model card."""
    return f"{value:.4f}"


def _metrics_table(head: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    names = list(next(iter(rows.values())))
    cells = [[name, *(figure(metrics[key]) for key in names)] for name, metrics in rows.items()]
    return markdown_table([head, *names], cells)


def _epochs_table(epochs: Sequence[EpochRecord], form: str) -> str:
    names = list(epochs[0].metrics)
    cells = [
        [form % e.epoch, str(e.step), figure(e.loss), *(figure(e.metrics[name]) for name in names)]
        for e in epochs
    ]
    return markdown_table(["epoch", "step", "training loss", *names], cells)


def _cell(text: str) -> str:
    """Escape a text for one cell of a table."""
    escaped = html.escape(text, quote=False).replace("|", "\\|")
    return f"<code>{'<br>'.join(escaped.splitlines())}</code>"
