"""All commands, and how failures become messages and exit codes."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli import check, compare, deliveries, init, probe, reference, running, status
from monitor.cli.output import BAD_USAGE, FAILED, WELL, CommandError, note

INTERRUPTED = 130
_OURS = ("monitor.", "detectors.", "sinks.")

app = typer.Typer(
    name="driftd",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Watches machine-learning models in production: schema changes, drift, service health, retraining webhooks.",
    epilog="Begin with: [bold]driftd demo[/bold], or [bold]driftd init logs/requests.ndjson[/bold]",
)
for command in (running, check, init, probe, compare, status):
    command.register(app)
app.add_typer(reference.app, name="reference")
app.add_typer(deliveries.app, name="deliveries")


@app.command()
def version() -> None:
    """Print the version of driftd."""
    typer.echo(f"driftd {__version__}")


@app.callback(invoke_without_command=True)
def _root(
    *,
    show_version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and end.")] = False,
) -> None:
    if show_version:
        version()
        raise typer.Exit(WELL)


def run(arguments: list[str]) -> int:
    """Run a command; its exit code.

    Messages of driftd's own exceptions are for people; others are defects and keep their traceback.
    """
    code: int | None
    try:
        code = app(arguments, standalone_mode=False)
    except typer.Abort:
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except Exception as error:
        code = _tell(error)
        if code is None:
            raise
    return code if isinstance(code, int) else WELL


def _tell(error: Exception) -> int | None:
    """Write a message that is meant for people; its exit code, or None for a defect."""
    show = getattr(error, "show", None)
    if callable(show):
        show()
        return int(getattr(error, "exit_code", BAD_USAGE))
    if isinstance(error, CommandError):
        code = error.code
    elif type(error).__name__ == "ConfigurationError":
        code = BAD_USAGE
    elif isinstance(error, OSError) or type(error).__module__.startswith(_OURS):
        code = FAILED
    else:
        return None
    hint = getattr(error, "hint", "")
    note(f"driftd: {error}" if code == FAILED else str(error))
    if hint:
        note(f"  hint: {hint}")
    return code
