"""`driftd reference`: fit and save a reference, and print what one holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import roles
from monitor.cli.output import CommandError, Format, FormatOption, console, note, print_json

if TYPE_CHECKING:
    from detectors.reference import Reference

app = typer.Typer(no_args_is_help=True, help="References: what a model's data looked like when it was well.")

_BUILD_EXAMPLES = """[bold]Examples[/bold]

driftd reference build training.parquet --output reference.driftref

driftd reference build training.csv --output reference.driftref --config driftd.yaml

driftd reference build "logs/2026-01-*.ndjson" --output january.driftref --label churned --ignore row
"""
_SHOW_EXAMPLES = """[bold]Examples[/bold]

driftd reference show reference.driftref

driftd reference show reference.driftref --format json
"""


@app.command(epilog=_BUILD_EXAMPLES)
def build(
    data: Annotated[str, typer.Argument(help="Parquet, CSV or NDJSON: a file, a folder or a glob.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The reference to write (.driftref).")],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Take the mapping of this configuration instead of guessing."),
    ] = None,
    monitor: Annotated[
        str | None, typer.Option(help="Whose mapping, where there are several monitors.")
    ] = None,
    timestamp: roles.TimestampOption = None,
    prediction: roles.PredictionOption = None,
    score: roles.ScoreOption = None,
    label: roles.LabelOption = None,
    identifier: roles.IdOption = None,
    latency: roles.LatencyOption = None,
    status: roles.StatusOption = None,
    version: roles.VersionOption = None,
    segment: roles.SegmentOption = None,
    ignore: roles.IgnoreOption = None,
) -> None:
    """Fit a reference from data in its own order, and save it."""
    from monitor.building import build_reference, save_reference

    given = roles.given_roles(
        timestamp=timestamp, prediction=prediction, score=score, label=label, id=identifier,
        latency=latency, status=status, version=version, segment=segment, ignore=ignore,
    )  # fmt: skip
    built, remarks = build_reference(data, given, config, monitor)
    path = save_reference(built, output)
    for remark in remarks:
        note(remark)
    note(f"{path}: {built.rows:,} rows, {len(built.layout.columns)} columns")


@app.command(epilog=_SHOW_EXAMPLES)
def show(
    path: Annotated[Path, typer.Argument(help="A built reference (.driftref).")],
    form: FormatOption = Format.TEXT,
) -> None:
    """Print what a reference holds, and how much its rows depend on each other."""
    from monitor.decode.mapping import Records
    from monitor.referencing import SUFFIX, load_reference
    from monitor.summary import reference_summary

    if path.suffix != SUFFIX:
        hint = f"make one with: driftd reference build {path} --output reference{SUFFIX}"
        raise CommandError(f"{path} is not a built reference", hint)
    reference = load_reference(path, Records())
    if form is Format.JSON:
        print_json(reference_summary(reference))
    else:
        print_reference(reference, reference_summary(reference))


def print_reference(reference: Reference, summary: dict[str, Any]) -> None:
    """A table of the columns, with small pictures."""
    from rich.table import Table

    from monitor.cli.pictures import sparkline

    terminal = console()
    rate = summary["rate_per_second"]
    terminal.print(f"{summary['rows']:,} rows" + (f", {rate:.3g} a second" if rate else ""), markup=False)
    if summary["provenance"]:
        terminal.print(f"from {summary['provenance']}", markup=False)
    table = Table("column", "role", "kind", "null", "values", "looks like", "rows that count", box=None)
    for column in summary["columns"]:
        i = reference.layout.index[column["name"]]
        table.add_row(
            *(
                column["name"],
                column["role"],
                column["kind"],
                f"{column['null_share']:.1%}",
                column["values"],
            ),
            *(sparkline(reference.profile, i), _dependence(column["design_effect"])),
        )
    terminal.print(table)
    for remark in summary["remarks"]:
        terminal.print(remark, markup=False)


def _dependence(design: float | None) -> str:
    if design is None:
        return "not measured"
    return "all" if design <= 1 else f"1 of {design:.3g}"
