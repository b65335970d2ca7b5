"""The files that a source knows: which are new, renamed, copied, truncated or gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from monitor.sources.files.identity import GZIP_MAGIC, Fingerprint, table_fingerprint, text_fingerprint
from monitor.sources.files.listing import find_files, is_complete_table, kind_of
from monitor.sources.files.track import Found, Kind, Known, Track

REMEMBERED = 256
"""Files that are gone and still remembered, in case they come back under another name."""


class Catalogue:
    """Keeps tracks and files together by content, with the inode as a hint.

    Attributes:
        known: tracks by partition name, in the order in which they were met.
    """

    def __init__(self, patterns: Sequence[str], configured: str, *, final: bool) -> None:
        """Start empty.

        Args:
            patterns: globs, directories and files.
            configured: format, or `auto`.
            final: files do not grow any more.
        """
        self.known: dict[str, Known] = {}
        self._patterns = patterns
        self._configured = configured
        self._final = final

    def restore(self, tracks: Iterable[Track]) -> None:
        """Take over the tracks of an earlier run; their files are looked up at the next scan."""
        self.known = {track.name: Known(track) for track in tracks}
        for known in self.known.values():
            known.sight.present = False

    def scan(self) -> None:
        """Look at the files that are there now."""
        by_inode = {tuple(known.track.inode): known for known in self.known.values()}
        strangers = []
        present: set[str] = set()
        for found in find_files(self._patterns):
            known = by_inode.get(found.inode)
            if known is not None and self._still(known, found):
                self._seen(known, found)
                present.add(known.track.name)
                continue
            if known is not None:
                known.sight.replaced = True
            strangers.append(found)
        for found in strangers:
            known = self._identify(found, present)
            if known is not None:
                self._seen(known, found)
                present.add(known.track.name)
        self._missed(present)

    def _still(self, known: Known, found: Found) -> bool:
        """The file holds what was read from it (it was neither truncated nor replaced)."""
        sight = known.sight
        if sight.present and (found.size, found.modified) == (sight.size, sight.modified):
            return True
        return self._matches(known.track, found)

    def _matches(self, track: Track, found: Found) -> bool:
        print_ = self._fingerprint(found, track.kind, track.length)
        if print_ is None or print_.digest != track.digest:
            return False
        return track.kind == "parquet" or found.size >= track.offset or _is_gzip(found.path)

    def _identify(self, found: Found, present: set[str]) -> Known | None:
        """The known track of a file that was renamed or copied, else a new one; None for one that is to wait."""
        try:
            kind = kind_of(found.path, self._configured)
            if kind == "parquet" and not self._final and not is_complete_table(found.path):
                return None
        except OSError:
            return None
        print_ = self._fingerprint(found, kind, None)
        if print_ is None:
            return None
        alike = [k for k in self.known.values() if k.track.digest == print_.digest or not k.track.whole]
        for known in reversed(alike):
            if known.track.name not in present and self._matches(known.track, found):
                return known
        if any(_is_copy(found, print_, k) for k in alike if k.track.name in present):
            return None
        return self._new(found, kind, print_)

    def _new(self, found: Found, kind: Kind, print_: Fingerprint) -> Known:
        name = f"{found.path}#{print_.digest[:8]}"
        if name in self.known:
            name = f"{found.path}#{print_.digest[8:16]}"
        inode = list(found.inode)
        track = Track(name, str(found.path), kind, print_.digest, print_.length, print_.whole, inode)
        return self.known.setdefault(name, Known(track))

    def _fingerprint(self, found: Found, kind: str, length: int | None) -> Fingerprint | None:
        try:
            if kind == "parquet":
                return table_fingerprint(found.path)
            return text_fingerprint(found.path, length, final=self._final)
        except OSError:
            return None

    def _seen(self, known: Known, found: Found) -> None:
        """Note where a track's file is now; a fingerprint that was short grows with the file."""
        track, sight = known.track, known.sight
        changed = (found.size, found.modified) != (sight.size, sight.modified)
        track.path, track.inode = str(found.path), list(found.inode)
        sight.size, sight.modified = found.size, found.modified
        sight.present, sight.replaced, sight.gone = True, False, 0
        if changed and not track.whole and (print_ := self._fingerprint(found, track.kind, None)):
            track.digest, track.length, track.whole = print_.digest, print_.length, print_.whole

    def _missed(self, present: set[str]) -> None:
        gone = []
        for name, known in self.known.items():
            if name not in present:
                known.sight.present = False
                known.sight.gone += 1
                gone.append(name)
        gone.sort(key=lambda name: -self.known[name].sight.gone)
        for name in gone[: max(0, len(gone) - REMEMBERED)]:
            del self.known[name]


def _is_copy(found: Found, print_: Fingerprint, known: Known) -> bool:
    """The file holds nothing that a file which is still there does not hold."""
    track, path = known.track, Path(known.track.path)
    if track.digest != print_.digest:
        return False
    if track.kind == "parquet" or _is_gzip(found.path) != _is_gzip(path):
        return True
    return found.size <= known.sight.size and _same_spots(found, path)


def _is_gzip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == GZIP_MAGIC
    except OSError:
        return False


def _same_spots(found: Found, other: Path) -> bool:
    """Two files agree in the middle and at the end of the shorter one, which is `found`."""
    try:
        with found.path.open("rb") as one, other.open("rb") as two:
            for place in (found.size // 2, max(0, found.size - 1024)):
                one.seek(place)
                two.seek(place)
                if one.read(1024) != two.read(1024)[: found.size - place]:
                    return False
    except OSError:
        return False
    return True
