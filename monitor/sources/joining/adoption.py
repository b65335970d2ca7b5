"""What waits of a partition, as a short text that the next owner of the partition reads.

Positions are committed behind everything that was read, halves that wait included. When a partition goes to another
member of the group, the halves go with it: the note beside the committed offset names the offsets of those that still
wait. The next owner reads again from the first of them and takes only those named; all others before the committed
offset were counted by the owner before. A half that is not in the note counts there as `handed_over`.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass

import numpy as np

from monitor.sources.joining.sides import Longs, Mask

_MORE, _BITS, _MASK = 0x80, 7, 0x7F
_MOST_RUNS = 4096
"""Stretches of offsets in a note, at most."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits of one partition.

    Attributes:
        end: the first offset that nobody has read.
        offsets: those before it that are still to be counted; int64, rising.
        time: time that the partition had reached before the first of them; microseconds.
    """

    end: int
    offsets: Longs
    time: int

    @property
    def begin(self) -> int:
        """Where reading begins."""
        return int(self.offsets[0]) if len(self.offsets) else self.end

    def to_text(self) -> str:
        """The note."""
        return json.dumps([self.end, self.time, _packed(self.end, self.offsets)], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Waiting:
        """What `to_text` wrote.

        Raises:
            ValueError: it is none of ours.
        """
        try:
            end, time, packed = json.loads(text)
            return cls(int(end), _unpacked(int(end), str(packed)), int(time))
        except (TypeError, zlib.error, IndexError) as error:
            raise ValueError(f"not a list of waiting halves: {error}") from None

    def shortened(self, most: int) -> tuple[Waiting, int]:
        """With the newest offsets only, so many that the text is not longer than `most`; how many are left out.

        The oldest have waited the longest and are the least likely to find their other half.
        """
        found = self._newest_runs()
        while len(found.offsets) and len(found.to_text()) > most:
            kept = len(found.offsets) * 3 // 4
            found = Waiting(self.end, self.offsets[len(self.offsets) - kept :], self.time)
        return found, len(self.offsets) - len(found.offsets)

    def _newest_runs(self) -> Waiting:
        """Without what cannot have room: it is not worth the time to try."""
        breaks = np.flatnonzero(np.diff(self.offsets) != 1)
        if len(breaks) < _MOST_RUNS:
            return self
        return Waiting(self.end, self.offsets[breaks[-_MOST_RUNS] + 1 :], self.time)


def keep_waiting(waiting: Waiting, offsets: Longs) -> Mask:
    """Which messages of an adopted partition are to be counted; shape (n,)."""
    return np.asarray((offsets >= waiting.end) | np.isin(offsets, waiting.offsets))


def _packed(end: int, offsets: Longs) -> str:
    """Gaps and runs, from the end backwards, as varints, compressed."""
    if not len(offsets):
        return ""
    breaks = np.flatnonzero(np.diff(offsets) != 1)
    firsts = offsets[np.concatenate([[0], breaks + 1])]
    lasts = offsets[np.concatenate([breaks, [len(offsets) - 1]])]
    gaps = np.concatenate([firsts[1:], [end]]) - lasts - 1
    numbers = np.stack([gaps[::-1], (lasts - firsts)[::-1]], axis=1).ravel()
    found = bytearray()
    for number in numbers.tolist():
        rest = number
        while rest >= _MORE:
            found.append(_MORE | rest & _MASK)
            rest >>= _BITS
        found.append(rest)
    return base64.b85encode(zlib.compress(bytes(found), 9)).decode()


def _unpacked(end: int, text: str) -> Longs:
    if not text:
        return np.empty(0, np.int64)
    numbers, number, shift = [], 0, 0
    for byte in zlib.decompress(base64.b85decode(text)):
        number |= (byte & _MASK) << shift
        shift += _BITS
        if byte < _MORE:
            numbers.append(number)
            number = shift = 0
    runs, place = [], end
    for gap, run in zip(numbers[::2], numbers[1::2], strict=True):
        last = place - gap - 1
        place = last - run
        runs.append(np.arange(place, last + 1))
    return np.concatenate(runs[::-1]).astype(np.int64)
