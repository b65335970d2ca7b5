"""A proposed configuration as commented YAML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from monitor.first_look.mapping import ignored_name, is_feature_place, mapping
from monitor.first_look.proposal import MESSAGE_TIME, Proposal
from monitor.settings.default_file import flow
from sinks.duration import format_duration

_WIDTH = 110

_HEAD = """\
# Made by `driftd init`. Every guess says why; what is wrong can be changed here, or given on the command line.
# All other options, with their defaults: the reference page and driftd.yaml in the folder config/ of driftd.
#
#   driftd check --config {file}      what would be monitored
#   driftd replay --config {file}     what would have been alerted
#   driftd run --config {file}        watch, as a daemon

state: {stem}.state

http:
  host: 127.0.0.1
  port: 9465

sinks:
  - type: log
  # - type: webhook
  #   url: https://example.com/alerts
  #   secret: ${{DRIFTD_WEBHOOK_SECRET}}

monitors:
"""


def proposal_text(found: Proposal, file: str) -> str:
    """The file's text.

    Args:
        found: what is proposed.
        file: the configuration's name, for the hints at its head.
    """
    head = _HEAD.format(file=file, stem=file.removesuffix(".yaml").removesuffix(".yml"))
    lines = [
        f"  - name: {flow(found.name)}",
        *_source(found),
        *_records(found),
        *_reference(found),
        *_windows(found),
    ]
    return head + "\n".join(lines) + "\n"


def _source(found: Proposal) -> Iterator[str]:
    yield "    source:"
    yield from (f"      {option}: {flow(value)}" for option, value in found.source.items())


def _records(found: Proposal) -> Iterator[str]:
    roles = found.roles
    yield "    records:"
    if found.message_time:
        yield f"      timestamp: {flow(MESSAGE_TIME)}   # the message's; the records have no time that can be used"
    for role, value in mapping(found.raw, roles).items():
        if role == "features":
            yield from _features(found, value)
        elif role == "ignore":
            yield "      ignore:"
            inside = [name for name in roles.ignored if is_feature_place(found.raw, name)]
            yield from (f"        - {flow(ignored_name(found.raw, n))}   # {roles.why[n]}" for n in inside)
        elif role == "segments":
            yield f"      segments: {flow(value)}"
        else:
            why = roles.why.get(roles.of.get(role, ""), "")
            yield f"      {role}: {flow(value)}" + (f"   # {why}" if why else "")


def _features(found: Proposal, value: Any) -> Iterator[str]:
    raw, roles = found.raw, found.roles
    names = [ignored_name(raw, name) for name in roles.features if is_feature_place(raw, name)]
    if any(names):
        yield from _comment(f"features: {', '.join(name for name in names if name)}", "      ")
    outside = [raw.path(name) for name in roles.features if not is_feature_place(raw, name)]
    if outside:
        told = f"not read: {', '.join(outside)} (for windows of their own, list them under `segments`)"
        yield from _comment(told, "      ")
    yield f"      features: {flow(value)}"


def _reference(found: Proposal) -> Iterator[str]:
    yield "    reference:"
    yield from _comment(found.reference_why, "      ")
    yield "      type: file"
    yield f"      path: {flow(found.reference_path)}"


def _windows(found: Proposal) -> Iterator[str]:
    choice = found.choice
    yield "    windows:"
    what = f"length: {choice.name}" if choice.length else f"rows: {choice.rows}"
    yield f"      - {what}   # {choice.why}"
    yield f"        min_rows: {choice.min_rows}"
    if found.message_time or "timestamp" in found.roles.of:
        yield f"    disorder: {format_duration(choice.disorder)}   # how late a row may come"


def _comment(text: str, indent: str) -> Iterator[str]:
    return (f"{indent}# {line}" for line in textwrap.wrap(text, _WIDTH - len(indent)))
