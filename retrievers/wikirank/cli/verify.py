"""`wikirank verify`: check an index for damage and repair it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from wikirank.cli.options import IndexOption, JsonOption

if TYPE_CHECKING:
    from wikirank.index.verify.report import Check, Verification


def command(
    index: IndexOption,
    full: Annotated[
        bool,
        typer.Option("--full", help="Compute all vectors again to compare them, instead of 200."),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be restored from the index alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every part of an index: passages, ledger, lexical index, search graph, vectors.

    Without `--repair` nothing is changed. The exit status is 0 if the index is intact and 1 if it
    is damaged. You can run an interrupted repair again.

    Examples:
    - `wikirank verify --index my-index`

    - `wikirank verify --index my-index --full --json`

    - `wikirank verify --index my-index --repair`
    """
    from wikirank.index.verify.repair import repair_index
    from wikirank.index.verify.run import verify_index

    console = Console(stderr=True)
    repairs = repair_index(index, full=full) if repair else []
    result = verify_index(index, full=full)
    if as_json:
        typer.echo(json.dumps({**result.as_dict(), "repaired": repairs}, ensure_ascii=False))
    else:
        for sentence in repairs:
            console.print(sentence, markup=False, highlight=False)
        _show(result)
    raise typer.Exit(0 if result.whole else 1)


def _show(result: Verification) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in ("check", "checked", "faults", "seconds"):
        table.add_column(name, justify="left" if name == "check" else "right")
    for check in result.checks:
        faults = str(check.faults) if check.faults else "none"
        table.add_row(check.name, f"{check.seen} {check.unit}", faults, f"{check.seconds:.2f}")
    console.print(table)
    for check in result.checks:
        _show_details(console, check)
    verdict = "intact" if result.whole else "damaged"
    console.print(f"The index in {result.path} is {verdict}.", markup=False, highlight=False)
    for advice in result.advice:
        console.print(advice, markup=False, highlight=False, soft_wrap=True)


def _show_details(console: Console, check: Check) -> None:
    lines = [*check.examples, *([check.note] if check.note else [])]
    if check.faults > len(check.examples):
        lines.insert(len(check.examples), f"and {check.faults - len(check.examples)} more")
    for line in lines:
        console.print(f"{check.name}: {line}", markup=False, highlight=False, soft_wrap=True)
