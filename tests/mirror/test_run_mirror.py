"""What is uploaded and fetched, and when."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from saysel.costs.ledger import Ledger
from saysel.costs.usage import Usage
from saysel.errors import DamagedFile
from saysel.mirror import RunMirror, names
from saysel.mirror.folder import Folder
from saysel.runs.events import Events
from saysel.runs.lock import is_worked_on, locked
from saysel.storage import finish, finished, mirrors, remove_tree, write_checked, write_json
from saysel.storage.markers import read_record

STEP = "stages/sample-0123"


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "drive" / "run")


@contextmanager
def working(store: Folder, machine: Path) -> Iterator[Path]:
    """Work in the run on a machine."""
    mirrors.attach(RunMirror(store, machine))
    with locked(machine):
        yield machine


def shard(run: Path, number: int, content: bytes = b"records") -> Path:
    path = run / STEP / f"part-{number:05}.parquet.txt"
    write_checked(path, lambda file: file.write(content))
    return path


def test_whether_a_run_is_worked_on_is_known_on_every_machine(
    store: Folder, tmp_path: Path
) -> None:
    for machine in ("a", "b"):
        mirrors.attach(RunMirror(store, tmp_path / machine))
        assert is_worked_on(tmp_path / machine) is False

    with working(store, tmp_path / "a"):
        assert is_worked_on(tmp_path / "a") and is_worked_on(tmp_path / "b")

    assert not is_worked_on(tmp_path / "a") and not is_worked_on(tmp_path / "b")


def test_a_file_is_uploaded_once_it_is_written(store: Folder, tmp_path: Path) -> None:
    with working(store, tmp_path / "a") as run:
        path = shard(run, 0)
        name = path.relative_to(run).as_posix()
        assert store.read(name) == b"records" and f"{STEP}/.{path.name}.sum" in store.list()
        (path.parent / "model").mkdir()
        (path.parent / "model" / "weights").write_bytes(b"saved by a library")
        assert f"{STEP}/model/weights" not in store.list()
        finish(path.parent, {"tokens": 3})
        assert store.read(f"{STEP}/model/weights") == b"saved by a library"

    mirrors.attach(RunMirror(store, tmp_path / "b"))
    assert finished(tmp_path / "b" / STEP) == {"tokens": 3}


def test_an_unfinished_step_continues_elsewhere(store: Folder, tmp_path: Path) -> None:
    with working(store, tmp_path / "a") as run:
        shard(run, 0)
    with working(store, tmp_path / "b") as run:
        assert finished(run / STEP) is None
        assert shard(run, 0).exists()
        shard(run, 1, b"more")
    with working(store, tmp_path / "a") as run:
        assert finished(run / STEP) is None
        assert (run / STEP / "part-00001.parquet.txt").read_bytes() == b"more"


def test_what_a_step_deletes_is_deleted_everywhere(store: Folder, tmp_path: Path) -> None:
    with working(store, tmp_path / "a") as run:
        shard(run, 0)
        extra = shard(run, 1)
        write_json(run / STEP / "checkpoints" / "1.json", {})
    with working(store, tmp_path / "b") as run:
        assert finished(run / STEP) is None
        (run / extra.relative_to(tmp_path / "a")).unlink()
        finish(run / STEP, {})
        remove_tree(run / STEP / "checkpoints")
        stored = store.list()
        assert f"{STEP}/part-00001.parquet.txt" not in stored and f"{STEP}/done.json" in stored
        assert not [name for name in stored if "checkpoints" in name]
    with working(store, tmp_path / "a") as run:
        assert finished(run / STEP) == {}
        assert not extra.exists() and not (run / STEP / "checkpoints" / "1.json").exists()


def test_what_was_not_uploaded_before_a_kill_is_uploaded_later(
    store: Folder, tmp_path: Path
) -> None:
    with working(store, tmp_path / "a") as run:
        shard(run, 0)
    shard(tmp_path / "a", 1, b"new")  # nothing is uploaded outside of the lock
    finish(tmp_path / "a" / STEP, {})

    with working(store, tmp_path / "a") as run:
        assert finished(run / STEP) == {}
        assert store.read(f"{STEP}/part-00001.parquet.txt") == b"new"


def test_what_another_machine_has_finished_replaces_what_is_here(
    store: Folder, tmp_path: Path
) -> None:
    with working(store, tmp_path / "a") as run:
        shard(run, 0)
    shard(tmp_path / "a", 7, b"in vain")
    with working(store, tmp_path / "b") as run:
        assert finished(run / STEP) is None
        finish(run / STEP, {})

    with working(store, tmp_path / "a") as run:
        assert finished(run / STEP) == {}
        assert not (run / STEP / "part-00007.parquet.txt").exists()


def test_ledger_and_log_are_complete_before_a_marker(store: Folder, tmp_path: Path) -> None:
    def spent(run: Path) -> object:
        return Ledger(run, "sample").totals().get("requests")

    with working(store, tmp_path / "a") as run, closing(Ledger(run, "sample").connect()) as ledger:
        ledger.record("model", Usage(1, 1), 0.5)
        Events(run / "events.jsonl").write("stage_started", stage="sample")
        shard(run, 0)
        finish(run / STEP, {})  # while the connection is open
        assert b"stage_started" in (store.read("events.jsonl") or b"")
        (tmp_path / "copy").mkdir()
        store.get("ledger.sqlite", tmp_path / "copy" / "ledger.sqlite")

    assert spent(tmp_path / "copy") == 1
    mirrors.attach(RunMirror(store, tmp_path / "reader"))
    mirrors.bring(tmp_path / "reader")
    assert not (tmp_path / "reader" / "ledger.sqlite").exists()
    with working(store, tmp_path / "b") as run:
        assert spent(run) == 1


def test_responses_of_a_killed_process_are_kept_on_its_machine(
    store: Folder, tmp_path: Path
) -> None:
    with working(store, tmp_path / "a") as run, closing(Ledger(run, "sample").connect()) as ledger:
        ledger.record("model", Usage(1, 1), 0.5)
    with closing(Ledger(tmp_path / "a", "sample").connect()) as ledger:
        ledger.record("model", Usage(1, 1), 0.5)  # and killed

    with working(store, tmp_path / "a") as run:
        assert Ledger(run, "sample").totals()["requests"] == 2
    with closing(sqlite3.connect(tmp_path / "drive" / "run" / "ledger.sqlite")) as stored:
        assert stored.execute("SELECT COUNT(*) FROM requests").fetchone() == (2,)


def test_the_log_of_another_machine_is_not_replaced_by_an_old_one(
    store: Folder, tmp_path: Path
) -> None:
    for machine in ("a", "b"):
        with working(store, tmp_path / machine) as run:
            Events(run / "events.jsonl").write(machine)
    Events(tmp_path / "a" / "events.jsonl").write("old")

    class Slow(Folder):
        def get(self, name: str, path: Path) -> None:
            time.sleep(0.2)
            super().get(name, path)

    mirrors.attach(RunMirror(Slow(Path(store.address)), tmp_path / "a", lease_seconds=0.6))
    with locked(tmp_path / "a"):
        assert b'"old"' not in (store.read("events.jsonl") or b"")
        Events(tmp_path / "a" / "events.jsonl").write("new")
        time.sleep(0.4)
        log = (store.read("events.jsonl") or b"").decode()
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["a", "b", "new"]


def test_replaced_checkpoints_are_deleted(store: Folder, tmp_path: Path) -> None:
    with working(store, tmp_path / "a") as run:
        for step in (1, 2):
            checkpoint = run / STEP / "checkpoints" / f"checkpoint-{step}"
            checkpoint.mkdir(parents=True)
            (checkpoint / "weights").write_bytes(b"%d" % step)
            for old in (run / STEP / "checkpoints").iterdir():
                if old != checkpoint:
                    shutil.rmtree(old)
            finish(checkpoint, {}, "complete.json")
        stored = [name.rpartition("checkpoints/")[2] for name in store.list(f"{STEP}/checkpoints")]
    assert sorted(stored) == ["checkpoint-2/complete.json", "checkpoint-2/weights"]


def test_a_new_look_at_a_run_finds_what_is_new(store: Folder, tmp_path: Path) -> None:
    mirror = RunMirror(store, tmp_path / "reader")
    mirror.bring(mirror.root)
    store.write("recipe.yaml", b"name: mine")
    mirror.forget()
    mirror.bring(mirror.root)
    assert (mirror.root / "recipe.yaml").read_bytes() == b"name: mine"


def test_runs_below_another_one_are_left_alone(store: Folder, tmp_path: Path) -> None:
    with working(store.below("inner"), tmp_path / "b") as run:
        write_json(run / "recipe.json", {})
    with working(store, tmp_path / "a") as run:
        write_json(run / "recipe.json", {})
        assert not (run / "inner").exists()
    assert store.read("inner/recipe.json") is not None
    assert mirrors.runs_below(tmp_path / "a") == [tmp_path / "a" / "inner"]


def test_a_reader_does_not_disturb_a_run_of_its_machine(store: Folder, tmp_path: Path) -> None:
    with working(store, tmp_path / "a") as run:
        write_json(run / "recipe.json", {"new": 1})
        store.write("recipe.json", b"old")

        reader = RunMirror(store, run)  # as in another process
        reader.bring(run)

        assert b"new" in (run / "recipe.json").read_bytes()
    reader.bring(run)
    assert (run / "recipe.json").read_bytes() == b"old"


def test_a_name_that_leads_out_of_the_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="leads out of the run directory"):
        names.safe(["stages/../../x"], "s3://bucket/run")


def test_nothing_is_fetched_without_a_mirror(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="the file is missing"):
        read_record(tmp_path / "manifest.json")


def test_a_database_from_the_store_has_no_journal_of_the_previous_one(
    store: Folder, tmp_path: Path
) -> None:
    for machine in ("a", "b"):
        with (
            working(store, tmp_path / machine) as run,
            closing(Ledger(run, machine).connect()) as ledger,
        ):
            ledger.record("model", Usage(1, 1), 0.5)
    left = [tmp_path / "a" / f"ledger.sqlite{ending}" for ending in ("-wal", "-shm", "-journal")]
    for path in left:
        path.write_bytes(b"left by a process that was killed")

    with working(store, tmp_path / "a"):
        assert not any(path.exists() for path in left)


def test_checkpoints_of_sharded_models_are_copied_whole(store: Folder, tmp_path: Path) -> None:
    checkpoint = Path(STEP, "checkpoints", "checkpoint-1")
    with working(store, tmp_path / "a") as run:
        (run / checkpoint).mkdir(parents=True)
        for name in (".metadata", "__0_0.distcp", "trainer_state.json"):  # as torch names them
            (run / checkpoint / name).write_bytes(b"part")
        finish(run / checkpoint, {}, "complete.json")
    with working(store, tmp_path / "b") as run:
        assert finished(run / STEP) is None
        assert (run / checkpoint / ".metadata").read_bytes() == b"part"


def test_readers_fetch_no_checkpoints(store: Folder, tmp_path: Path) -> None:
    checkpoint = Path(STEP, "checkpoints", "checkpoint.pt")
    with working(store, tmp_path / "a") as run:
        shard(run, 0)
        write_checked(run / checkpoint, lambda file: file.write(b"gigabytes"))
        mirrors.attach(RunMirror(store, tmp_path / "reader"))
        assert finished(tmp_path / "reader" / STEP) is None
        assert (tmp_path / "reader" / STEP / "part-00000.parquet.txt").exists()
        assert not (tmp_path / "reader" / checkpoint).exists()
    with working(store, tmp_path / "reader") as run:  # which becomes the writer
        assert finished(run / STEP) is None
        assert (run / checkpoint).read_bytes() == b"gigabytes"
