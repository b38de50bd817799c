"""SQLite files that several processes use, on this machine or others."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from saysel.storage import sqlite

TABLE = "CREATE TABLE IF NOT EXISTS t (x TEXT)"
INSERTS = """\
import sys
from pathlib import Path
from saysel.storage import sqlite

path, mounts, name, count = sys.argv[1:]
sqlite.MOUNTS = Path(mounts)
connection = sqlite.connect(Path(path), "CREATE TABLE IF NOT EXISTS t (x TEXT)")
for number in range(int(count)):
    with sqlite.transaction(connection):
        connection.execute("INSERT INTO t VALUES (?)", [f"{name}{number}"])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that Linux calls a network drive."""
    drive = tmp_path / "my drive"
    drive.mkdir()
    mounts = tmp_path / "mountinfo"
    shown = str(drive).replace(" ", "\\040")
    mounts.write_text(
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        f"40 27 0:40 / {shown} rw,relatime shared:1 - nfs4 server:/export rw,vers=4.2\n"
    )
    monkeypatch.setattr(sqlite, "MOUNTS", mounts)
    return drive


def insert(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that inserts rows, then waits for the end of its input."""
    return subprocess.Popen(
        [sys.executable, "-c", INSERTS, str(path), str(sqlite.MOUNTS), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def rows(path: Path) -> set[str]:
    with closing(sqlite.connect(path)) as connection:
        return {row for (row,) in connection.execute("SELECT x FROM t")}


def test_machines_that_share_a_drive_lose_no_rows(drive: Path) -> None:
    for machine in ("a", "b"):
        (drive / machine).mkdir()
    with closing(sqlite.connect(drive / "a" / "file", TABLE)) as a:
        a.execute("INSERT INTO t VALUES ('a0')")
        # Both see the same file and, if there is one, the same write-ahead log, but do not share
        # the memory next to them, which belongs to their machine.
        for file in ("file", "file-wal"):
            if (drive / "a" / file).exists():
                (drive / "b" / file).hardlink_to(drive / "a" / file)
        with insert(drive / "b" / "file", "b", 3) as b:
            assert b.stdout is not None and b.stdout.readline() == "ready\n"
            a.execute("INSERT INTO t VALUES ('a1')")
            b.kill()
    assert rows(drive / "a" / "file") == {"a0", "a1", "b0", "b1", "b2"}


def test_a_link_leads_to_the_drive_that_the_file_is_on(drive: Path) -> None:
    (drive.parent / "link").symlink_to(drive / "file")
    with closing(sqlite.connect(drive.parent / "link")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("truncate",)


@pytest.mark.parametrize("had_write_ahead_log", [False, True])
def test_processes_write_at_the_same_time_on_a_shared_drive(
    drive: Path, had_write_ahead_log: bool
) -> None:
    path = drive / "file"
    if had_write_ahead_log:  # from a version that always had one
        with closing(sqlite3.connect(path)) as old:
            old.execute("PRAGMA journal_mode=WAL")
    processes = [insert(path, name, 20) for name in "abcd"]
    for process in processes:
        assert process.communicate()[0] == "ready\n"
    assert rows(path) == {f"{name}{number}" for name in "abcd" for number in range(20)}


def test_a_process_waits_until_it_can_end_a_write_ahead_log(drive: Path) -> None:
    path = drive / "file"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute(TABLE)
        process = insert(path, "a", 1)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
    assert process.communicate()[0] == "ready\n"
    assert rows(path) == {"a0"}


def test_a_disk_of_this_machine_has_the_faster_journal(drive: Path) -> None:
    assert sqlite.is_shared(drive) and sqlite.is_shared(drive / "not" / "there" / "yet")
    assert not sqlite.is_shared(drive.parent)
    with closing(sqlite.connect(drive.parent / "file")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_hides_another_mount_counts(drive: Path) -> None:
    with sqlite.MOUNTS.open("a") as mounts:
        mounts.write(f"41 27 0:41 / {drive.parent!s} rw - lustre server:/lustre rw\n")
        mounts.write(f"42 41 0:42 / {drive.parent!s} rw - xfs /dev/vdb rw\n")
    assert not sqlite.is_shared(drive.parent) and sqlite.is_shared(drive)


def test_nothing_is_known_where_there_is_no_list_of_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "MOUNTS", tmp_path / "missing")
    assert not sqlite.is_shared(tmp_path)
