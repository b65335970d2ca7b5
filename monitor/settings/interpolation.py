"""`${NAME}`, `${NAME:-default}` and `${file:/run/secrets/x}` inside the configuration's values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<body>[^{}]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_SECRET_BYTES = 65_536


class InterpolationError(ValueError):
    """A reference to something that is not there; the message names it, never a value."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass
class Interpolation:
    """Replaces references by values of the environment and contents of files.

    Attributes:
        environment: the variables.
        folder: relative secret files are relative to it.
        used: names of the variables that were asked for, for the warning about unknown `DRIFTD_` ones.
    """

    environment: Mapping[str, str]
    folder: Path
    used: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> str:
        """The text with every reference replaced; `$$` stands for one `$`.

        Raises:
            InterpolationError: a variable is not set, a file cannot be read, or a reference has a wrong form.
        """
        return _REFERENCE.sub(self._replace, text) if "$" in text else text

    def _replace(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        body = match["body"]
        if body.startswith("file:"):
            return self._read(body.removeprefix("file:"))
        name, separator, default = body.partition(":-")
        if not _NAME.fullmatch(name):
            raise InterpolationError(
                f"${{{body}}} is not a reference",
                "write ${NAME}, ${NAME:-default} or ${file:/path}; $$ stands for a dollar sign",
            )
        self.used.add(name)
        value = self.environment.get(name)
        if separator and not value:
            return default
        if value is None:
            raise InterpolationError(
                f"environment variable {name} is not set",
                f"set it, or give a default: ${{{name}:-default}}",
            )
        return value

    def _read(self, name: str) -> str:
        path = self.folder / Path(name).expanduser()
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise InterpolationError(
                f"cannot read {path}: {error.strerror}", "mount the secret there"
            ) from None
        if len(data) > _MAX_SECRET_BYTES:
            raise InterpolationError(f"{path} is longer than {_MAX_SECRET_BYTES} bytes")
        try:
            return data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InterpolationError(f"{path} is not UTF-8 text") from None
