"""`driftd deliveries`: messages that wait, arrived, or were given up."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from monitor.cli.configuration import DEFAULT_CONFIG, ConfigOption, StateOption, configured, state_path
from monitor.cli.moments import ago
from monitor.cli.output import CommandError, Format, FormatOption, console, note, print_json
from monitor.places import delivery_json

if TYPE_CHECKING:
    from monitor.settings.root import HttpSettings
    from monitor.state.outbox import Entry

app = typer.Typer(
    no_args_is_help=True, help="Messages to sinks and retraining webhooks: list them, send them again."
)

_ALL = 1_000_000
_ERROR_WIDTH = 200
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on
_LIST_EXAMPLES = """[bold]Examples[/bold]

driftd deliveries list

driftd deliveries list --state-is dead --format json
"""
_RETRY_EXAMPLES = """[bold]Examples[/bold]

driftd deliveries retry --dead

driftd deliveries retry msg_2ab0c4 --state /var/lib/driftd/driftd.state
"""


@app.command("list", epilog=_LIST_EXAMPLES)
def list_(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
    standing: Annotated[
        str | None,
        typer.Option("--state-is", help="Only messages that are pending, delivered or dead."),
    ] = None,
    destination: Annotated[str | None, typer.Option(help="Only messages for this sink or webhook.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 50,
    form: FormatOption = Format.TEXT,
) -> None:
    """List messages, the latest first; reads beside a running daemon."""
    from monitor.state import Delivery, State

    if standing is not None and standing not in set(Delivery):
        raise typer.BadParameter("pending, delivered or dead", param_hint="--state-is")
    wanted = Delivery(standing) if standing else None
    with State.open(state_path(config, state), read_only=True) as opened:
        entries = opened.outbox.find(state=wanted, destination=destination, limit=limit)
    if form is Format.JSON:
        print_json([delivery_json(entry) for entry in entries])
    else:
        _print(entries)


@app.command(epilog=_RETRY_EXAMPLES)
def retry(
    *,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of messages, as `list` shows them.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that were given up.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
) -> None:
    """Send messages again under their ids, dead or pending ones.

    A running daemon is asked through its API; without one the state file is changed.
    """
    from monitor.state import Delivery, State, StateLockedError

    if bool(ids) == dead:
        raise typer.BadParameter("give ids, or --dead for all that were given up")
    path = state_path(config, state)
    with State.open(path, read_only=True) as opened:
        chosen = ids or [entry.message.id for entry in opened.outbox.find(state=Delivery.DEAD, limit=_ALL)]
    try:
        with State.open(path) as opened, opened.transaction():
            number = opened.outbox.retry(chosen, at=time.time_ns() // 1000)
    except StateLockedError:
        number = _ask_daemon(configured(config).settings.http, chosen)
    note(f"{number} of {len(chosen)} messages will be sent again")
    if number < len(chosen):
        raise CommandError("some ids are not known, or have been delivered")


def _ask_daemon(http: HttpSettings, ids: list[str]) -> int:
    """Ask the running daemon to send messages again; how many it knew."""
    import urllib3

    headers = {"Authorization": f"Bearer {http.token_file.read_text().strip()}"} if http.token_file else {}
    host = "127.0.0.1" if http.host in _EVERYWHERE else http.host
    base = f"http://[{host}]:{http.port}" if ":" in host else f"http://{host}:{http.port}"
    number = 0
    for message in ids:
        url = f"{base}/api/v1/deliveries/{quote(message, safe='')}/retry"
        try:
            answer = urllib3.request("POST", url, headers=headers, timeout=10, retries=False)
        except urllib3.exceptions.HTTPError as error:
            hint = "is `http` of this configuration the daemon's? Or stop it, retry, and start it again"
            raise CommandError(
                f"a daemon writes to the state file, but {base} does not answer: {error}", hint
            ) from None
        if answer.status not in (HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND):
            raise CommandError(f"{url} answers {answer.status}", "is `http.token_file` the daemon's?")
        number += answer.status == HTTPStatus.ACCEPTED
    return number


def _print(entries: list[Entry]) -> None:
    """A line for each message; below it what went wrong, where something did."""
    if not entries:
        note("no messages")
        return
    now = time.time_ns() // 1000
    rows = [("state", "tries", "created", "destination", "id", "")]
    for entry in entries:
        message = entry.message
        place = (entry.state.value, str(entry.attempts), ago(message.created_at, now), message.destination)
        rows.append((*place, message.id, " ".join(entry.error.split())[:_ERROR_WIDTH]))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    terminal = console()
    for *cells, name, error in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        terminal.print(f"{line}  {name}", markup=False, soft_wrap=True)
        if error:
            terminal.print(f"{'':{widths[0]}}  {error}", markup=False, soft_wrap=True, style="dim")
