"""Large answers of brokers, read straight to where they belong; kafka-python copies each of their bytes seven times.

The names that are used here are kafka-python's inner ones: pyproject.toml pins the versions that have them.
"""

from __future__ import annotations

import ssl
from typing import Any, overload

from kafka.errors import KafkaConnectionError
from kafka.protocol.frame import KafkaBytes

PIECE_BYTES = 64 * 2**10
MOST_AT_ONCE_BYTES = 2**20
"""What one connection may read before others have their turn."""

_NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Frame(KafkaBytes):  # type: ignore[misc] # kafka-python has no types
    """An answer whose reader sees it where it lies."""

    @overload
    def read(self) -> memoryview: ...
    @overload
    def read(self, nbytes: int) -> bytes: ...
    def read(self, nbytes: int | None = None) -> memoryview | bytes:
        """So many bytes, or all that are left; goes on behind them."""
        start = self.tell()
        self.seek(len(self) if nbytes is None else min(len(self), start + nbytes))
        found = memoryview(self)[start : self.tell()]
        return found if nbytes is None else bytes(found)


def coming_in(parser: Any) -> Frame | None:
    """The answer of which a large part is still to come; `parser` is that of a connection."""
    frame = parser._rbuffer if parser is not None and parser._receiving else None  # noqa: SLF001 - see above
    if frame is None or missing_of(frame) <= PIECE_BYTES:
        return None
    frame.__class__ = Frame
    return frame  # type: ignore[no-any-return]


def missing_of(frame: Any) -> int:
    """Bytes of an answer that are still to come."""
    return len(frame) - int(frame.tell())


def fill(frame: Frame, connected: Any) -> KafkaConnectionError | None:
    """Read what has come in, up to the frame's last byte: with that the parser sees that it is whole.

    A TLS socket is read until it wants more from the network: what it holds decrypted makes no file descriptor
    readable.

    Args:
        frame: of which more than a byte is missing.
        connected: a socket that does not block.

    Returns:
        The error where no more will come.
    """
    place, end = frame.tell(), len(frame) - 1
    most = end if isinstance(connected, ssl.SSLSocket) else min(end, place + MOST_AT_ONCE_BYTES)
    with memoryview(frame) as whole:
        while place < most:
            try:
                with whole[place:most] as rest:
                    size = connected.recv_into(rest)
            except _NOTHING_YET:
                break
            except (OSError, ValueError) as trouble:
                return KafkaConnectionError(trouble)
            if not size:
                return KafkaConnectionError("socket disconnected")
            place += size
    frame.seek(place)
    return None


def receive(connected: Any) -> tuple[bytes, KafkaConnectionError | None]:
    """What has come in on a socket that does not block, and the error where nothing has and nothing will.

    An end behind data is told the next time. TLS sockets are read as `fill` reads them.
    """
    pieces: list[bytes] = []
    size = 0
    error: KafkaConnectionError | None = None
    encrypted = isinstance(connected, ssl.SSLSocket)
    while not pieces or (encrypted and (size < MOST_AT_ONCE_BYTES or connected.pending())):
        try:
            piece = connected.recv(PIECE_BYTES)
        except _NOTHING_YET:
            break
        except (OSError, ValueError) as trouble:
            error = KafkaConnectionError(trouble)
            break
        if not piece:
            error = KafkaConnectionError("socket disconnected")
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), None if pieces else error
