"""The demo from its first file to its summary."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType

from rich.console import Console
from rich.live import Live

from monitor.demo.errors import DemoError
from monitor.demo.loans import BREAK_ROW, loans, moment
from monitor.demo.observe import Observer
from monitor.demo.receiver import RetrainingReceiver
from monitor.demo.scene import Scene, judge
from monitor.demo.stage import Stage, new_key
from monitor.demo.view import View

SERVING_SECONDS = 12.0
READY_SECONDS = 60.0
LIMIT_SECONDS = 180.0
LOOK_SECONDS = 0.25


def run_demo(
    *,
    leave: bool,
    port: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    kafka: bool = False,
    console: Console | None = None,
) -> int:
    """Play the demo on the terminal.

    Args:
        leave: end after the summary; else driftd goes on answering until Ctrl-C.
        port: of driftd's HTTP server; None takes a free one.
        seed: of bursts and latencies.
        keep: folder for configuration, log and state, kept afterwards; None takes one that is removed.
        kafka: requests and answers go through a Kafka broker that is started for it.
        console: where to draw.

    Returns:
        0 if the quiet part was quiet, the break was found, and retraining was called and verified; else 1.

    Raises:
        DemoError: `keep` holds something already, or there is no broker to play it with.
    """
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    with ExitStack() as stack:
        stack.enter_context(_orderly())
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="driftd-demo-")))
        else:
            folder = _empty(keep)
        key = new_key()
        receiver = RetrainingReceiver(key)
        stack.callback(receiver.stop)
        receiver.start()
        stage = Stage(folder, receiver.url, key, port=port, seed=seed, kafka=kafka)
        stack.callback(stage.stop)
        stage.start_broker()
        observer = Observer(stage.url, receiver)
        stack.callback(observer.close)
        return _play(stage, observer, View(console, stage.url, receiver.url, str(folder)), leave=leave)


def _empty(folder: Path) -> Path:
    """The folder, made if need be: an earlier demo's state would go on where that one ended."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty", "give --keep a new folder")
    return folder.resolve()


def _play(stage: Stage, observer: Observer, view: View, *, leave: bool) -> int:
    """Start driftd, then the serving process; look until all is told; say how it went."""
    console = view.console
    daemon = stage.start_daemon()
    until = time.monotonic() + READY_SECONDS
    with console.status("starting driftd"):
        while not observer.ready():
            if daemon.poll() is not None or time.monotonic() > until:
                console.print(
                    f"[red]driftd did not start[/]; its log ends with:\n{stage.tail()}", markup=True
                )
                return 1
            time.sleep(0.1)
    console.print(view.introduction())
    scene = Scene(broke_at=moment(BREAK_ROW), total=loans("requests").height)
    serving = stage.start_serving(SERVING_SECONDS)
    until = time.monotonic() + LIMIT_SECONDS
    with _shown(view, scene) as show:
        while not scene.complete and daemon.poll() is None and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
            scene = observer.look(scene, finished=serving.poll() is not None)
            show(scene)
    outcome = judge(scene)
    console.print(view.summary(scene, outcome))
    if outcome.exit_code:
        console.print("The end of driftd's log:", stage.tail(), sep="\n", markup=False, soft_wrap=True)
    if not leave and daemon.poll() is None:
        _stay(view)
    return outcome.exit_code


@contextmanager
def _orderly() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that its children end with it."""
    if current_thread() is not main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _shown(view: View, first: Scene) -> Iterator[Callable[[Scene], None]]:
    """Draws scenes: in place on a terminal, as lines of news elsewhere."""
    if view.console.is_terminal:
        with Live(view.live(first), console=view.console, refresh_per_second=8) as live:
            yield lambda scene: live.update(view.live(scene))
        return
    shown = [first]

    def tell(scene: Scene) -> None:
        for line in view.lines(shown[-1], scene):
            view.console.print(line, markup=False, soft_wrap=True)
        shown[:] = [scene]

    yield tell


def _stay(view: View) -> None:
    """Leave driftd running for whoever wants to look at it."""
    view.console.print(f"Look around: {view.url}/   (Ctrl-C ends the demo)")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        view.console.print("stopped")
