"""`driftd init`: look at data, write a configuration that works."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import roles
from monitor.cli.output import BAD_USAGE, CommandError, note
from monitor.cli.topics import ConnectionOption, WaitOption, address_of

if TYPE_CHECKING:
    from monitor.first_look.proposal import Proposal

    Propose = Callable[..., Proposal]

_EXAMPLES = """[bold]Examples[/bold]

driftd init logs/requests.ndjson

driftd init "logs/*.ndjson" --reference training.parquet --output driftd.yaml

driftd init --from kafka://localhost:9092/loans --reference training.parquet

driftd init data.csv --label churned --ignore row,batch --window 1000rows
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(init)


DataArgument = Annotated[
    str | None, typer.Argument(help="Logs or data: Parquet, CSV or NDJSON; a file, a folder or a glob.")
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option(
        "--reference", help="What is normal: data or a built reference; else the first part of DATA."
    ),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The configuration to write.")]
WindowOption = Annotated[str | None, typer.Option("--window", help="A span such as 1h, or 1000rows.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


FromOption = Annotated[
    str | None, typer.Option("--from", help="Topics instead of DATA: kafka://host:port/topic.")
]


def init(
    data: DataArgument = None,
    *,
    topic: FromOption = None,
    connection: ConnectionOption = None,
    wait: WaitOption = 10.0,
    reference: ReferenceOption = None,
    output: OutputOption = Path("driftd.yaml"),
    window: WindowOption = None,
    force: ForceOption = False,
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
    """Look at logs, data or a topic and write a commented configuration: which column is what, windows, a reference."""
    from monitor.first_look.proposal import write
    from monitor.first_look.text import proposal_text
    from monitor.logs import configure_logging

    configure_logging(level="error", form="text")
    if output.exists() and not force:
        raise CommandError(f"{output} exists", "give another --output, or --force", BAD_USAGE)
    given = roles.given_roles(
        timestamp=timestamp, prediction=prediction, score=score, label=label, id=identifier,
        latency=latency, status=status, version=version, segment=segment, ignore=ignore,
    )  # fmt: skip
    if (data is None) == (topic is None):
        raise CommandError("give either DATA or --from kafka://host/topic", code=BAD_USAGE)
    found = _propose(data, topic, connection, wait)(output, given, reference=reference, window=window)
    write(found, output, proposal_text(found, output.name))
    _tell(found)
    note(f"wrote {output}; next: driftd check --config {output}")


def _propose(data: str | None, topic: str | None, connection: Path | None, wait: float) -> Propose:
    """The function that proposes a configuration for files, or for topics."""
    if topic is None:
        from monitor.first_look.proposal import propose

        return partial(propose, data or "")
    from monitor.first_look.topic_proposal import propose_for_topics

    return partial(propose_for_topics, address_of(topic, connection), wait)


def _tell(found: Proposal) -> None:
    """What was guessed, and why."""
    for role, name in found.roles.of.items():
        note(f"{role:<11} {name}   ({found.roles.why[name]})")
    for name in found.roles.ignored:
        note(f"left out    {name}   ({found.roles.why[name]})")
    note(f"reference   {found.reference_why}")
    note(f"window      {found.choice.name}   ({found.choice.why})")
    for remark in found.remarks:
        note(remark)
