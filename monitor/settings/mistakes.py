"""What is wrong in a configuration, with the place and a hint; collected, never raised one by one."""

from __future__ import annotations

from dataclasses import dataclass

Key = str | int


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        line: 1-based line in the file; 0 where the mistake is not in the file.
        source: the file's path, or `environment variable NAME`.
        key: the key's path, such as `monitors[0].windows[1].length`; "" for the document as a whole.
        message: what is wrong, without the value (it may be a secret).
        hint: how to mend it; "" where there is nothing to add.
    """

    line: int
    source: str
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """`file:line: key.path: message (hint)`."""
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ": ".join(part for part in (place, self.key, self.message) if part) + (
            f" ({self.hint})" if self.hint else ""
        )


class ConfigurationError(Exception):
    """The configuration is refused as a whole; all its mistakes, in the order of the file's lines."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def key_path(keys: tuple[Key, ...]) -> str:
    """The keys as people write them.

    >>> key_path(("monitors", 0, "source", "path"))
    'monitors[0].source.path'
    """
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
