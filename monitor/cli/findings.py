"""Windows, alerts and results in lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.cli.moments import moment
from sinks.timestamps import parse_rfc3339

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {
    "ok": "green",
    "warning": "yellow",
    "drift": "bold red",
    "error": "magenta",
    "insufficient": "bright_black",
}
STATES = {"pending": "yellow", "firing": "bold red", "resolved": "green", "inactive": "bright_black"}
_WORST_FIRST = ("drift", "warning", "error")
_SHOWN = 4


def coloured(word: str) -> str:
    """A verdict or an alert's state in its colour, as rich markup."""
    colour = COLOURS.get(word) or STATES.get(word) or "default"
    return f"[{colour}]{word}[/{colour}]"


def worst_columns(results: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The worst result of each column that is not well, worst first and by effect."""
    bad = [result for result in results if result["verdict"] in _WORST_FIRST]
    bad.sort(key=lambda r: (_WORST_FIRST.index(r["verdict"]), -abs(r["effect_size"] or 0.0)))
    found: dict[str, Mapping[str, Any]] = {}
    for result in bad:
        found.setdefault(result["column"], result)
    return list(found.values())


def named(results: Iterable[Mapping[str, Any]]) -> str:
    """The worst columns with what was found on them; "" where all is well."""
    worst = worst_columns(results)
    texts = [f"{result['column'] or 'window'} ({said(result)})" for result in worst[:_SHOWN]]
    more = f" and {len(worst) - _SHOWN} more" if len(worst) > _SHOWN else ""
    return ", ".join(texts) + more


def said(result: Mapping[str, Any]) -> str:
    """What a result says: its own words, or its test and number."""
    if result["detail"]:
        return str(result["detail"])
    number = result["effect_size"] if result["effect_size"] is not None else result["statistic"]
    return str(result["test"]) + (f" {number:.3g}" if number is not None else "")


def place(value: str | int) -> str:
    """A window's bound as the public objects have it, for people."""
    return moment(value if isinstance(value, int) else parse_rfc3339(value))


@dataclass
class Narrator:
    """Prints the public objects of a replay as they come; windows that are well are only counted.

    Attributes:
        terminal: where to.
    """

    terminal: Console

    def tell(self, line: Mapping[str, Any]) -> None:
        """Print one object."""
        {"window": self._window, "alert": self._alert, "summary": self._summary}[line["type"]](line)

    def _window(self, line: Mapping[str, Any]) -> None:
        if line["verdict"] not in _WORST_FIRST:
            return
        from rich.markup import escape

        of = " ".join(part for part in (line["monitor"], line["version"], line["segment"]) if part)
        self.terminal.print(
            f"{place(line['start'])}  {escape(of)} {escape(str(line.get('window', '')))}  {line['rows']:,} rows  "
            f"{coloured(line['verdict'])}  {escape(named(line['results']))}",
        )

    def _alert(self, line: Mapping[str, Any]) -> None:
        from rich.markup import escape

        of = " ".join(part for part in (line["monitor"], line["version"], line["segment"]) if part)
        columns = ", ".join(_column(column) for column in line["columns"][:_SHOWN])
        self.terminal.print(
            f"{place(line['at'])}  [bold]alert[/bold] {coloured(line['state'])}  {escape(of)} "
            f"{line['cause'].replace('_', ' ')}: {escape(columns)}",
        )

    def _summary(self, line: Mapping[str, Any]) -> None:
        records = ", ".join(f"{rows:,} {outcome}" for outcome, rows in line["records"].items()) or "none"
        verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in line.get("verdicts", {}).items())
        self.terminal.print(f"\nrecords: {records}")
        self.terminal.print(f"windows: {line['windows']:,}" + (f" ({verdicts})" if verdicts else ""))
        alerts = line["alerts"]
        self.terminal.print(f"alerts:  {alerts:,}" + ("" if alerts else ", nothing to tell"))


def _column(column: Any) -> str:
    return str(column["column"] or "window") if isinstance(column, Mapping) else str(column)
