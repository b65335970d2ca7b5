"""`driftd status`: what a daemon's state file says, read beside the running daemon."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.configuration import DEFAULT_CONFIG, ConfigOption, StateOption, configured
from monitor.cli.moments import ago
from monitor.cli.output import CommandError, Format, FormatOption, console, print_json
from monitor.places import gap_json, place_json

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.state import State
    from monitor.state.windows import StoredWindow

_EXAMPLES = """[bold]Examples[/bold]

driftd status

driftd status --state /var/lib/driftd/driftd.state --format json
"""
_BAD = ("warning", "drift", "error")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(status)


def status(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
    windows: Annotated[int, typer.Option(min=0, help="Closed windows to show for each monitor.")] = 5,
    form: FormatOption = Format.TEXT,
) -> None:
    """Show monitors, rows by outcome, last windows, alerts and waiting messages."""
    from monitor.state import State

    path, names = _where(config, state)
    now = time.time_ns() // 1000
    with State.open(path, read_only=True) as opened:
        found = names if names is not None else _names(opened)
        answer = {
            "state": str(path),
            "monitors": [_monitor(opened, name, windows, now) for name in found],
            "deliveries": _deliveries(opened),
        }
    if form is Format.JSON:
        print_json(answer)
    else:
        _print(console(), answer, now)


def _where(config: Path, state: Path | None) -> tuple[Path, list[str] | None]:
    """The state file and the monitors; None where only the state file knows them."""
    if state is None:
        settings = configured(config).settings
        path, names = settings.state, [monitor.name for monitor in settings.monitors]
    else:
        path, names = state, None
    if not path.exists():
        raise CommandError(f"there is no state file {path}", "it is made by: driftd run")
    return path, names


def _names(state: State) -> list[str]:
    from monitor.state import WindowFilter

    windows = {window.monitor for window in state.windows.find(WindowFilter(), limit=10_000)}
    return sorted(windows | {monitor for monitor, _ in state.alerts.counts()})


def _monitor(state: State, name: str, windows: int, now: int) -> dict[str, Any]:
    from monitor.checkpoint import INTAKE
    from monitor.state import WindowFilter

    intake = state.documents.get(name, INTAKE) or {}
    mark = intake.get("watermark", {}).get("value")
    mark = mark if isinstance(mark, int) and mark > 0 else None
    closed = state.windows.find(WindowFilter(monitor=name), limit=windows) if windows else []
    return {
        "name": name,
        "watermark": place_json(mark),
        "watermark_age_seconds": None if mark is None else round((now - mark) / 1e6, 3),
        "records": state.counts.of(name),
        "gaps": [gap_json(gap) for gap in state.gaps.of(name)],
        "windows": [_window(window) for window in closed],
        "alerts": [
            {
                key: alert.get(key)
                for key in ("cause", "state", "severity", "version", "segment", "at", "summary")
            }
            for alert in (stored["alert"] for stored in state.alerts.of(name).values())
        ],
    }


def _window(window: StoredWindow) -> dict[str, Any]:
    return {
        "window": window.name,
        "version": window.version,
        "segment": window.segment,
        "start": place_json(window.start),
        "end": place_json(window.end),
        "rows": window.rows,
        "verdict": window.verdict,
        "results": [result for result in window.results if result["verdict"] in _BAD],
    }


def _deliveries(state: State) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (destination, standing), number in state.outbox.counts().items():
        found.setdefault(destination, {})[standing.value] = number
    return found


def _print(terminal: Console, answer: dict[str, Any], now: int) -> None:
    from rich.markup import escape

    terminal.print(f"state file {escape(answer['state'])}")
    for monitor in answer["monitors"]:
        terminal.print(f"\n[bold]{escape(monitor['name'])}[/bold]")
        age = monitor["watermark_age_seconds"]
        reached = (
            f"{monitor['watermark']} ({ago(now - round(age * 1e6), now)})"
            if age is not None
            else "no rows with a time yet"
        )
        terminal.print(f"  event time  {reached}")
        records = ", ".join(f"{rows:,} {outcome}" for outcome, rows in monitor["records"].items())
        terminal.print(f"  records     {records or 'none yet'}")
        if monitor["gaps"]:
            missing = sum(gap["records"] for gap in monitor["gaps"])
            last = monitor["gaps"][-1]
            terminal.print(
                f"  missing     [bold]{missing:,}[/bold] records in {len(monitor['gaps'])} places of the source, "
                f"such as {escape(last['partition'])} from {last['start']} ({last['reason']})"
            )
        for alert in monitor["alerts"]:
            terminal.print(f"  alert       [bold]{alert['state']}[/bold] {escape(str(alert['summary']))}")
        for window in monitor["windows"]:
            _print_window(terminal, window)
    for destination, counts in answer["deliveries"].items():
        words = ", ".join(f"{number:,} {standing}" for standing, number in counts.items())
        terminal.print(f"\nmessages to {escape(destination)}: {words}")


def _print_window(terminal: Console, window: dict[str, Any]) -> None:
    from rich.text import Text

    from monitor.cli.findings import COLOURS, named, place

    of = "  ".join(part for part in (window["version"], window["segment"]) if part)
    line = Text(
        f"  window      {window['window']} from {place(window['start'])}  {of}  {window['rows']:,} rows  "
    )
    line.append(window["verdict"], style=COLOURS.get(window["verdict"], ""))
    line.append(f"  {named(window['results'])}")
    terminal.print(line, overflow="ellipsis", no_wrap=True)
