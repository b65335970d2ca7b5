"""The option `--config`, and where the state file is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import CommandError, note

if TYPE_CHECKING:
    from monitor.settings.load import Loaded

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="DRIFTD_CONFIG", help="The configuration file.", show_default=True),
]
DEFAULT_CONFIG = Path("driftd.yaml")

StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="The state file, instead of the one that the configuration names."),
]


def configured(path: Path) -> Loaded:
    """The configuration; its warnings go to standard error.

    Raises:
        ConfigurationError: with every mistake.
    """
    from monitor.settings.load import load

    loaded = load(path)
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    return loaded


def state_path(config: Path, state: Path | None) -> Path:
    """The state file that is meant.

    Raises:
        CommandError: there is none yet.
        ConfigurationError: the configuration is needed and wrong.
    """
    path = state if state is not None else configured(config).settings.state
    if not path.exists():
        raise CommandError(f"there is no state file {path}", "it is made by: driftd run")
    return path
