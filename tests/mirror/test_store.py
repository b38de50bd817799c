"""What every store has to be able to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from saysel.errors import SayselError, StageError
from saysel.mirror.folder import Folder
from saysel.mirror.store import Store


def test_files_are_written_listed_read_and_deleted(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert store.list() == {} and store.read("a/b.txt") is None

    first = store.put(file, "a/b.txt")
    assert store.list() == {"a/b.txt": first} and store.list("a") == {"a/b.txt": first}
    file.write_bytes(b"two")
    second = store.put(file, "a/b.txt")
    store.write("c", b"three")

    assert first != second and store.list()["a/b.txt"] == second
    assert (store.read("a/b.txt"), store.read("c")) == (b"two", b"three")
    store.get("c", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"three"
    assert store.below("a").read("b.txt") == b"two"
    store.delete(["a/b.txt", "missing"])
    assert list(store.list()) == ["c"]


def test_one_of_many_creates_a_file(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda n: store.create("lease", b"%d" % n), range(8)))

    assert created.count(True) == 1
    assert store.read("lease") == b"%d" % created.index(True)


def test_a_missing_file_is_one_line(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SayselError, match=r"no such") as caught:
        store.get("missing", tmp_path / "copy")

    assert store.address in str(caught.value) or str(tmp_path) in str(caught.value)


def test_a_drive_that_cannot_be_listed_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where another user can list it, too
    tmp_path.chmod(0o777)
    drive = Folder(Path("drive"))
    drive.write("stages/sample/done.json", b"{}")
    hidden = tmp_path / "drive" / "stages"
    hidden.chmod(0)
    with another_user(), pytest.raises(StageError) as caught:
        drive.list()
    hidden.chmod(0o755)

    assert str(caught.value) == "drive/stages: cannot be read (Permission denied): run again later"
    assert list(drive.list()) == ["stages/sample/done.json"]


@contextmanager
def another_user() -> Iterator[None]:
    """Root may read everything, so be somebody else inside this block."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
