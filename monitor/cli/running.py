"""`driftd run` and `driftd replay`: the pipeline as a daemon, and over history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.configuration import DEFAULT_CONFIG, ConfigOption, configured
from monitor.cli.output import DRIFT_FOUND, WELL, FailOn, FailOnOption, Format, FormatOption, note, print_json

if TYPE_CHECKING:
    from monitor.replay import Replay
    from monitor.settings import Settings

_RUN_EXAMPLES = """[bold]Examples[/bold]

driftd run

driftd run --config /etc/driftd/driftd.yaml

SIGTERM stops it, SIGHUP reads the configuration again.
"""
_REPLAY_EXAMPLES = """[bold]Examples[/bold]

driftd replay

driftd replay --config driftd.yaml --format json > findings.ndjson

driftd replay --fail-on drift && deploy
"""
_DEMO_EXAMPLES = """[bold]Examples[/bold]

driftd demo

driftd demo --exit --keep demo-files
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=_RUN_EXAMPLES)(run)
    app.command(epilog=_REPLAY_EXAMPLES)(replay)
    app.command(epilog=_DEMO_EXAMPLES)(demo)


def run(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    once: Annotated[bool, typer.Option("--once", help="End when every source is read to its end.")] = False,
) -> None:
    """Watch, as a daemon: read logs, compare windows, serve metrics, send alerts and retraining calls."""
    from monitor.daemon import Daemon

    Daemon(load=lambda: _logged(config), once=once).run()


def _logged(config: Path) -> Settings:
    """The configuration, with the log set up as it says."""
    import structlog

    from monitor.logs import configure_logging
    from monitor.settings.load import load
    from monitor.settings.values import secrets

    loaded = load(config)
    settings = loaded.settings
    configure_logging(level=settings.log.level, form=settings.log.format, secrets=secrets(settings))
    for warning in loaded.warnings:
        structlog.get_logger().warning(warning)
    return settings


def replay(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    fail_on: FailOnOption = None,
    form: FormatOption = Format.TEXT,
) -> None:
    """Run the same pipeline over the files that are there, at full speed and in event time; nothing is sent.

    Prints what would have been alerted. Exit code 3 with --fail-on when something that bad was found.
    """
    from monitor.logs import configure_logging
    from monitor.replay import Replay
    from monitor.settings.values import secrets

    settings = configured(config).settings
    configure_logging(level="warning", form="text", secrets=secrets(settings))
    if form is Format.JSON:
        work = Replay(settings, tell=print_json)
        work.run()
    else:
        work = _shown(settings)
    for remark in work.remarks:
        note(remark)
    if _failed(work, fail_on):
        raise typer.Exit(DRIFT_FOUND)
    raise typer.Exit(WELL)


def _shown(settings: Settings) -> Replay:
    """A replay for people: a progress bar, what was found while it goes on, and a summary."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    from monitor.cli.findings import Narrator
    from monitor.cli.output import console
    from monitor.replay import Replay

    narrator = Narrator(console())
    columns = (
        TextColumn("replay"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=None)

        def progress(read: int, total: int) -> None:
            bar.update(task, completed=read, total=total or None)

        work = Replay(settings, tell=narrator.tell, progress=progress)
        work.run()
    return work


def _failed(work: Replay, fail_on: FailOn | None) -> bool:
    """Whether something as bad as the user cares for was found."""
    windows: Any = work.windows
    if fail_on is None:
        return False
    bad = ("drift",) if fail_on is FailOn.DRIFT else ("drift", "warning")
    return work.drifted or any(windows[verdict] for verdict in bad)


def demo(
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="End by itself; the exit code says whether all went well.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of driftd; else a free one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the traffic's bursts and latencies.")] = 0,
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder for configuration, log and state, kept afterwards; else a temporary one."),
    ] = None,
    kafka: Annotated[
        bool,
        typer.Option("--kafka", help="Requests and answers go through two topics of a small Kafka broker."),
    ] = False,
) -> None:
    """Show driftd at work on real data: a model that breaks, the alert, and the call that starts retraining."""
    from monitor.demo.run import run_demo

    raise typer.Exit(run_demo(leave=leave, port=port, seed=seed, keep=keep, kafka=kafka))
