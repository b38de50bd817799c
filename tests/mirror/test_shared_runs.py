"""Runs whose directory is on shared storage, on one machine and on several."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

import saysel
from saysel.errors import RunBusy, SayselError
from saysel.mirror import lease
from saysel.mirror.bucket import Bucket
from saysel.mirror.folder import Folder
from saysel.mirror.lease import Lease
from saysel.mirror.locations import working_copy
from saysel.mirror.store import Store
from saysel.runs.follow import RunState
from saysel.runs.unfinished import UnfinishedPage
from tests.mirror.conftest import SECRET
from tests.support import small_plugin
from tests.support.end_to_end import invoke, stages_started
from tests.support.small_plugin import RECIPE

pytestmark = pytest.mark.usefixtures("small_parts")

Machine = Callable[[str], Path]

MATRIX = {**RECIPE, "matrix": {"source.train": [6, 12]}}
#: Kills the process at an upload to shared storage.
KILLED = """\
import json, os, signal, sys
import saysel
from saysel import registry
from saysel.mirror.bucket import Bucket
from tests.support import small_plugin

recipe, address, file, after = json.loads(sys.argv[1])
registry.current().add(small_plugin, "small", "1.0")
put = Bucket.put

def watched(self, path, name):
    doomed = name.startswith(file[0]) and name.endswith(file[1])
    if doomed and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    stamp = put(self, path, name)
    if doomed:
        os.kill(os.getpid(), signal.SIGKILL)
    return stamp

Bucket.put = watched
saysel.run(recipe, address, until="sample")
"""


@pytest.fixture
def drive(tmp_path: Path, machine: Machine) -> str:
    """A run directory on a drive that is used as if it had no locks."""
    machine("a")
    return (tmp_path / "drive" / "mine").as_uri()


@pytest.fixture(params=["bucket", "drive"])
def address(request: pytest.FixtureRequest) -> str:
    """Where a run directory may be, on both kinds of shared storage."""
    place: str = request.getfixturevalue(request.param)
    return f"{place}/runs/mine" if request.param == "bucket" else place


def store_of(address: str) -> Store:
    if address.startswith("file:"):
        return Folder(Path(address.removeprefix("file://")))
    return Bucket(address)


def end_lease(store: Store) -> None:
    """As if the time had passed after which a lease ends."""
    (name,) = store.list(".lease")
    content = json.loads(store.read(name) or b"")
    store.write(name, json.dumps({**content, "until": 0}).encode())


def records(run: Path) -> dict[str, bytes]:
    """The records of a run."""
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in (run / "stages").rglob("*.parquet")
    }


def test_a_run_is_finished_once_for_all_machines(address: str, machine: Machine) -> None:
    first = saysel.run(RECIPE, address)
    assert first.complete and saysel.run(RECIPE, address).ran == ()

    machine("b")
    second = saysel.run(RECIPE, address)

    assert second.ran == () and second.directory != first.directory
    assert records(second.directory) == records(first.directory)
    stored = set(store_of(address).list())
    assert stored >= {"recipe.yaml", "manifest.json", "events.jsonl", "report/index.html"}
    assert not [name for name in stored if name.rpartition("/")[2].startswith(".lock")]


def test_a_report_that_another_machine_has_replaced_is_drawn_again(
    drive: str, machine: Machine
) -> None:
    def scores(run: saysel.Run) -> str:
        return (run.directory / "report" / "metrics.json").read_text()

    first = scores(saysel.run(RECIPE, drive))
    machine("b")
    other = saysel.run(RECIPE, drive, set={"evaluate.metrics": ["parse_rate"]})
    assert other.ran == ("report",) and scores(other) != first
    machine("c")
    again = saysel.run(RECIPE, drive)

    assert again.ran == ("report",) and scores(again) == first
    assert saysel.run(RECIPE, drive).ran == ()


def test_readers_fetch_what_they_need(drive: str, machine: Machine, tmp_path: Path) -> None:
    made = saysel.run(RECIPE, drive)
    scores = {name: table["brier"] for name, table in made.scores.items()}

    cache = machine("reader")
    run = saysel.Run(drive)
    assert not (run.directory / "stages").exists() and run.directory.is_relative_to(cache)
    assert {name: table["brier"] for name, table in run.scores.items()} == scores
    fetched = {path.name.partition("-")[0] for path in (run.directory / "stages").iterdir()}
    assert fetched == {"evaluate"}

    machine("another")
    assert "done" in invoke("watch", drive, "--once").output
    compared = invoke("compare", f"{drive}:base", f"{drive}:small", "--out", tmp_path / "table")
    assert compared.exit_code == 0 and "brier" in compared.output

    store = store_of(drive)
    store.delete(["report/index.html"])
    assert invoke("report", drive).exit_code == 0
    assert store.read("report/index.html") is not None


def test_an_export_needs_a_directory_of_this_machine(drive: str, tmp_path: Path) -> None:
    saysel.run(RECIPE, drive)

    for options in (("--predictions",), ()):
        refused = invoke("export", drive, *options)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr.endswith(
            ": this run is on shared storage: choose a directory of this machine for the export "
            "with --to\n"
        )
    assert invoke("export", drive, "--predictions", "--to", tmp_path / "mine").exit_code == 0
    assert (tmp_path / "mine" / "data_set").is_dir()


def test_the_page_of_a_run_follows_what_another_machine_does(drive: str, machine: Machine) -> None:
    saysel.run(RECIPE, drive, until="sample")
    machine("watching")
    page = UnfinishedPage(working_copy(drive))
    page.write(RunState())
    assert "2 of 9 steps are done" in page.path.read_text()

    machine("a")
    saysel.run(RECIPE, drive, until="evaluate")
    page.write(RunState())

    text = page.path.read_text()
    assert "8 of 9 steps are done" in text and "Scores so far" in text


def test_a_file_of_predictions_on_shared_storage_is_scored(bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("confidence,correct\n0.9,1\n0.2,0\n")
    Bucket(bucket).put(file, "mine.csv")

    result = invoke("score", f"{bucket}/mine.csv", "--json", "--metric", "brier")

    assert json.loads(result.output)["run"] == "mine"
    missing = invoke("score", f"{bucket}/none.csv", "--json")
    assert missing.output == f"{bucket}/none.csv: there is no such bucket or object\n"


def test_a_run_that_another_machine_works_in_is_refused(address: str, machine: Machine) -> None:
    with Lease(store_of(address), "another machine").held():
        result = invoke("run", "quickstart", "--out", address, "--until", "sample")

    assert result.exit_code == 2
    assert "another saysel process works in this run directory (process " in result.output
    assert result.output.count("\n") == 1
    assert not (working_copy(address) / "recipe.yaml").exists()


def test_a_run_that_has_lost_its_lease_writes_nothing_more(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, times, sample = store_of(address), [0.0], small_plugin.SmallSampler.sample

    def taken_over(*arguments: Any) -> Any:
        """Meanwhile this machine sleeps, and another one takes over."""
        end_lease(store)
        Lease(store, "another machine")._take()
        times[0] = 100.0
        return sample(*arguments)

    monkeypatch.setattr(small_plugin.SmallSampler, "sample", taken_over)
    now = lease._now
    monkeypatch.setattr(lease, "_now", lambda: tuple(time + times[0] for time in now()))

    with pytest.raises(SayselError, match="another process has taken this run over"):
        saysel.run(RECIPE, address)

    assert not [name for name in store.list() if name.startswith("stages/sample-")]
    (name,) = store.list(".lease")
    assert json.loads(store.read(name) or b"")["owner"] == "another machine"


def test_cells_of_several_machines_are_collected(drive: str, machine: Machine) -> None:
    machine("first")
    assert saysel.run(MATRIX, drive, cell=2).complete

    machine("second")
    whole = saysel.run(MATRIX, drive)
    started = [name for name in stages_started(whole.directory) if name.startswith("evaluate")]
    assert whole.complete and len(started) == 2
    machine("third")
    assert saysel.run(MATRIX, drive, cell=1).ran == ("report",)
    stored = store_of(drive).list()
    assert {n.split("/")[1] for n in stored if n.startswith("cells/")} == {"1", "2"}


def test_a_smoke_run_begins_again(drive: str, machine: Machine) -> None:
    first = saysel.run(RECIPE, drive, smoke=True)
    machine("b")
    second = saysel.run(RECIPE, drive, smoke=True)

    assert first.ran == second.ran != ()
    steps = [path.name for path in (second.directory / "stages").iterdir()]
    stored = store_of(f"{drive}-smoke").list("stages")
    assert {name.split("/")[1] for name in stored} == set(steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "after"),
    [
        (("stages/sample-", "part-00000.parquet"), False),
        (("stages/sample-", "part-00000.parquet"), True),
        (("stages/sample-", "/done.json"), False),
        (("manifest", ".json"), True),
    ],
    ids=["in a shard", "after a shard", "before a marker", "at the start"],
)
def test_another_machine_continues_after_a_kill(
    file: tuple[str, str], after: bool, bucket: str, machine: Machine, tmp_path: Path
) -> None:
    address, recipe = f"{bucket}/mine", {**RECIPE, "source": {"use": "small", "train": 1200}}
    machine("killed")
    arguments = json.dumps([recipe, address, file, after])
    killed = subprocess.run([sys.executable, "-c", KILLED, arguments], env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    before = store_of(address).list("stages")
    with Lease(Bucket(address), owner_of(address)).held():
        pass  # a process of the same working copy does not have to wait

    machine("other")
    Lease(store_of(address), "killed")._take()
    with pytest.raises(RunBusy, match=r"if it was killed, its lease ends in 1?\d\d? s"):
        saysel.run(recipe, address, until="sample")
    end_lease(store_of(address))
    continued = saysel.run(recipe, address, until="sample")

    assert before.items() <= store_of(address).list("stages").items()
    undisturbed = saysel.run(recipe, tmp_path / "undisturbed", until="sample")
    assert records(continued.directory) == records(undisturbed.directory)
    machine("killed")
    assert saysel.run(recipe, address, until="sample").ran == ()


def owner_of(address: str) -> str:
    return (working_copy(address) / ".owner").read_text()


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("s3://no-such-bucket-here/run", "there is no such bucket"),
        ("gs://bucket/run", "gcsfs"),
        ("nosuch://bucket/run", "Protocol not known: nosuch"),
        ("s3://someone:PASSWORD@bucket/run", "must not have a password"),
    ],
)
def test_what_is_wrong_with_an_address_is_one_line(
    bucket: str, location: str, message: str
) -> None:
    result = invoke("run", "quickstart", "--out", location)

    assert result.exit_code == 2 and message in result.output
    assert result.output.count("\n") == 1 and "PASSWORD" not in result.output


def test_without_the_network_is_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)

    result = invoke("run", "quickstart", "--out", f"{bucket}/run")

    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert "the store cannot be used" in result.output


@contextmanager
def checked_credentials(server: str) -> Iterator[None]:
    """The server refuses everybody that it does not know, which is everybody."""

    def after_requests(number: bytes) -> None:
        kind = {"Content-Type": "text/plain"}
        urlopen(Request(f"{server}/moto-api/reset-auth", data=number, headers=kind)).close()

    after_requests(b"0")
    try:
        yield
    finally:
        after_requests(b"inf")


def test_wrong_credentials_are_one_line_without_them(
    bucket: str, s3_server: str, tmp_path: Path
) -> None:
    saysel.run(RECIPE, f"{bucket}/run", until="sample")
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert SECRET.encode() not in file.read_bytes()
    store = Bucket(f"{bucket}/run")
    assert not [name for name in store.list() if SECRET.encode() in (store.read(name) or b"")]

    with checked_credentials(s3_server):
        result = invoke("run", "quickstart", "--out", f"{bucket}/run")

    assert result.exit_code == 2 and "access is denied" in result.output
    assert result.output.count("\n") == 1 and SECRET not in result.output
