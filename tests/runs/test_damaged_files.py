"""Files of a run directory that are missing, cut, changed, copied in, or of another version.

Whatever the damage, a command either names the file in one line, or makes the file again and ends
with the same records as if nothing had happened.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result

from tests.support import killed_run
from tests.support.end_to_end import STEPS, invoke, results
from tests.support.killed_run import KillPoint

FILES = [
    "recipe.yaml",
    "manifest.json",
    "events.jsonl",
    "leaks/*.json",
    "report/index.html",
    "report/metrics.json",
    "stages/model-*/model.json",
    "stages/model-*/done.json",
    "stages/model-*/model/config.json",
    "stages/model-*/model/tokenizer.json",
    "stages/model-*/model/model.safetensors",
    "stages/sample-*/part-00000.parquet",
    "stages/sample-*/done.json",
    "stages/cluster-*/part-00000.parquet",
    "stages/rationale-*/part-00000.parquet",
    "stages/target-*/part-00000.parquet",
    "stages/target-*/judged/part-00000.parquet",
    "stages/train-sft-*/model.json",
    "stages/train-sft-*/model/model.safetensors",
    "stages/train-ppo-*/model/model.safetensors",
    "stages/evaluate-base-verbalized-*/part-00000.parquet",
    "stages/evaluate-base-verbalized-*/done.json",
    "stages/report-*/done.json",
]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    """Two bits of the content are others; a digit or letter of a text stays one."""
    content = bytearray(path.read_bytes())
    places = [place for place, byte in enumerate(content) if chr(byte).isalnum()]
    for place in (places[len(places) // 3], places[len(places) // 2]):
        content[place] ^= 1
    path.write_bytes(content)


def delete(path: Path) -> None:
    path.unlink()


def add(path: Path) -> None:
    """The same content under another name; of a shard, under the name of another shard."""
    shutil.copy(path, added(path))


def added(path: Path) -> Path:
    return path.with_name(path.name.replace("00000", "00099") if "00000" in path.name else "copy")


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def of_another_version(path: Path) -> None:
    """Another schema number in JSON, another column in Parquet."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        pq.write_table(table.append_column("new", pa.array([1] * len(table))), path)
    elif '"schema": 1' in path.read_text(errors="replace"):
        path.write_text(path.read_text().replace('"schema": 1', '"schema": 7'))
    else:
        pytest.skip("has no schema")


DAMAGES = [cut, empty, flip, delete, add, replace_by_directory, of_another_version]
Damage = Callable[[Path], None]


def file_of(run: Path, pattern: str) -> Path:
    (path,) = run.glob(pattern)
    return path


def error_line(result: Result) -> str:
    """The one line of a command that failed as it should, progress aside."""
    assert isinstance(result.exception, SystemExit), result.exc_info
    lines = [line for line in result.stderr.splitlines() if line.split(": ")[0] not in STEPS]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", FILES)
def test_a_file_of_a_finished_run(
    pattern: str, damage: Damage, tiny_copy: Path, tiny_run: Path, tiny_recipe: Path
) -> None:
    path = file_of(tiny_copy, pattern)
    damage(path)

    said = invoke("run", tiny_recipe, "--out", tiny_copy)

    if said.exit_code == 0:
        assert results(tiny_copy) == results(tiny_run)
    else:
        assert str(added(path) if damage is add else path) in error_line(said)
    if damage is of_another_version and path.name == "done.json" and said.exit_code:
        assert "another version of saysel" in error_line(said)


@pytest.mark.parametrize("damage", [cut, empty, flip, delete, add, of_another_version])
@pytest.mark.parametrize(
    ("pattern", "command"),
    [
        ("manifest.json", "report"),
        ("report/metrics.json", "export"),
        ("stages/evaluate-base-verbalized-*/part-00000.parquet", "report"),
        ("stages/evaluate-base-verbalized-*/part-00000.parquet", "compare"),
        ("stages/evaluate-base-verbalized-*/part-00000.parquet", "export"),
        ("stages/evaluate-base-verbalized-*/done.json", "report"),
        ("stages/train-ppo-*/model/model.safetensors", "ask"),
        ("stages/train-ppo-*/model.json", "ask"),
        ("stages/train-ppo-*/model/config.json", "export model"),
    ],
)
def test_a_file_that_another_command_reads(
    pattern: str, command: str, damage: Damage, tiny_copy: Path, tmp_path: Path
) -> None:
    path = file_of(tiny_copy, pattern)
    if damage is add and "stages" not in pattern:
        pytest.skip("nobody reads it")
    damage(path)
    arguments: dict[str, tuple[str | Path, ...]] = {
        "report": ("report", tiny_copy),
        "compare": ("compare", tiny_copy, "--out", tmp_path / "comparison"),
        "export": ("export", tiny_copy, "--predictions"),
        "export model": ("export", tiny_copy, "--to", tmp_path / "model"),
        "ask": ("ask", tiny_copy, "Where is the lantern?"),
    }

    line = error_line(invoke(*arguments[command]))

    # Without its marker a stage, and without its manifest a run, is one that is not finished.
    assert str(tiny_copy if damage is delete else added(path) if damage is add else path) in line


# -------------------------------------------------------------------------- unfinished stages


def unfinished(run: Path, stage: str) -> None:
    """As if the run had been killed before it could mark a stage as finished."""
    following = STEPS[STEPS.index(stage) + 1 :]
    for step in following:
        for place in (run / "stages").glob(f"{step}-*"):
            shutil.rmtree(place)
    (run / "report" / "index.html").unlink()
    file_of(run, f"stages/{stage}-*/done.json").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("sample", "part-00000.parquet"),
        ("cluster", "part-00000.parquet"),
        ("rationale", "part-00000.parquet"),
        ("target", "judged/part-00000.parquet"),
        ("target", "part-00000.parquet"),
        ("evaluate-sft-verbalized", "part-00000.parquet"),
        ("train-ppo", "model.json"),
        ("train-ppo", "model/model.safetensors"),
    ],
)
def test_a_file_of_an_unfinished_stage_is_made_again(
    stage: str, name: str, damage: Damage, tiny_copy: Path, tiny_run: Path, tiny_recipe: Path
) -> None:
    unfinished(tiny_copy, stage)
    path = file_of(tiny_copy, f"stages/{stage}-*/{name}")
    damage(path)

    said = invoke("run", tiny_recipe, "--out", tiny_copy, "--until", stage.split("-")[0])

    if damage is replace_by_directory and said.exit_code:  # a directory may hold something
        assert str(path) in error_line(said)
        return
    assert said.exit_code == 0, said.output
    if path.suffix == ".parquet":
        assert pq.read_table(path).equals(pq.read_table(tiny_run / path.relative_to(tiny_copy)))
    assert path.is_file()
    made, undamaged = results(tiny_copy), results(tiny_run)
    assert made == {name: undamaged[name] for name in made}


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut, empty, flip, delete])
@pytest.mark.parametrize(
    ("at", "name"),
    [
        (KillPoint("model", units=110), "checkpoint-*/model.safetensors"),
        (KillPoint("model", units=110), "checkpoint-*/complete.json"),
        (KillPoint("train-sft", units=11), "checkpoint-*/optimizer.pt"),
        (KillPoint("train-sft", units=11), "checkpoint-*/trainer_state.json"),
        (KillPoint("train-ppo", "checkpoint.pt", after=True), "checkpoint.pt"),
        (KillPoint("train-ppo", "checkpoint.pt", after=True), ".checkpoint.pt.sum"),
    ],
    ids=str,
)
def test_a_damaged_checkpoint_is_skipped(
    at: KillPoint, name: str, damage: Damage, tiny_copy: Path, tiny_run: Path, tiny_recipe: Path
) -> None:
    said = tiny_copy.parent / "said"
    shutil.rmtree(file_of(tiny_copy, f"stages/{at.stage}-*"))
    command = ("run", tiny_recipe, "--out", tiny_copy)
    assert killed_run.run_command(said, *command, at=at) == -signal.SIGKILL, said.read_text()
    paths = list(tiny_copy.glob(f"stages/{at.stage}-*/checkpoints/{name}"))
    assert paths
    for path in paths:
        damage(path)

    assert killed_run.run_command(said, *command) == 0, said.read_text()

    assert results(tiny_copy) == results(tiny_run)
