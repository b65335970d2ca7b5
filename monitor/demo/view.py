"""How the demo looks on a terminal, and as plain lines where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor.demo.scene import Closed, Outcome, Scene, seen_at
from sinks.timestamps import parse_rfc3339, rfc3339

COLORS = {
    "ok": "green",
    "warning": "yellow",
    "drift": "red",
    "error": "magenta",
    "insufficient": "bright_black",
}
BLOCKS = {"ok": "▂", "warning": "▅", "drift": "█", "error": "▅", "insufficient": "▁"}
LETTERS = {"ok": ".", "warning": "w", "drift": "D", "error": "E", "insufficient": "-"}
WORST_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class View:
    """Draws scenes for one console.

    Attributes:
        console: where to.
        url: of driftd. retraining: of the endpoint. folder: where configuration, log and state are.
    """

    console: Console
    url: str
    retraining: str
    folder: str

    @property
    def _fancy(self) -> bool:
        return self.console.encoding.lower().startswith("utf")

    def introduction(self) -> str:
        """What is going on, and where to look."""
        return (
            "[bold]driftd demo[/]  A model decides on car loans. Its log is played at a week in half a second; "
            "driftd follows it.\n"
            f"  page        {self.url}/\n"
            f"  metrics     {self.url}/metrics\n"
            f"  API         {self.url}/api/v1/windows\n"
            f"  retraining  {self.retraining}\n"
            f"  files       {escape(self.folder)}\n"
        )

    def live(self, scene: Scene) -> RenderableType:
        """The picture that is drawn anew while rows come in."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", min_width=10)
        grid.add_column()
        bar = ProgressBar(scene.total, scene.counted, 40, complete_style="cyan", finished_style="green")
        grid.add_row(
            "requests", _beside(bar, f"{scene.counted:,} of {scene.total:,}  {_day(scene.watermark)}")
        )
        grid.add_row("weeks", _beside(self._strip(scene), _counts(scene.windows)))
        grid.add_row("alert", self._alert(scene))
        grid.add_row("retraining", self._calls(scene))
        return Padding(grid, (0, 0, 0, 2))

    def _strip(self, scene: Scene) -> Text:
        """One block a window; colour and height say the verdict."""
        signs = BLOCKS if self._fancy else LETTERS
        strip = Text()
        for window in scene.windows:
            strip.append(signs[window.verdict], COLORS[window.verdict])
        return strip

    def _alert(self, scene: Scene) -> RenderableType:
        if not scene.firing:
            return Text("none", "green")
        lines = [f"[red bold]firing[/]  {escape(_headline(alert))}" for alert in scene.firing]
        return Text.from_markup("\n".join(lines))

    def _calls(self, scene: Scene) -> RenderableType:
        lines = [f"[green]called[/], signature verified, id {escape(call.id)}" for call in scene.calls]
        lines += [f"[red]refused[/]: {escape(reason)}" for reason in scene.refused]
        return Text.from_markup("\n".join(lines) or "[bright_black]not called[/]")

    def lines(self, before: Scene, after: Scene) -> Iterator[str]:
        """What has happened between two looks, a line each, for output that is not a terminal."""
        for window in after.windows[len(before.windows) :]:
            span = f"{_day(window.start)} to {_day(window.end)}"
            yield f"window  {span}  {window.rows:>5,} rows  {window.verdict}"
        for alert in after.firing[len(before.firing) :]:
            yield f"alert   firing: {_headline(alert)}"
        for call in after.calls[len(before.calls) :]:
            yield f"retrain webhook arrived, signature verified, id {call.id}"

    def summary(self, scene: Scene, outcome: Outcome) -> RenderableType:
        """What happened, since when, which columns by how much, what was called."""
        well = outcome.exit_code == 0
        parts: list[RenderableType] = [Text.from_markup(_story(scene))] if scene.found else []
        if scene.found and scene.latest:
            parts.append(Padding(_columns(scene.found, scene.latest), (1, 0, 1, 0)))
        checks = Table.grid(padding=(0, 2))
        for promise in outcome.promises:
            sign = Text(self._sign(promise.held), "green" if promise.held else "red bold")
            checks.add_row(sign, Text(promise.text, "bold"), Text(promise.detail))
        parts.append(checks)
        title = "It works" if well else "The demo did not go as it should"
        return Panel(
            Group(*parts), title=title, border_style="green" if well else "red", padding=(1, 2), width=100
        )

    def _sign(self, held: bool) -> str:  # noqa: FBT001 - the sign of a truth
        signs = ("✘", "✔") if self._fancy else ("no ", "yes")
        return signs[held]


def _beside(left: RenderableType, right: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row(left, right)
    return grid


def _day(moment: int | None) -> str:
    return "" if moment is None else rfc3339(moment)[:10]


def _counts(windows: tuple[Closed, ...]) -> str:
    counted = Counter(window.verdict for window in windows)
    return ", ".join(f"{counted[verdict]} {verdict}" for verdict in COLORS if counted[verdict])


def _headline(alert: Mapping[str, Any]) -> str:
    names = dict.fromkeys(finding["column"] for finding in alert["columns"] if finding["column"])
    cause = str(alert["cause"]).replace("_", " ")
    return f"{cause} in {alert['monitor']}: {', '.join(names) or 'all rows'}, week to {_day(seen_at(alert))}"


def _story(scene: Scene) -> str:
    found = scene.found or {}
    began = rfc3339(scene.broke_at).replace("T", " ")[:16]
    window = found["window"]
    first, last = _day(parse_rfc3339(window["start"])), _day(parse_rfc3339(window["end"]))
    cause = str(found["cause"]).replace("_", " ")
    return (
        f"[bold]Since {began}[/] requests are not what the model was trained on.\n"
        f"driftd said so when the week {first} to {last} was over: [bold red]{cause}[/]. "
        "It called the retraining.\nWhat has moved, and how far (0 not at all, 1 altogether):"
    )


def _columns(first: Mapping[str, Any], latest: Mapping[str, Any]) -> Table:
    """The columns that have moved most, as the first bad window and the last one saw them."""
    table = Table(box=None, padding=(0, 2), show_edge=False, header_style="bright_black")
    for name in ("column", "week 1", "now", "what driftd says now"):
        table.add_column(name, no_wrap=name != "what driftd says now")
    began = {finding["column"]: finding["effect_size"] for finding in reversed(first["columns"])}
    shown = {finding["column"]: finding for finding in reversed(latest["columns"])}
    for finding in list(reversed(shown.values()))[:WORST_COLUMNS]:
        column = finding["column"]
        table.add_row(
            Text(column or "all rows", "bold red"),
            _effect(began.get(column)),
            _effect(finding["effect_size"]),
            Text(finding["detail"]),
        )
    return table


def _effect(size: float | None) -> str:
    return "" if size is None else f"{size:.2f}"
