"""`driftd probe`: look at the messages of a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.output import Format, FormatOption, console, note, print_json
from monitor.cli.topics import ConnectionOption, WaitOption, address_of

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from monitor.first_look.topic import TopicLook

_EXAMPLES = """[bold]Examples[/bold]

driftd probe kafka://localhost:9092/loans

driftd probe kafkas://kafka-1:9093,kafka-2:9093/loans --connection secured.yaml --messages 5000

driftd probe kafka://localhost:9092/requests,responses --format json
"""
_SHOWN_ROWS = 3
_SHOWN_TEXT = 40


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(probe)


def probe(
    topic: Annotated[str, typer.Argument(help="kafka://host:port/topic; several with commas.")],
    *,
    messages: Annotated[int, typer.Option(min=1, max=1_000_000, help="Messages to look at.")] = 1000,
    connection: ConnectionOption = None,
    wait: WaitOption = 10.0,
    form: FormatOption = Format.TEXT,
) -> None:
    """Look at the newest messages of a topic: their format, which value is what, and a sample of rows.

    Nothing is committed and no group is joined.
    """
    from monitor.first_look.raw import NoDataError
    from monitor.first_look.topic import look_at_topics
    from monitor.logs import configure_logging

    configure_logging(level="error", form="text")
    address = address_of(topic, connection)
    look = look_at_topics(address, messages, newest=True, seconds=wait)
    try:
        guessed, rows = _guess(look)
    except NoDataError as error:
        guessed, rows = {}, None
        note(str(error))
    if form is Format.JSON:
        sample = [] if rows is None else rows.head(_SHOWN_ROWS).to_dicts()
        print_json({**look.to_json(), "mapping": guessed, "sample": sample})
        return
    _print(console(), look, guessed, rows)
    if guessed:
        note(f"next: driftd init --from {topic}" + (f" --connection {connection}" if connection else ""))


def _guess(look: TopicLook) -> tuple[dict[str, Any], pl.DataFrame]:
    """The mapping that the records suggest, and their rows under it."""
    from monitor.decode.decoder import Decoder
    from monitor.decode.inference import infer_from_lines
    from monitor.decode.mapping import Records
    from monitor.first_look.mapping import mapping
    from monitor.first_look.raw import look_at_lines
    from monitor.two_files import guess

    raw = look_at_lines(b"\n".join(look.lines), "the messages")
    found = mapping(raw, guess(raw, {}))
    if "timestamp" not in found and look.timed:
        found["timestamp"] = "@timestamp"
    records = Records.model_validate(found)
    decoder = Decoder(records, infer_from_lines(records, look.lines))
    frames = [decoder.messages(part).frame for peeked in look.peeks for part in peeked.messages]
    return found, _readable(max(frames, key=lambda frame: frame.height))


def _readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows as people and JSON read them: names without marks, times as text."""
    import polars as pl

    from monitor.records import ODD_PREFIX, ORDINAL, TIME

    shown = frame.select(pl.exclude(ORDINAL, f"^{ODD_PREFIX}.*$"))
    if TIME in shown.columns:
        text = pl.from_epoch(TIME, time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        shown = shown.with_columns(text.alias(TIME))
    return shown.rename({name: name.removeprefix("@") for name in shown.columns})


def _print(terminal: Console, look: TopicLook, guessed: dict[str, Any], rows: pl.DataFrame | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    from monitor.settings.default_file import flow

    for found in look.peeks:
        terminal.print(
            f"[bold]{escape(found.topic)}[/bold]  {found.partitions} partitions, {found.total:,} messages; "
            f"looked at {found.read:,}"
        )
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in look.kinds.most_common())
    terminal.print(f"  values   {kinds}; {look.message_bytes:,.0f} bytes each on average", markup=False)
    key = "" if look.key is None else f", such as {look.key.decode('utf-8', 'replace')}"
    terminal.print(f"  keys     {look.keys:,} have one{key}", markup=False)
    if look.headers:
        names = ", ".join(f"{name} ({count:,})" for name, count in look.headers.most_common(20))
        terminal.print(f"  headers  {names}", markup=False)
    if look.rejects:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in look.rejects.most_common())
        terminal.print(f"  rejected {reasons}", markup=False)
    if guessed:
        terminal.print("\n[bold]records[/bold], as guessed:")
        for option, value in guessed.items():
            terminal.print(f"  {option}: {flow(value)}", markup=False)
    if rows is None or not rows.height:
        return
    table = Table("column", *(f"row {i + 1}" for i in range(min(_SHOWN_ROWS, rows.height))), box=None)
    for name in rows.columns:
        table.add_row(*(escape(str(v))[:_SHOWN_TEXT] for v in (name, *rows[name].head(_SHOWN_ROWS))))
    terminal.print()
    terminal.print(table)
