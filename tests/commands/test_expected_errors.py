"""Everything that is expected to go wrong: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saysel.storage import read_json
from tests.support.end_to_end import RECIPE, STEPS, events, invoke, results, start_command
from tests.support.small_disk import mount_tmpfs

GOOD = "{source: {use: witness, pretrain: 10, train: 10, heldout: 10}}"


def refused(*arguments: str | Path) -> list[str]:
    """The lines on stderr of a command that is wrong, which must do nothing else."""
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


# ----------------------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    "command",
    [
        *("run PATH.yaml", "check PATH.yaml", "show PATH.yaml", "run RECIPE --out PATH"),
        *("run RECIPE --collect PATH", "report PATH", "watch PATH", "ask PATH hello"),
        *("export PATH --to x", "serve PATH", "score PATH", "score FILE --out PATH"),
        *("compare PATH PATH", "check RECIPE --set model.use=pretrained --set model.path=PATH"),
    ],
)
def test_a_path_that_the_file_system_refuses(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(GOOD)
    Path("file.csv").write_text("confidence,correct\n0.5,1\n")
    long = "n" * 300
    values = {"PATH": f"{long}/x", "PATH.yaml": f"{long}/x.yaml"}
    values |= {"RECIPE": "mine.yaml", "FILE": "file.csv", "model.path=PATH": f"model.path={long}/x"}

    (line,) = refused(*(values.get(word, word) for word in command.split()))

    assert re.match(rf"({tmp_path}/)?n{{300}}.*File name too long", line)


def test_a_directory_that_may_not_be_looked_into(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    command = [sys.executable, "-m", "saysel", "run", tmp_path / "mine.yaml", "--out"]
    if os.geteuid() == 0:
        drop = shutil.which("setpriv")
        if drop is None:
            pytest.skip("root may look into every directory")
        command = [drop, "--bounding-set=-all", "--inh-caps=-all", *command]

    done = subprocess.run([*command, closed / "run"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{closed}/run: cannot be used (Permission denied): fix that, or give another path\n"
    )


# --------------------------------------------------------------------------------- recipes


@pytest.mark.parametrize("command", ["run", "check", "show"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "PATH: no such file"),
        (b"", "PATH: is empty; a recipe needs at least a source"),
        (b"# nothing\n", "PATH: is empty; a recipe needs at least a source"),
        (b"source: [witness", "PATH: not a YAML file: line 1: "),
        (b"source: witness\n\tseed: 1", "PATH: not a YAML file: line 2: "),
        (b"- source: witness", "PATH: must be a mapping of keys to values, but is a list"),
        (b"source: w\xe4tness", "PATH: line 1 is not UTF-8 (byte 0xe4); save it as UTF-8"),
        (b"seed: 1\nseed: 2", "PATH: not a YAML file: line 2: the key 'seed' was already given"),
    ],
)
def test_a_file_that_is_no_recipe(
    command: str, content: bytes | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)

    (line,) = refused(command, path)

    assert line.startswith(told.replace("PATH", str(path)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{sauce: witness}", ["source: is required", "sauce: .*did you mean 'source'"]),
        ("{source: witnes}", ["source: no source is called 'witnes'; did you mean 'witness'"]),
        ("{source: {use: witness, trian: 3}}", [r"source\.trian: .*did you mean 'train'"]),
        ("{source: {use: witness, train: many}}", [r"source\.train: .*'many'"]),
        ("{source: {use: witness, train: 0}}", [r"source\.train: .*greater than or equal to 1"]),
        ("{source: witness, seed: -1, train: 3}", ["seed: .*-1", "train: "]),
        ("{source: witness, train: [{use: sft, epochs: soon}]}", [r"train\[0\]\.epochs: .*soon"]),
        (
            "{source: witness, evaluate: {estimators: [{use: verbalized, models: [ppo]}]}}",
            [r"evaluate\.estimators\[0\]\.models: no training phase makes 'ppo'; there are base"],
        ),
    ],
)
def test_a_recipe_with_problems(content: str, told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)

    head, *lines = refused("run", path, "--out", tmp_path / "run")

    assert re.match(r"(mine|.*mine\.yaml): \d problems?$", head)
    assert len(lines) == len(told)
    for line, pattern in zip(lines, told, strict=True):
        assert re.match(f"  {pattern}", line)
    assert not (tmp_path / "run").exists()


def test_a_packaged_recipe_that_does_not_exist() -> None:
    (line,) = refused("run", "quikstart")
    assert "did you mean 'quickstart'?" in line


# -------------------------------------------------------------------------------- questions


def jsonl(path: Path, number: int = 0, line: bytes | None = None, count: int = 1000) -> Path:
    rows = [b'{"id": "q%d", "question": "%d?", "answer": "a"}' % (n, n) for n in range(count)]
    if line is not None:
        rows[number - 1] = line
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("number", "line", "told"),
    [
        (712, b'{"question": "a?" "answer": "b"}', ", line 712: not JSON ("),
        (712, b'{"question": "a?", "answer": "b', ", line 712: not JSON ("),
        (713, b'{"question": "a?", "answer": "\xfc"}', ", line 713: not UTF-8 (byte 0xfc)"),
        (9, b'{"id": "q1", "question": "a?", "answer": "b"}', ": the id 'q1' occurs twice"),
        (3, b'{"question": "a?", "answer": ""}', ", line 3: the question has no answer"),
        (3, b'{"question": "a?"}', ", line 3: the question has no answer"),
    ],
)
def test_questions_that_cannot_be_used(
    command: str, number: int, line: bytes, told: str, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "questions.jsonl", number, line)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"{{source: {{use: jsonl, path: {path}}}}}")
    out = ("--out", tmp_path / "run") if command == "run" else ()

    (said,) = refused(command, recipe, *out)

    assert said.startswith(f"{path}{told}")
    assert not list(tmp_path.glob("run/[!.]*"))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "there is no such file: set source.path"),
        (Path.touch, "the file has no rows"),
        (Path.mkdir, "this is a directory: name a file"),
    ],
)
def test_a_file_of_questions_that_is_none(make: Any, told: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    make(path)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"{{source: {{use: jsonl, path: {path}}}}}")

    assert refused("run", recipe, "--out", tmp_path / "run") == [f"{path}: {told}"]


def test_a_split_without_questions(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "questions.jsonl", count=20)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"{{source: {{use: jsonl, path: {path}, shares: {{train: 1}}}}, train: [sft]}}"
    )

    assert refused("run", recipe, "--out", tmp_path / "run") == [
        "source: the split 'heldout' has no questions"
    ]


# ------------------------------------------------------------------------------------ models


def failed(recipe: Path, run: Path, *arguments: str) -> str:
    """The one line on stderr, progress aside, of a run that fails at work."""
    result = invoke("run", recipe, "--out", run, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    lines = [line for line in result.stderr.splitlines() if line.split(": ")[0] not in STEPS]
    assert len(lines) == 1, lines
    assert lines[0].endswith(
        f"(log: {run / 'events.jsonl'}; what is finished is kept, the same command continues from "
        "there)"
    )
    assert events(run)[-1]["event"] == "stage_failed"
    return lines[0]


def test_a_model_directory_that_is_none(tmp_path: Path) -> None:
    recipe, model = tmp_path / "mine.yaml", tmp_path / "model"
    recipe.write_text(GOOD)
    model.mkdir()
    chosen = ("--set", f"model={{use: pretrained, path: {model}}}")

    command = ("run", recipe, "--out", tmp_path / "run", *chosen)
    (line,) = refused(*command)
    assert line.startswith(f"{model}: not a model directory, it has no config.json")
    (line,) = refused("ask", model, "Where?")
    assert line.startswith(f"{model}: not a model directory, it has no config.json")

    (model / "config.json").write_text("{}")
    (line,) = refused(*command)
    assert line.startswith(f"{model}: the directory has no weights")
    (model / "model.safetensors").write_text("none")
    (line,) = refused(*command)
    assert line.startswith(f"{model}/model.safetensors: is incomplete")

    model.rename(tmp_path / "elsewhere")
    (line,) = refused(*command)
    assert line == f"{model}: there is no such model directory"


def test_a_broken_model_is_repaired_and_the_run_continues(tiny_run: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(next((tiny_run / "stages").glob("model-*")) / "model", model)
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    recipe = tmp_path / "mine.yaml"
    scratch = re.compile(r"^model: .*?\n(?=\w)", re.DOTALL | re.MULTILINE)
    recipe.write_text(scratch.sub(f"model: {{use: pretrained, path: {model}}}\n", RECIPE))
    chosen = ("--until", "cluster")

    (line,) = refused("run", recipe, "--out", tmp_path / "run", *chosen)
    assert line.startswith(f"{model}/model.safetensors: is incomplete")

    (model / "model.safetensors").write_bytes(weights)
    assert invoke("run", recipe, "--out", tmp_path / "run", *chosen).exit_code == 0


def test_a_model_that_gives_no_examples(tiny_recipe: Path, tiny_copy: Path) -> None:
    line = failed(tiny_recipe, tiny_copy, "--set", "sample.max_tokens=1")

    assert line.startswith(
        "stage 'train-sft' failed: sft: there are no examples to train on: 24 of 24 questions have "
        "no readable answer: the model does not reply in the format: "
    )
    assert "increase sample.max_tokens if replies are cut" in line
    target = read_json(tiny_copy / "manifest.json")["stages"]["target"]
    assert target["without_example"] == {
        "no_answer": 24,
        "unjudged": 0,
        "rejected": 0,
        "no_rationale": 0,
    }


def test_the_cell_that_failed_is_named(tiny_recipe: Path, tiny_copy: Path) -> None:
    result = invoke(
        *("run", tiny_recipe, "--out", tiny_copy),
        *("--set", "matrix={sample.max_tokens: [24, 1]}", "--set", "sample.n=4"),
    )

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith(
        "stage 'train-sft' of cell 2 (max_tokens=1) failed: sft: there are no examples to train on"
    )


# ---------------------------------------------------------------------------- the full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    with mount_tmpfs(tmp_path / "disk", "6m") as place:
        yield place


def fill(disk: Path, left: int) -> Path:
    """Take all room but so many bytes."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - left)))
    return ballast


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "left"),
    [
        ("model", 20_480),
        ("model", 180_224),  # room for the weights of a checkpoint, not for its optimizer
        ("sample", 4_096),
        ("cluster", 4_096),
        ("target", 4_096),
        ("train-sft", 180_224),
        ("train-ppo", 20_480),
        ("report", 20_480),
    ],
)
def test_a_full_disk(
    stage: str, left: int, small_disk: Path, tiny_run: Path, tiny_recipe: Path
) -> None:
    run = Path(shutil.copytree(tiny_run, small_disk / "tiny"))
    shutil.rmtree(next((run / "stages").glob(f"{stage}-*")))
    shutil.rmtree(run / "report") if stage == "report" else None
    ballast = fill(small_disk, left)
    before = (run / "events.jsonl").read_bytes()

    result = invoke("run", tiny_recipe, "--out", run)

    assert (result.exit_code, result.stdout) == (1, "")
    lines = [line for line in result.stderr.splitlines() if line.split(": ")[0] not in STEPS]
    assert len(lines) == 1, lines
    assert "disk is full" in lines[0]
    assert "free some space and run again" in lines[0]
    assert (run / "events.jsonl").read_bytes().startswith(before)

    ballast.unlink()
    result = invoke("run", tiny_recipe, "--out", run)
    assert result.exit_code == 0, result.stderr
    assert results(run) == results(tiny_run)
    assert events(run)[-1]["event"] in ("run_finished", "run_stopped")


def test_a_disk_without_any_room(small_disk: Path, tiny_recipe: Path) -> None:
    ballast = fill(small_disk, 0)
    run = small_disk / "tiny"

    result = invoke("run", tiny_recipe, "--out", run)

    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert (
        "the disk is full; what was finished is kept: free some space and run again"
        in result.stderr
    )
    ballast.unlink()
    assert invoke("run", tiny_recipe, "--out", run, "--until", "model").exit_code == 0


# --------------------------------------------------------------------------- other processes


@pytest.mark.slow
def test_a_run_directory_in_use_and_an_interruption(tmp_path: Path) -> None:
    recipe, run = tmp_path / "mine.yaml", tmp_path / "run"
    recipe.write_text(RECIPE)
    endless = ("run", recipe, "--out", run, "--set", "model.max_steps=1000000")
    with start_command(*endless) as first:
        assert first.stderr is not None
        try:
            assert first.stderr.readline() == "model: 0 of 1000000 steps\n"
            told = [event for event in events(run) if event["event"] != "progress"]

            assert refused("run", recipe, "--out", run) == [
                f"{run}: another saysel process works in this run directory: wait for it, or "
                "choose another with --out"
            ]
            assert [event for event in events(run) if event["event"] != "progress"] == told
        finally:
            first.send_signal(signal.SIGINT)
        # A shell shows both as 130. Python ends `-m` by the signal itself where the interruption
        # came in the middle of an exec, as when a library's dataclass was being built.
        assert first.wait(60) in (130, -signal.SIGINT)
        lines = first.stderr.read().splitlines()

    # Once training has begun, it says that it saves a checkpoint first.
    assert [line for line in lines if not line.startswith(("model: ", "Ctrl-C: "))] == [
        "interrupted; run the same command again to continue"
    ]
    assert events(run)[-1]["event"] == "interrupted"
    # The directory is free again.
    assert invoke("run", recipe, "--out", run, "--until", "model").exit_code == 0
