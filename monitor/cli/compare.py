"""`driftd compare`: two files, what changed, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import roles
from monitor.cli.output import (
    DRIFT_FOUND,
    WELL,
    FailOn,
    FailOnOption,
    Format,
    FormatOption,
    console,
    note,
    print_json,
)

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.compare import ColumnChange, Comparison

_EXAMPLES = """[bold]Examples[/bold]

driftd compare training.parquet today.parquet

driftd compare reference.driftref logs/today.ndjson --fail-on drift

driftd compare january.csv february.csv --label churned --ignore row,date --format json
"""
_MANY = 12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(compare)


ReferenceArgument = Annotated[
    str, typer.Argument(help="What is normal: a data file, or a built reference (.driftref).")
]
CurrentArgument = Annotated[
    str, typer.Argument(help="What is compared with it: a data file, a folder or a glob.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Show pictures of columns that are well, too.")]


def compare(
    reference: ReferenceArgument,
    current: CurrentArgument,
    *,
    timestamp: roles.TimestampOption = None,
    prediction: roles.PredictionOption = None,
    score: roles.ScoreOption = None,
    label: roles.LabelOption = None,
    identifier: roles.IdOption = None,
    latency: roles.LatencyOption = None,
    status: roles.StatusOption = None,
    version: roles.VersionOption = None,
    ignore: roles.IgnoreOption = None,
    every: AllOption = False,
    fail_on: FailOnOption = None,
    form: FormatOption = Format.TEXT,
) -> None:
    """Compare two files, without any configuration: what changed, worst first, with pictures of both distributions."""
    from monitor.logs import configure_logging
    from monitor.two_files import compare_files

    configure_logging(level="warning", form="text")
    given = roles.given_roles(
        timestamp=timestamp, prediction=prediction, score=score, label=label, id=identifier,
        latency=latency, status=status, version=version, ignore=ignore,
    )  # fmt: skip
    found, remarks = compare_files(reference, current, given)
    if form is Format.JSON:
        print_json(found.to_json())
    else:
        for remark in remarks:
            note(remark)
        _print(console(), found, every=every)
    bad = {FailOn.DRIFT: ("drift",), FailOn.WARNING: ("drift", "warning"), None: ()}[fail_on]
    raise typer.Exit(DRIFT_FOUND if found.verdict.value in bad else WELL)


def _print(terminal: Console, found: Comparison, *, every: bool) -> None:
    from monitor.cli.findings import coloured

    rows = f"{found.reference.rows:,} rows in the reference, {found.now.rows:,} now"
    terminal.print(f"{coloured(found.verdict.value)}   {rows}\n")
    well = [column for column in found.columns if column.verdict.value in {"ok", "insufficient"}]
    for column in found.columns:
        if every or column not in well:
            _print_column(terminal, found, column)
    if well and not every:
        names = ", ".join(column.name for column in well[:_MANY] if column.name)
        more = f" and {len(well) - _MANY} more" if len(well) > _MANY else ""
        terminal.print(f"nothing to tell of {names}{more}", markup=False)


def _print_column(terminal: Console, found: Comparison, column: ColumnChange) -> None:
    from rich.markup import escape

    from monitor.cli.findings import coloured

    terminal.print(f"[bold]{escape(column.name or 'all rows')}[/bold]  {coloured(column.verdict.value)}")
    told = [result for result in column.results if result.verdict.value not in {"ok", "insufficient"}]
    for result in told or column.results[:1]:
        terminal.print(
            f"  {result.test.replace('_', ' ')}: {escape(result.detail or _numbers(result.statistic))}"
        )
    i = found.reference.layout.index.get(column.name)
    if i is not None:
        _print_picture(terminal, found, i)
    terminal.print()


def _numbers(statistic: float) -> str:
    return f"{statistic:.3g}"


def _print_picture(terminal: Console, found: Comparison, i: int) -> None:
    from rich.table import Table

    from monitor.cli.pictures import Histogram, picture

    seen = picture(found.reference.profile, found.now, i)
    if seen is None:
        return
    if isinstance(seen, Histogram):
        before, now, axis = seen.lines()
        for name, line, colour in (
            ("reference", before, "cyan"),
            ("now", now, "yellow"),
            ("", axis, "bright_black"),
        ):
            terminal.print(f"  {name:<9}  [{colour}]{line}[/{colour}]")
        return
    table = Table(box=None, show_header=True, header_style="bright_black", pad_edge=True)
    for heading in ("", "reference", "now"):
        table.add_column(heading)
    for name, before, now in seen.lines():
        table.add_row(name, f"[cyan]{before}[/cyan]", f"[yellow]{now}[/yellow]")
    terminal.print(table)
