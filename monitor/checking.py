"""Whether a configuration can be used, and what it would monitor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.referencing import ReferenceUnusableError, load_reference
from monitor.sources.base import SourceError
from monitor.sources.files import FilesSource
from monitor.sources.files.listing import RIGHTS_HINT, find_files
from monitor.sources.files.readers import CORRUPT_FILE
from monitor.sources.kafka.options import KafkaSource
from monitor.summary import monitor_summary
from monitor.trial import Trial, try_mapping
from sinks.base import DeliveryError
from sinks.kafka.connection import KafkaConnection
from sinks.kafka.sink import KafkaSink
from sinks.post import place_of

if TYPE_CHECKING:
    from detectors.layout import Column
    from monitor.settings.monitors import MonitorSettings
    from monitor.settings.root import Settings
    from monitor.sources.files.track import Found
    from sinks.base import Sink
    from sinks.webhook import Webhook

_DAMAGE_HINT = "is the file whole? The daemon goes on with the others"
_MAPPING_HINT = "does the mapping name the values as the records do?"
_NAMED = 8


def check_settings(settings: Settings, *, offline: bool = False) -> dict[str, Any]:
    """Monitors and sinks as they would be, problems that stand in the way, and warnings of what does not.

    Args:
        settings: to be looked at.
        offline: nothing is looked for over the network.
    """
    check = _Check(offline)
    monitors = [check.monitor(monitor) for monitor in settings.monitors]
    if not settings.state.parent.is_dir():
        hint = "make it, or name another `state`"
        check.problem("state", f"there is no folder {settings.state.parent}", hint)
    sinks = [check.sink(sink) for sink in settings.sinks]
    found = {"problems": check.problems, "warnings": check.warnings}
    return {"state": str(settings.state), "monitors": monitors, "sinks": sinks, **found}


@dataclass
class _Check:
    """A look at one configuration.

    Attributes:
        offline: nothing is looked for over the network.
        problems: what makes it useless as it is. warnings: what driftd can live with.
    """

    offline: bool
    problems: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def problem(self, where: str, message: str, hint: str) -> None:
        """Note one."""
        self.problems.append({"where": where, "message": message, "hint": hint})

    def monitor(self, monitor: MonitorSettings) -> dict[str, Any]:
        """What a monitor would watch, and whether it could."""
        where, before = f"monitors.{monitor.name}", len(self.problems)
        source = {**self._source(monitor, where), "tried": None}
        readable = len(self.problems) == before
        retraining = self._retraining(monitor, where)
        try:
            reference = load_reference(monitor.reference.path, monitor.records)
        except ReferenceUnusableError as error:
            self.problem(f"{where}.reference", str(error), error.hint)
            return {"name": monitor.name, "source": source, "retraining": retraining, "reference": None}
        timed = [spec.name for spec in monitor.specs if not spec.by_rows]
        if timed and monitor.records.timestamp is None:
            hint = "name `records.timestamp`, or use windows of `rows`"
            text = f"windows of time ({', '.join(timed)}) need a timestamp"
            self.problem(f"{where}.windows", text, hint)
        if readable and self._something(source):
            tried = self._tried(monitor, where, reference.layout.columns)
            source["tried"] = None if tried is None else tried.to_json()
        return {**monitor_summary(monitor, reference), "source": source, "retraining": retraining}

    @staticmethod
    def _something(source: Mapping[str, Any]) -> bool:
        """There is something to read, as far as it is known."""
        topics = source.get("topics")
        return bool(source.get("files")) or bool(topics and any(topic["messages"] for topic in topics))

    def _source(self, monitor: MonitorSettings, where: str) -> dict[str, Any]:
        """What is there to read now."""
        source, where = monitor.source, f"{where}.source"
        if isinstance(source, FilesSource):
            return self._files(source, where)
        readable = self._certificates(source, where)
        if not isinstance(source, KafkaSource):
            return {"type": str(getattr(source, "type", ""))}
        topics = self._topics(source, where) if readable and not self.offline else None
        return {"type": source.type, "topics": topics}

    def _topics(self, source: KafkaSource, where: str) -> list[dict[str, str | int]] | None:
        """The topics that are there; None where the brokers cannot be asked."""
        from monitor.sources.kafka.peek import missing, survey

        try:
            found = survey(source, source.topic_names, source.pattern)
        except SourceError as error:
            self.problem(where, str(error), error.hint)
            return None
        for one in found:
            if not one.partitions:
                gone = missing(one.topic)
                self.problem(where, str(gone), gone.hint)
            elif source.partitions is not None:
                lacking = [number for number in source.partitions[one.topic] if number >= one.partitions]
                for number in lacking:
                    text = f"the topic {one.topic} has no partition {number}"
                    self.problem(where, text, f"its partitions are 0 to {one.partitions - 1}")
        return [asdict(one) for one in found if one.partitions]

    def _files(self, source: FilesSource, where: str) -> dict[str, Any]:
        """Files that are there; that there is none yet is no problem for a daemon that follows them."""
        files: list[Found] = []
        try:
            files = find_files(source.path)
        except SourceError as error:
            self.problem(where, str(error), error.hint)
        for found in files:
            try:
                with found.path.open("rb"):
                    pass
            except OSError as error:
                self.problem(where, f"{found.path} cannot be read: {error.strerror}", RIGHTS_HINT)
        if not files and not source.follow:
            self.problem(where, f"there is no file in {', '.join(source.path)}", "check the path")
        return {"type": source.type, "files": len(files), "bytes": sum(found.size for found in files)}

    def _certificates(self, options: object, where: str) -> bool:
        """Whether all files for TLS to Kafka are there."""
        tls = options.tls if isinstance(options, KafkaConnection) else None
        found = None if tls is None else tls.unreadable()
        if found is not None:
            self.problem(
                f"{where}.tls.{found[0]}", found[1], "mount it there; it is read at every connection"
            )
        return found is None

    def _tried(self, monitor: MonitorSettings, where: str, columns: tuple[Column, ...]) -> Trial | None:
        """The first records under the mapping; None where there are none, or they cannot be had now."""
        source = monitor.source
        if not isinstance(source, FilesSource | KafkaSource):
            return None
        try:
            tried = try_mapping(source, monitor.records, columns, monitor.name)
        except SourceError as error:
            self.problem(f"{where}.source", str(error), error.hint)
            return None
        except Exception as error:  # noqa: BLE001 - it would end the daemon too: better told here, with the rest
            text = f"the first records end in {type(error).__name__}"
            self.problem(f"{where}.source", text, "this is a fault of driftd: please report it")
            return None
        if tried is not None:
            self._judge(tried, f"{where}.records")
        return tried

    def _judge(self, tried: Trial, where: str) -> None:
        rejected = tried.rejected.total()
        if rejected and not tried.rows:
            text = f"none of the first {rejected:,} records can be read: {tried.example}"
            damaged = tried.rejected.keys() == {CORRUPT_FILE}
            self.problem(where, text, _DAMAGE_HINT if damaged else _MAPPING_HINT)
        elif rejected:
            total = rejected + tried.rows
            self.warnings.append(
                f"{where}: {rejected:,} of the first {total:,} records cannot be read: {tried.example}"
            )
        if tried.left_out and not tried.rows:
            counts = ", ".join(f"{count:,} {outcome}" for outcome, count in tried.left_out.items())
            self.warnings.append(f"{where}: the first records make no row: {counts}")
        if tried.featureless:
            state = next(iter(tried.empty.values()))
            text = f"no feature has a value in the first {tried.rows:,} rows ({state.replace('_', ' ')})"
            self.problem(where, text, _MAPPING_HINT)
            return
        names = defaultdict(list)
        for name, state in tried.empty.items():
            names[state].append(name)
        for state, those in names.items():
            more = f" and {len(those) - _NAMED} more" if len(those) > _NAMED else ""
            told = f"{state.replace('_', ' ')} in each of the first {tried.rows:,} rows"
            self.warnings.append(f"{where}: {', '.join(those[:_NAMED])}{more}: {told}")

    def _retraining(self, monitor: MonitorSettings, where: str) -> dict[str, Any] | None:
        """Who is called to retrain, and why; None where nobody is."""
        options = monitor.retraining
        if options is None:
            return None
        self._see(options.webhook, f"{where}.retraining.webhook")
        causes = [cause.value for cause in options.causes]
        return {"to": place_of(options.webhook.url), "causes": causes, "schedule": options.schedule}

    def sink(self, sink: Sink) -> dict[str, Any]:
        """Where alerts go."""
        where = f"sinks.{sink.destination}"
        if self._certificates(sink, where):
            self._see(sink, where)
        urls = [getattr(sink, "url", ""), *getattr(sink, "urls", ())]
        if isinstance(sink, KafkaSink):
            urls = [f"kafka://{','.join(sink.brokers)}/{sink.topic}"]
        return {
            "name": sink.destination,
            "type": str(getattr(sink, "type", "")),
            "to": ", ".join(place_of(url) for url in urls if url),
            "on": [state.value for state in sink.on],
        }

    def _see(self, destination: Sink | Webhook, where: str) -> None:
        """Warn where a destination is not to be reached now: nothing is lost by that."""
        if not self.offline and (why := _away(destination)):
            self.warnings.append(f"{where}: {why}")


def _away(destination: Sink | Webhook) -> str:
    """Why a destination is not to be reached now; "" where it is."""
    try:
        if isinstance(destination, KafkaSink):
            from monitor.sources.kafka.peek import missing, survey

            topics = [topic for topic in (destination.topic, destination.windows_topic) if topic]
            found = survey(destination, topics, None)
            return "; ".join(str(missing(one.topic)) for one in found if not one.partitions)
        destination.reach()
    except (DeliveryError, SourceError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - of a plugin
        return f"{type(error).__name__}: {error}"
    return ""
