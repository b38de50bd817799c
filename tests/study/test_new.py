"""`saysel study new` on a real run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from saysel.records import Reflection
from saysel.storage import DONE, Shards, finish
from saysel.study.design import draw
from saysel.study.items import read_key
from saysel.study.pages import default_consent
from tests.study.conftest import writer
from tests.support.end_to_end import invoke, leftovers


def test_a_study_of_a_run(reflected_run, directory) -> None:
    arguments = ("study", "new", f"{reflected_run}:sft", "--per-model", 4, "--controls", 1)
    result = invoke(*arguments, "--raters", 3, "--out", directory)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "6 items for each of 3 raters, about 3 minutes:",
        "  4 sft",
        "  1 shuffled",
        "  1 generic",
        "one page for each rater:",
        *(f"  {directory}/rater-{n}.html" for n in (1, 2, 3)),
        f"not for raters: {directory}/key.json",
    ]
    assert not leftovers(directory)
    study = read_key(directory)
    pages = [(directory / f"rater-{n}.html").read_text() for n in (1, 2, 3)]
    assert len(set(pages)) == 3
    for page in pages:
        for word in ("sft", "shuffled", "generic", "confidence", "stratum", reflected_run.name):
            assert f'"{word}"' not in page, f"raters can read {word}"
        assert all(item.id in page for item in study.items)

    tasks = json.loads((directory / "label-studio" / "tasks.json").read_text())
    assert [task["data"]["item"] for task in tasks] == [item.id for item in study.items]
    fields = set(tasks[0]["data"])
    interface = ElementTree.parse(directory / "label-studio" / "interface.xml").getroot()
    assert {text.get("value", "")[1:] for text in interface.iter("Text")} <= fields
    assert [choices.get("name") for choices in interface.iter("Choices")] == [
        "usefulness",
        "faithfulness",
    ]

    again = invoke(*arguments, "--out", directory)
    assert again.exit_code == 2 and "holds a study already" in again.output


def test_what_cannot_be_studied_is_said_in_one_line(reflected_run, plain_run, tmp_path) -> None:
    run = shutil.copytree(reflected_run, tmp_path / "half")
    (step,) = (run / "stages").glob("faithfulness-sft-*")
    (step / "done.json").unlink()
    for arguments, reason in (
        ([tmp_path], "not a run directory"),
        ([plain_run], f"--out {plain_run} --set 'evaluate.faithfulness={{}}'"),
        ([f"{reflected_run}:ppo"], "no rationales of a model 'ppo' were measured; there are sft"),
        ([reflected_run, f"{reflected_run}:sft"], "named twice"),
        ([reflected_run, "--cell", "seed=1"], "--cell is for matrix runs"),
        ([run], "faithfulness-sft is not done: saysel run"),
        ([reflected_run, "--consent", tmp_path / "none.txt"], "there is no such file"),
    ):
        result = invoke("study", "new", *arguments, "--out", tmp_path / "study")
        assert result.exit_code == 2, result.output
        assert reason in result.output and len(result.output.splitlines()) == 1
        assert not (tmp_path / "study").exists()


def test_the_run_may_be_on_shared_storage(
    reflected_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(reflected_run, tmp_path / "drive" / "run")
    monkeypatch.setenv("SAYSEL_CACHE", str(tmp_path / "cache"))
    address = f"file://{tmp_path}/drive/run"

    for number, argument in enumerate((address, f"{address}:sft")):
        study = tmp_path / f"study-{number}"
        result = invoke("study", "new", argument, "--per-model", 2, "--out", study)
        assert result.exit_code == 0, result.output
        assert read_key(study).writers == ("sft",)
    result = invoke("study", "new", f"{address}:ppo", "--out", tmp_path / "none")
    assert result.output.startswith(f"{address}: no rationales of a model 'ppo'")


def test_measures_of_items_are_those_of_the_report(reflected_run, directory) -> None:
    result = invoke("study", "new", reflected_run, "--controls", 0, "--out", directory)
    assert "sft: " in result.output and "fewer than --per-model 50" in result.output
    reported = json.loads((reflected_run / "report" / "metrics.json").read_text())
    metrics = reported["faithfulness"][0]["metrics"]
    origins = read_key(directory).origins
    for name in ("rationale_ablation", "rationale_swap"):
        values = [value for one in origins if (value := one.measures[name]) is not None]
        assert len(values) == metrics[name]["used"]
        assert sum(values) / len(values) == pytest.approx(metrics[name]["value"])


def test_a_model_without_rationales_is_left_out(reflected_run, tmp_path, directory) -> None:
    silent = shutil.copytree(reflected_run, tmp_path / "silent")
    (step,) = (silent / "stages").glob("faithfulness-sft-*")
    shards = Shards(step, Reflection)
    shards.write(0, [replace(one, rationale=None) for one in shards])
    (step / DONE).unlink()
    finish(step, {})

    result = invoke("study", "new", reflected_run, silent, "--per-model", 2, "--out", directory)
    assert result.exit_code == 0, result.output
    assert "silent · sft wrote no rationale that could be rated, and is left out" in result.output
    assert read_key(directory).writers == (f"{reflected_run.name} · sft",)

    result = invoke("study", "new", f"{silent}:sft", "--out", tmp_path / "none")
    assert result.exit_code == 2 and "no model wrote a rationale" in result.output


def test_the_consent_of_the_documentation_is_the_one_on_the_page() -> None:
    study = draw([writer("a", n=120)], per_model=120, controls=0, raters=1, seed=0)
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "human-study.md"
    quoted = [line[2:] for line in guide.read_text().splitlines() if line.startswith("> ")]
    assert quoted == [part for part in default_consent(study).splitlines() if part]
