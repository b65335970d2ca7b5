"""Answers of brokers come in whole, however they are cut on their way."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.protocol.parser import KafkaProtocol

from sinks.kafka.frames import MOST_AT_ONCE_BYTES, PIECE_BYTES, Frame, coming_in, fill, receive


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection; the second does not block."""
    near, far = socket.socketpair()
    far.settimeout(0)
    with near, far:
        yield near, far


def test_the_last_words_are_heard(pair: tuple[socket.socket, socket.socket]) -> None:
    """What was sent before the end comes without an error; the end comes after it, once there is nothing else."""
    near, far = pair
    near.sendall(b"you may not")
    near.close()
    assert (b"you may not", None) == receive(far)
    data, error = receive(far)
    assert b"" == data
    assert "socket disconnected" in str(error)


def test_nothing_yet_is_no_end(pair: tuple[socket.socket, socket.socket]) -> None:
    """A connection on which nothing has come yet is as it was."""
    near, far = pair
    assert (b"", None) == receive(far)
    near.sendall(b"now")
    assert (b"now", None) == receive(far)


def test_an_error_of_the_network_is_told() -> None:
    """A connection that was reset gives its error."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        with far:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            near.close()
            data, error = receive(far)
    assert b"" == data
    assert "reset" in str(error)


class Endless:
    """A socket on which there is always more."""

    def recv_into(self, rest: memoryview) -> int:
        """A part of what there is room for."""
        return min(len(rest), 1000)


def test_one_connection_does_not_take_all_the_time() -> None:
    """Where there is always more, others have their turn after a while."""
    frame = Frame(3 * MOST_AT_ONCE_BYTES)
    assert fill(frame, Endless()) is None
    assert MOST_AT_ONCE_BYTES == frame.tell()


def test_a_frame_is_read_where_it_lies() -> None:
    """Its head comes as bytes, the rest without a copy, and nothing comes behind its end."""
    frame = Frame(10)
    frame[:] = b"0123456789"
    assert (b"012", 3) == (frame.read(3), frame.tell())
    rest = frame.read()
    frame[9:] = b"x"
    assert (b"345678x", 10) == (bytes(rest), frame.tell())
    assert b"" == frame.read(5) == bytes(frame.read())


class Parser(KafkaProtocol):  # type: ignore[misc] # kafka-python has no types
    """kafka-python's, for answers of nothing but bytes."""

    def _process_response(self, frame: Any) -> bytes:
        return bytes(frame.read())


@pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 10 * PIECE_BYTES])
def test_answers_are_what_was_sent(size: int, pair: tuple[socket.socket, socket.socket]) -> None:
    """Answers of all sizes, one behind the other, come in as they were sent, whole and in their order."""
    near, far = pair
    sent = [bytes([i]) * size for i in range(1, 4)]
    waiting = b"".join(len(answer).to_bytes(4, "big") + answer for answer in sent)
    near.settimeout(0)
    parser = Parser()
    found: list[bytes] = []
    while len(found) < len(sent):
        if waiting:
            waiting = waiting[near.send(waiting[: PIECE_BYTES // 3]) :]
        if (frame := coming_in(parser)) is not None:
            assert fill(frame, far) is None
        data, error = receive(far)
        assert error is None
        found += parser.receive_bytes(data)
    assert sent == found


def test_an_end_within_an_answer_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    """A broker that goes away in the middle of an answer is a lost connection."""
    near, far = pair
    parser = Parser()
    parser.receive_bytes((10 * PIECE_BYTES).to_bytes(4, "big"))
    near.sendall(b"some")
    near.close()
    frame = coming_in(parser)
    assert frame is not None
    assert "socket disconnected" in str(fill(frame, far))
