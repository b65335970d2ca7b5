"""The file under the state: sound, one writer, readers beside it; refused where it is not."""

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from monitor.state import (
    DiskFullError,
    State,
    StateDamagedError,
    StateError,
    StateLockedError,
    StoredWindow,
    database,
)
from monitor.state.schema import APPLICATION_ID, MIGRATIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file is to be."""
    return tmp_path / "driftd.state"


def test_a_second_daemon_is_refused(path: Path) -> None:
    """A state file has one writer; the message names the process that has it."""
    with State.open(path), pytest.raises(StateLockedError, match=f"process {os.getpid()}"):
        State.open(path)
    State.open(path).close()


def test_a_lock_that_cannot_be_had_is_no_other_daemon(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks is told as such, and nothing is held afterwards."""

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patched:
        patched.setattr("fcntl.flock", refuse)
        with pytest.raises(StateError, match="No locks available") as caught:
            State.open(path)
    assert not isinstance(caught.value, StateLockedError)
    State.open(path).close()


def test_a_file_system_without_shared_memory_is_refused(path: Path) -> None:
    """Where SQLite cannot keep its log beside the file, driftd does not run on with less safety."""
    with closing(
        sqlite3.connect(f"file:{path}?vfs=unix-dotfile", uri=True, isolation_level=None)
    ) as connection:
        connection.execute("PRAGMA user_version")
        path.touch()
        with pytest.raises(StateError, match="share memory"):
            database._prepare(connection, path, read_only=False)


def test_the_lock_ends_with_the_process(path: Path) -> None:
    """A writer that was killed leaves a file that opens, with every commit that it made."""
    script = (
        "import os, sys; from monitor.state import State\n"
        "state = State.open(sys.argv[1])\n"
        "with state.transaction() as tx: tx.counts.add('m', {'counted': 4})\n"
        "tx = state.transaction(); tx.__enter__(); state.counts.add('m', {'counted': 1})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    with State.open(path) as state:
        assert state.counts.of("m") == {"counted": 4}


def test_readers_see_commits_and_write_nothing(path: Path) -> None:
    """A reader beside the daemon sees what is committed, before and after the daemon closed the file."""
    with State.open(path) as state:
        reader = state.reader()
        with state.transaction() as tx:
            tx.counts.add("m", {"counted": 1})
            assert reader.counts.of("m") == {}
        assert reader.counts.of("m") == {"counted": 1}
        with pytest.raises(StateError, match="read-only"), reader.transaction() as tx:
            tx.counts.add("m", {"counted": 1})
        reader.close()
    with State.open(path, read_only=True) as reader:
        assert reader.counts.of("m") == {"counted": 1}


def test_reading_makes_no_file(path: Path) -> None:
    """A reader of a state file that is not there says so and makes none."""
    with pytest.raises(StateError, match="cannot open"):
        State.open(path, read_only=True)
    assert not path.exists()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """The folder of the state file is not made by itself: a typo must not become a second state."""
    with pytest.raises(StateError, match="No such file"):
        State.open(tmp_path / "nowhere" / "driftd.state")


def test_another_file_is_refused_and_kept(path: Path) -> None:
    """A file that is no database, or another program's, is not touched."""
    path.write_bytes(b"these are not the pages" * 100)
    before = path.read_bytes()
    with pytest.raises(StateDamagedError, match="not a database"):
        State.open(path)
    assert path.read_bytes() == before
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StateDamagedError, match="another program"):
        State.open(path)


def test_a_damaged_file_is_refused(path: Path) -> None:
    """Overwritten pages are found when the file is opened, and the lock is given back."""
    with State.open(path) as state, state.transaction() as tx:
        for number in range(200):
            tx.documents.put("m", f"key {number}", "x" * 500)
    damaged = bytearray(path.read_bytes())
    damaged[8192:12288] = os.urandom(4096)
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(StateDamagedError) as caught:
            State.open(path)
        assert "backup" in caught.value.hint


def test_a_cut_file_is_refused(path: Path) -> None:
    """A file that lost its end is damaged, not empty."""
    with State.open(path) as state, state.transaction() as tx:
        tx.documents.put("m", "k", "x" * 100_000)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StateDamagedError):
        State.open(path)


def test_a_large_file_is_checked_without_its_history(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the daemon goes on with is read through at every start; old windows when somebody asks for them."""
    monkeypatch.setattr(database, "CHECKED_WHOLE_BYTES", 0)
    with State.open(path) as state:
        with state.transaction() as tx:
            tx.windows.put(StoredWindow("m", "1", "", "1h", 0, 10, 5, "ok", [], 0), b"h" * 50_000)
        with state.transaction() as tx:
            tx.documents.put("m", "k", "d" * 50_000)
    whole = path.read_bytes()
    path.write_bytes(_overwritten(whole, b"d" * 4000))
    with pytest.raises(StateDamagedError):
        State.open(path)
    path.write_bytes(_overwritten(whole, b"h" * 4000))
    with State.open(path) as state:
        assert state.documents.get("m", "k") == "d" * 50_000
        with pytest.raises(StateDamagedError):
            state.windows.recent_profiles("m", "1", "", "1h", limit=1)


def _overwritten(data: bytes, content: bytes) -> bytes:
    """The file with the first page that is full of this content lost, its links to other pages too."""
    page = next(at for at in range(0, len(data), 4096) if data[at + 8 : at + 4008] == content)
    return data[:page] + b"\xff" * 4096 + data[page + 4096 :]


def test_a_newer_file_is_refused(path: Path) -> None:
    """A file of a newer version is not written to."""
    State.open(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    with pytest.raises(StateError, match="newer"):
        State.open(path)


def test_the_file_says_whose_it_is(path: Path) -> None:
    """Application id, version and journal stand in the file's header."""
    State.open(path).close()
    plain = sqlite3.connect(path)
    pragmas = [plain.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    assert [APPLICATION_ID, len(MIGRATIONS)] == pragmas
    assert plain.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    plain.close()


def test_a_full_disk_stops_and_loses_nothing(path: Path) -> None:
    """When a commit does not fit, it has not happened, and the one before it is whole."""
    with State.open(path) as state:
        with state.transaction() as tx:
            tx.counts.add("m", {"counted": 1})
        state._database.read("PRAGMA max_page_count = 60")
        with pytest.raises(DiskFullError, match="no room"):
            _write_much(state)
        assert state.counts.of("m") == {"counted": 1}


def _write_much(state: State) -> None:
    with state.transaction() as tx:
        tx.counts.add("m", {"counted": 1})
        tx.documents.put("m", "large", "x" * 1_000_000)
