"""What other tools find in the logs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import saysel
from saysel.estimators.recalibrated import RecalibratedEstimator
from saysel.estimators.steerconf import SteerConfEstimator
from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.export import evaluations, inspect_ai, lm_eval
from saysel.files import load_predictions
from saysel.interfaces import Estimator
from saysel.records import CUT
from saysel.storage import read_json
from tests.support.end_to_end import invoke


@pytest.fixture(scope="module")
def exported(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("export")
    result = invoke("export", tiny_run, "--predictions", "--to", to)
    assert result.exit_code == 0, result.output
    files = sorted(str(path) for path in to.rglob("*") if path.is_file())
    assert sorted(result.output.splitlines()) == files
    return to


@pytest.fixture(scope="module")
def predictions(tiny_run: Path) -> list[dict[str, Any]]:
    """What the base model said when it was asked once."""
    (shard,) = (tiny_run / "stages").glob("evaluate-base-verbalized-*/part-*.parquet")
    rows: list[dict[str, Any]] = pq.read_table(shard).to_pylist()
    assert len(rows) == 16
    return rows


def accuracy(tiny_run: Path) -> dict[str, float]:
    rows = read_json(tiny_run / "report" / "metrics.json")["rows"]
    found: dict[str, float] = rows[0]["metrics"]["accuracy"]
    return found


# ----------------------------------------------------------------- lm-evaluation-harness


def test_lm_eval_has_a_folder_per_model(exported: Path) -> None:
    names = {
        path.parent.name: sorted(file.name.split("_")[0] for file in path.parent.iterdir())
        for path in exported.glob("lm_eval/*/results_*.json")
    }

    assert names == {
        "tiny-base": ["results", "samples", "samples"],
        "tiny-sft": ["results", "samples"],
        "tiny-ppo": ["results", "samples"],
    }


def test_lm_eval_results(exported: Path, tiny_run: Path) -> None:
    (file,) = exported.glob("lm_eval/tiny-base/results_*.json")
    content = read_json(file)

    tasks = ["witness-heldout-verbalized", "witness-heldout-self_consistency"]
    for key in ("results", "configs", "versions", "n-shot", "higher_is_better", "n-samples"):
        assert list(content[key]) == tasks
    scores, known = content["results"][tasks[0]], accuracy(tiny_run)
    assert scores["acc,none"] == known["value"]
    assert scores["acc_stderr,none"] == pytest.approx((known["high"] - known["low"]) / 3.92)
    assert content["higher_is_better"][tasks[0]]["acc"] is True
    assert content["higher_is_better"][tasks[0]]["ece"] is False
    assert content["n-samples"][tasks[0]] == {"original": 16, "effective": 16}
    assert content["model_name"] == "tiny-base"
    assert content["config"]["model_args"].startswith("pretrained=")


def test_lm_eval_samples(exported: Path, predictions: list[dict[str, Any]]) -> None:
    (file,) = exported.glob("lm_eval/tiny-base/samples_*verbalized_*.jsonl")
    samples = [json.loads(line) for line in file.read_text().splitlines()]

    # As lm-evaluation-harness cuts the name.
    task, time = file.stem[file.stem.find("_") + 1 : file.stem.rfind("_")], file.stem[-26:]
    assert task == "witness-heldout-verbalized"
    assert "_" not in time and ":" not in file.name
    assert [sample["doc_id"] for sample in samples] == list(range(16))
    for sample, row in zip(samples, predictions, strict=True):
        assert sample["doc"]["id"] == row["question_id"]
        assert sample["resps"] == [[row["response"]]]
        assert sample["filtered_resps"] == [row["answer"] or ""]
        assert (sample["acc"], sample["confidence"]) == (row["correct"], row["confidence"])
        assert sample["target"] == sample["doc"]["answers"][0]
        assert sample["arguments"]["gen_args_0"]["arg_0"] == sample["doc"]["question"]
        assert all(len(sample[f"{part}_hash"]) == 64 for part in ("doc", "prompt", "target"))
    assert math.fsum(sample["acc"] for sample in samples) == sum(r["correct"] for r in predictions)


# --------------------------------------------------------------------------------- Inspect


def test_inspect_has_a_log_per_model_and_task(exported: Path) -> None:
    logs = [read_json(path) for path in exported.glob("inspect_ai/*.json")]

    assert {(log["eval"]["model"], log["eval"]["task"]) for log in logs} == {
        ("saysel/tiny-base", "witness-heldout-verbalized"),
        ("saysel/tiny-base", "witness-heldout-self_consistency"),
        ("saysel/tiny-sft", "witness-heldout-verbalized"),
        ("saysel/tiny-ppo", "witness-heldout-verbalized"),
    }
    assert len({log["eval"]["eval_id"] for log in logs}) == 4
    assert {log["eval"]["run_id"] for log in logs} == {logs[0]["eval"]["run_id"]}
    for path in exported.glob("inspect_ai/*.json"):
        assert len(path.stem.split("_")) == 3


def test_an_inspect_log(exported: Path, tiny_run: Path, predictions: list[dict[str, Any]]) -> None:
    (log,) = [
        log
        for log in map(read_json, exported.glob("inspect_ai/*_witness-heldout-verbalized_*.json"))
        if log["eval"]["model"] == "saysel/tiny-base"
    ]

    assert (log["version"], log["status"]) == (2, "success")
    assert log["stats"]["started_at"] <= log["stats"]["completed_at"]
    (scores,) = log["results"]["scores"]
    known = accuracy(tiny_run)
    assert scores["metrics"]["accuracy"]["value"] == known["value"]
    assert scores["metrics"]["accuracy"]["metadata"] == {"low": known["low"], "high": known["high"]}
    ids = [sample["id"] for sample in log["samples"]]
    assert ids == log["eval"]["dataset"]["sample_ids"] == [r["question_id"] for r in predictions]
    for sample, row in zip(log["samples"], predictions, strict=True):
        assert sample["scores"]["match"]["value"] == row["correct"]
        assert sample["scores"]["match"]["answer"] == row["answer"]
        stated = sample["scores"].get("confidence")
        assert (stated and stated["value"]) == row["confidence"]
        assert sample["output"]["choices"][0]["message"]["content"] == row["response"]
        assert [turn["role"] for turn in sample["messages"]] == ["user", "assistant"]
        assert sample["output"]["usage"]["output_tokens"] == row["tokens"]
        assert sample["output"]["choices"][0]["stop_reason"] == "stop"
    messages = [turn["id"] for sample in log["samples"] for turn in sample["messages"]]
    assert len(set(messages)) == 32


@pytest.mark.parametrize(
    ("asked_by", "words"),
    [
        (VerbalizedEstimator(style="percent", turns=2), "Answer in a few words."),
        (SteerConfEstimator(), "Be very cautious"),
        (RecalibratedEstimator(estimator=VerbalizedEstimator(style="ten")), "a blind guess"),
    ],
)
def test_logs_have_the_prompts_that_were_asked(
    tiny_run: Path, asked_by: Estimator, words: str
) -> None:
    run = saysel.Run(tiny_run)
    evaluation = replace(evaluations(run.directory, run.plan.cells)[0], asked_by=asked_by)
    ((_, inspect),) = inspect_ai.logs([evaluation]).items()
    logs = lm_eval.logs([evaluation]).items()
    (samples,) = [text for path, text in logs if path.suffix == ".jsonl"]

    (asked,) = json.loads(inspect)["samples"][0]["input"]
    prompt = json.loads(samples.splitlines()[0])["arguments"]["gen_args_0"]["arg_0"]

    assert words in prompt and asked["content"] == prompt


def test_a_reply_that_was_cut_is_read_back_as_cut(tiny_run: Path, tmp_path: Path) -> None:
    run = saysel.Run(tiny_run)
    first = evaluations(run.directory, run.plan.cells)[0]
    cut, *others = first.predictions
    changed = replace(first, predictions=[replace(cut, finish_reason=CUT), *others])
    ((name, text),) = inspect_ai.logs([changed]).items()
    (tmp_path / name).write_text(text)

    read = {
        one.question_id: one.finish_reason for one in load_predictions(tmp_path / name).predictions
    }

    assert [id for id, reason in read.items() if reason == CUT] == [cut.question_id]


# --------------------------------------------------------------------------------- command


def test_score_reads_them_back(exported: Path, predictions: list[dict[str, Any]]) -> None:
    stated = [(row["answer"], row["confidence"], row["correct"]) for row in predictions]
    logs = [*exported.glob("lm_eval/*/samples_*"), *exported.glob("inspect_ai/*")]

    read = [
        [(p.answer or None, p.confidence, p.correct) for p in load_predictions(log).predictions]
        for log in logs
    ]

    assert len(read) == 8
    for tool in (read[:4], read[4:]):
        assert sorted(stated, key=str) in [sorted(rows, key=str) for rows in tool]


def test_the_same_run_gives_the_same_files(exported: Path, tiny_run: Path, tmp_path: Path) -> None:
    invoke("export", tiny_run, "--predictions", "--to", tmp_path)

    first = {path.relative_to(exported): path for path in exported.rglob("*.json*")}
    assert len(first) == 11
    for name, path in first.items():
        assert (tmp_path / name).read_bytes() == path.read_bytes()


def test_where_it_goes_by_default(tiny_copy: Path) -> None:
    invoke("export", tiny_copy, "--predictions")

    folders = {path.name for path in (tiny_copy / "export").iterdir()}
    assert folders == {"lm_eval", "inspect_ai", "data_set"}


def test_trouble(tiny_copy: Path, tmp_path: Path) -> None:

    nowhere = invoke("export", tmp_path / "nowhere", "--predictions")
    assert (nowhere.exit_code, nowhere.stdout) == (2, "")
    assert "not a run directory" in nowhere.stderr
    (tiny_copy / "report" / "metrics.json").unlink()
    missing = invoke("export", tiny_copy, "--predictions")
    assert missing.stderr == f"{tiny_copy}: the report is missing: saysel report {tiny_copy}\n"
    for place in (tiny_copy / "stages").glob("evaluate-sft-*"):
        (place / "done.json").unlink()
    assert (
        "predictions are missing for evaluate-sft-verbalized"
        in invoke("export", tiny_copy, "--predictions").stderr
    )
