"""The options by which people say which column is what."""

from __future__ import annotations

from typing import Annotated

import typer

_PANEL = "Which column is what (a name, or a path such as $.outputs.score; - for none)"

TimestampOption = Annotated[
    str | None, typer.Option("--timestamp", help="Event time.", rich_help_panel=_PANEL)
]
PredictionOption = Annotated[
    str | None, typer.Option("--prediction", help="What the model answered.", rich_help_panel=_PANEL)
]
ScoreOption = Annotated[
    str | None,
    typer.Option("--score", help="Probability or score behind the prediction.", rich_help_panel=_PANEL),
]
LabelOption = Annotated[
    str | None, typer.Option("--label", help="What turned out to be true.", rich_help_panel=_PANEL)
]
IdOption = Annotated[
    str | None, typer.Option("--id", help="Identifier of a prediction.", rich_help_panel=_PANEL)
]
LatencyOption = Annotated[
    str | None, typer.Option("--latency", help="Response time.", rich_help_panel=_PANEL)
]
StatusOption = Annotated[str | None, typer.Option("--status", help="HTTP status.", rich_help_panel=_PANEL)]
VersionOption = Annotated[
    str | None, typer.Option("--version", help="Version of the model.", rich_help_panel=_PANEL)
]
SegmentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--segment",
        help="Column whose values get windows of their own; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore", help="Column to leave out; may be repeated, or names with commas.", rich_help_panel=_PANEL
    ),
]


def given_roles(**options: str | list[str] | None) -> dict[str, list[str]]:
    """Columns by role, for the roles that were given; names in lists may be joined by commas."""
    found: dict[str, list[str]] = {}
    for role, given in options.items():
        if isinstance(given, str):
            found[role] = [given]
        elif given:
            found[role] = [part.strip() for name in given for part in name.split(",") if part.strip()]
    return found
