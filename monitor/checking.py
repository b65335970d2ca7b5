"""Whether a configuration can be used, and what it would monitor."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitor.referencing import ReferenceUnusableError, load_reference
from monitor.sources.base import SourceError
from monitor.sources.files import FilesSource
from monitor.sources.files.listing import find_files
from monitor.sources.kafka.options import KafkaSource
from monitor.summary import monitor_summary
from sinks.kafka.connection import KafkaConnection
from sinks.kafka.sink import KafkaSink

if TYPE_CHECKING:
    from monitor.settings.monitors import MonitorSettings
    from monitor.settings.root import Settings
    from sinks.base import Sink


def check_settings(settings: Settings, *, offline: bool = False) -> dict[str, Any]:
    """Monitors and sinks as they would be, and problems that stand in the way; `offline` asks no broker."""
    problems: list[dict[str, str]] = []
    monitors = [_monitor(monitor, problems, offline=offline) for monitor in settings.monitors]
    if not settings.state.parent.is_dir():
        _add(
            problems,
            "state",
            f"there is no folder {settings.state.parent}",
            "make it, or name another `state`",
        )
    sinks = [_sink(sink) for sink in settings.sinks]
    for sink in settings.sinks:
        _certificates(sink, problems, f"sinks.{sink.destination}")
    return {"state": str(settings.state), "monitors": monitors, "sinks": sinks, "problems": problems}


def _monitor(monitor: MonitorSettings, problems: list[dict[str, str]], *, offline: bool) -> dict[str, Any]:
    where = f"monitors.{monitor.name}"
    source = _source(monitor, problems, where, offline=offline)
    try:
        reference = load_reference(monitor.reference.path, monitor.records)
    except ReferenceUnusableError as error:
        _add(problems, f"{where}.reference", str(error), error.hint)
        return {"name": monitor.name, "source": source, "reference": None}
    timed = [spec.name for spec in monitor.specs if not spec.by_rows]
    if timed and monitor.records.timestamp is None:
        hint = "name `records.timestamp`, or use windows of `rows`"
        _add(problems, f"{where}.windows", f"windows of time ({', '.join(timed)}) need a timestamp", hint)
    return {**monitor_summary(monitor, reference), "source": source}


def _source(
    monitor: MonitorSettings, problems: list[dict[str, str]], where: str, *, offline: bool
) -> dict[str, Any]:
    """What is there to read now."""
    source = monitor.source
    if isinstance(source, FilesSource):
        return _files(source, problems, where)
    readable = _certificates(source, problems, f"{where}.source")
    if not isinstance(source, KafkaSource):
        return {"type": str(getattr(source, "type", ""))}
    topics = _topics(source, problems, f"{where}.source") if readable and not offline else None
    return {"type": source.type, "topics": topics}


def _topics(
    source: KafkaSource, problems: list[dict[str, str]], where: str
) -> list[dict[str, str | int]] | None:
    """The topics that are there; None where the brokers cannot be asked."""
    from monitor.sources.kafka.peek import missing, survey

    try:
        found = survey(source, source.topic_names, source.pattern)
    except SourceError as error:
        _add(problems, where, str(error), error.hint)
        return None
    for one in found:
        if not one.partitions:
            gone = missing(one.topic)
            _add(problems, where, str(gone), gone.hint)
    return [asdict(one) for one in found if one.partitions]


def _files(source: FilesSource, problems: list[dict[str, str]], where: str) -> dict[str, Any]:
    """Files that are there; that there is none yet is no problem for a daemon that follows them."""
    files = find_files(source.path)
    for found in files:
        try:
            with found.path.open("rb"):
                pass
        except OSError as error:
            _add(
                problems,
                f"{where}.source",
                f"{found.path} cannot be read: {error.strerror}",
                "may this user read it?",
            )
    if not files and not source.follow:
        _add(problems, f"{where}.source", f"there is no file in {', '.join(source.path)}", "check the path")
    return {"type": source.type, "files": len(files), "bytes": sum(found.size for found in files)}


def _certificates(options: object, problems: list[dict[str, str]], where: str) -> bool:
    """Whether all files for TLS to Kafka are there."""
    tls = options.tls if isinstance(options, KafkaConnection) else None
    found = None if tls is None else tls.unreadable()
    if found is not None:
        _add(problems, f"{where}.tls.{found[0]}", found[1], "mount it there; it is read at every connection")
    return found is None


def _sink(sink: Sink) -> dict[str, Any]:
    urls = [getattr(sink, "url", ""), *getattr(sink, "urls", ())]
    if isinstance(sink, KafkaSink):
        urls = [f"kafka://{','.join(sink.brokers)}/{sink.topic}"]
    return {
        "name": sink.destination,
        "type": str(getattr(sink, "type", "")),
        "to": ", ".join(_place(url) for url in urls if url),
        "on": [state.value for state in sink.on],
    }


def _place(url: str) -> str:
    """Scheme and host; paths and queries may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _add(problems: list[dict[str, str]], where: str, message: str, hint: str) -> None:
    problems.append({"where": where, "message": message, "hint": hint})
