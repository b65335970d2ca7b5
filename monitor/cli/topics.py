"""Topics as arguments of commands: the address, and a file with what an address cannot hold."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.output import BAD_USAGE, CommandError

if TYPE_CHECKING:
    from monitor.sources.kafka.address import Address

ConnectionOption = Annotated[
    Path | None,
    typer.Option(
        "--connection",
        help="YAML file with the options `tls`, `sasl` and `client_id` of a Kafka source; ${NAME} is replaced.",
    ),
]
WaitOption = Annotated[
    float, typer.Option("--wait", min=0.1, help="Seconds to wait for messages where there are none.")
]


def address_of(text: str, connection: Path | None) -> Address:
    """The address with the options of the file; as options for a configuration they keep their `${NAME}`.

    Raises:
        CommandError: the address or the file is wrong.
    """
    from pydantic import ValidationError

    from monitor.sources.kafka.address import AddressError, parse_address

    written, filled = (
        ({}, {}) if connection is None else (_document(connection, fill=f) for f in (False, True))
    )
    try:
        address = parse_address(text, filled)
    except AddressError as error:
        raise CommandError(str(error), error.hint, BAD_USAGE) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CommandError(f"{connection or text}: {place}: {first['msg']}", code=BAD_USAGE) from None
    return replace(address, options={**address.options, **written})


def _document(path: Path, *, fill: bool) -> dict[str, Any]:
    """The options in a file; with the references in them replaced, or as they are written."""
    from monitor.settings.document import read_document
    from monitor.settings.interpolation import Interpolation
    from monitor.settings.mistakes import ConfigurationError

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {path}: {error}", code=BAD_USAGE) from None
    interpolation = Interpolation(os.environ, path.absolute().parent)
    document = read_document(text, str(path), interpolation if fill else str)
    if document.mistakes:
        raise ConfigurationError(list(document.mistakes))
    if not isinstance(document.value, dict):
        raise CommandError(f"{path} should be a mapping of keys to values", code=BAD_USAGE)
    return document.value
