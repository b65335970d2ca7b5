"""Windows, alerts and results in lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """The worst columns by name; "" where all is well."""
    worst = [str(result["column"] or result["test"].replace("_", " ")) for result in worst_columns(results)]
    more = f" and {len(worst) - _SHOWN} more" if len(worst) > _SHOWN else ""
    return ", ".join(worst[:_SHOWN]) + more


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
        newest: the latest results of each monitor's window kinds, to tell what an alert rests on.
    """

    terminal: Console
    newest: dict[tuple[str, str, str], Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def tell(self, line: Mapping[str, Any]) -> None:
        """Print one object."""
        {"window": self._window, "alert": self._alert, "summary": self._summary}[line["type"]](line)

    def _window(self, line: Mapping[str, Any]) -> None:
        if line["verdict"] not in _WORST_FIRST:
            return
        self.newest[_whose(line)] = line["results"]
        of = " ".join(part for part in (*_whose(line), str(line.get("window", ""))) if part)
        text = f"{place(line['start'])}  {of}  {line['rows']:,} rows  "
        self._print(text, line["verdict"], f"  {named(line['results'])}")

    def _alert(self, line: Mapping[str, Any]) -> None:
        of = " ".join(part for part in _whose(line) if part)
        self._print(
            f"{place(line['at'])}  ALERT {of}  {line['cause'].replace('_', ' ')}  ", line["state"], ""
        )
        if line["state"] != "firing":
            return
        results = [r for r in self.newest.get(_whose(line), ()) if r["cause"] == line["cause"]]
        for result in worst_columns(results)[:_SHOWN]:
            name = result["column"] or result["test"].replace("_", " ")
            self.terminal.print(
                f"{'':>21}{name}: {said(result)}", markup=False, overflow="ellipsis", no_wrap=True
            )

    def _print(self, before: str, verdict: str, after: str) -> None:
        from rich.text import Text

        line = Text(before)
        line.append(verdict, style=COLOURS.get(verdict) or STATES.get(verdict) or "")
        line.append(after)
        self.terminal.print(line, overflow="ellipsis", no_wrap=True)

    def _summary(self, line: Mapping[str, Any]) -> None:
        records = ", ".join(f"{rows:,} {outcome}" for outcome, rows in line["records"].items()) or "none"
        verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in line.get("verdicts", {}).items())
        self.terminal.print(f"\nrecords: {records}", markup=False)
        self.terminal.print(
            f"windows: {line['windows']:,}" + (f" ({verdicts})" if verdicts else ""), markup=False
        )
        self.terminal.print(f"alerts:  {line['alerts']:,} fired", markup=False)


def _whose(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["monitor"], line["version"], line["segment"]
