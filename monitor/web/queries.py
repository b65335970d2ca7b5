"""Filters and pages from the query of a request."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from monitor.state.windows import WindowFilter

LARGEST_PAGE = 1000


def only(query: QueryParams, known: Collection[str]) -> None:
    """Refuse parameters that nobody reads, so that a misspelt filter does not look like an answer.

    Raises:
        HTTPException: 400.
    """
    unknown = sorted(set(query.keys()) - set(known))
    if unknown:
        raise HTTPException(400, f"unknown parameter {unknown[0]!r}; there are {', '.join(sorted(known))}")


def limit(query: QueryParams, default: int = 100) -> int:
    """How many entries a page may have."""
    number = _integer(query, "limit")
    if number is None:
        return default
    if not 1 <= number <= LARGEST_PAGE:
        raise HTTPException(400, f"limit must be from 1 to {LARGEST_PAGE}")
    return number


def choice(query: QueryParams, name: str, words: Collection[str], default: str | None = None) -> str | None:
    """One of a few words."""
    word = query.get(name, default)
    if word is not None and word not in words:
        raise HTTPException(400, f"{name} must be one of {', '.join(words)}")
    return word


def choices(query: QueryParams, name: str, words: Collection[str]) -> tuple[str, ...]:
    """Some of a few words: the parameter repeated, or the words with commas between them."""
    wanted = tuple(word for value in query.getlist(name) for word in value.split(",") if word)
    wrong = [word for word in wanted if word not in words]
    if wrong:
        raise HTTPException(400, f"{name} must be of {', '.join(words)}, not {wrong[0]!r}")
    return wanted


def windows(query: QueryParams, verdicts: Collection[str]) -> WindowFilter:
    """Which windows are wanted."""
    return WindowFilter(
        monitor=query.get("monitor"),
        version=query.get("version"),
        segment=query.get("segment"),
        name=query.get("window"),
        verdicts=choices(query, "verdict", verdicts),
        ends_after=_place(query, "after"),
        ends_before=_place(query, "before"),
        before_id=_integer(query, "cursor"),
    )


def _integer(query: QueryParams, name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - fits into SQLite's integers
        raise HTTPException(400, f"{name} must be a whole number")
    return int(text)


def _place(query: QueryParams, name: str) -> int | None:
    """A time as ISO 8601 (UTC where it has no zone), or a row number."""
    text = query.get(name)
    if text is None or (text.isascii() and text.isdigit()):
        return _integer(query, name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"{name} must be a time such as 2026-01-31T12:00:00Z, or a row") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1_000_000)
