"""`driftd check`: is the configuration right, and what would be monitored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.configuration import DEFAULT_CONFIG, ConfigOption
from monitor.cli.output import BAD_USAGE, FAILED, WELL, Format, FormatOption, console, note, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.settings.mistakes import ConfigurationError

_EXAMPLES = """[bold]Examples[/bold]

driftd check

driftd check --config /etc/driftd/driftd.yaml --format json

driftd check --offline
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(check)


def check(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Look for nothing over the network: no broker, no receiver. For a pipeline that reaches none.",
        ),
    ] = False,
    form: FormatOption = Format.TEXT,
) -> None:
    """Check configuration, references, sources and receivers, and say what would be monitored.

    The first records are read by the mapping; receivers are connected to, but sent nothing. Exit code 2 when the
    configuration is wrong, with every mistake; 1 when a reference or source cannot be used.
    """
    from monitor.checking import check_settings
    from monitor.logs import configure_logging
    from monitor.settings.load import load
    from monitor.settings.mistakes import ConfigurationError

    configure_logging(level="error", form="text")
    try:
        loaded = load(config)
    except ConfigurationError as error:
        if form is Format.JSON:
            print_json(_refused(error))
            raise typer.Exit(BAD_USAGE) from None
        raise
    found = check_settings(loaded.settings, offline=offline)
    found["warnings"] = [*loaded.warnings, *found["warnings"]]
    answer = {"ok": not found["problems"], "mistakes": [], **found}
    if form is Format.JSON:
        print_json(answer)
    else:
        _print(console(), answer)
    raise typer.Exit(WELL if answer["ok"] else FAILED)


def _refused(error: ConfigurationError) -> dict[str, Any]:
    """The answer where the configuration itself is wrong: nothing else was looked at."""
    nothing: dict[str, Any] = {"state": None, "monitors": [], "sinks": [], "problems": [], "warnings": []}
    return {"ok": False, "mistakes": [_mistake(m) for m in error.mistakes], **nothing}


def _mistake(mistake: Any) -> dict[str, Any]:
    names = ("source", "line", "key", "message", "hint")
    return {name: getattr(mistake, name) for name in names}


def _print(terminal: Console, answer: dict[str, Any]) -> None:
    from rich.markup import escape

    for warning in answer["warnings"]:
        note(f"warning: {warning}")
    for monitor in answer["monitors"]:
        terminal.print(f"[bold]{escape(monitor['name'])}[/bold]")
        _print_monitor(terminal, monitor)
    for sink in answer["sinks"]:
        on = ", ".join(sink["on"])
        terminal.print(
            f"alerts ({on}) go to {sink['name']}" + (f", {sink['to']}" if sink["to"] else ""), markup=False
        )
    for problem in answer["problems"]:
        hint = f" ({problem['hint']})" if problem["hint"] else ""
        note(f"problem: {problem['where']}: {problem['message']}{hint}")
    terminal.print(
        "[green]the configuration is right[/green]" if answer["ok"] else "[bold red]not usable yet[/bold red]"
    )


def _there(source: dict[str, Any]) -> str:
    """What is there to read."""
    if "files" not in source:
        topics = source.get("topics")
        if topics is None:
            return f"{source['type']}; what is there now is not known"
        told = (
            f"{t['topic']}: {t['partitions']} partition{'s'[: t['partitions'] != 1]}, {t['messages']:,} messages now"
            for t in topics
        )
        return "; ".join(told) or "nothing to read yet: no topic"
    if not source["files"]:
        return "nothing to read yet: no file, or only empty ones"
    return f"{source['files']:,} file{'s'[: source['files'] != 1]}, {source['bytes']:,} bytes now"


def _tried(tried: dict[str, Any]) -> str:
    """How the mapping fits."""
    rejected = sum(tried["rejected"].values())
    told = f"{tried['rows']:,} read by the mapping"
    if rejected:
        told += f", {rejected:,} records rejected"
    if tried["empty"]:
        told += f", {len(tried['empty'])} columns without a value"
    return told


def _print_monitor(terminal: Console, monitor: dict[str, Any]) -> None:
    from rich.table import Table

    source = monitor["source"]
    terminal.print(f"  source      {_there(source)}", markup=False)
    if source.get("tried") is not None:
        terminal.print(f"  first rows  {_tried(source['tried'])}", markup=False)
    if monitor.get("reference") is None:
        return
    reference = monitor["reference"]
    terminal.print(
        f"  reference   {reference['rows']:,} rows from {reference['provenance'] or 'a file'}", markup=False
    )
    for window in monitor["windows"]:
        expected = (
            f"about {window['expected_rows']:,} rows"
            if window["expected_rows"]
            else "an unknown number of rows"
        )
        line = f"  window      {window['name']}: {expected}, at least {window['min_rows']:,} to say anything"
        terminal.print(line, markup=False)
    terminal.print(
        f"  tests       {', '.join([*monitor['tests'], *monitor['change_detectors']])}", markup=False
    )
    if (retraining := monitor["retraining"]) is not None:
        when = [*retraining["causes"], *([retraining["schedule"]] if retraining["schedule"] else [])]
        terminal.print(f"  retraining  {', '.join(when)}: {retraining['to']} is called", markup=False)
    table = Table("  column", "role", "kind", "values", "rows that count", box=None)
    for column in reference["columns"]:
        design = column["design_effect"]
        counts = "not measured" if design is None else "all" if design <= 1 else f"1 of {design:.3g}"
        table.add_row(f"  {column['name']}", column["role"], column["kind"], column["values"], counts)
    terminal.print(table)
    for remark in monitor["remarks"]:
        terminal.print(f"  note: {remark}", markup=False)
