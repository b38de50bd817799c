from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from saysel.errors import DataError
from saysel.leaks import check
from saysel.plan.plan import plan
from saysel.recipes.recipe import load
from saysel.records import Question
from saysel.sources.jsonl import JsonlSource
from saysel.stages.evaluate import EvaluateStage
from saysel.storage import read_json
from tests.support.end_to_end import events, invoke

pytestmark = pytest.mark.usefixtures("small_parts")

CLEAN = [
    {"id": "t1", "question": "What is the capital of France?", "answer": "Paris", "split": "train"},
    {"id": "d1", "question": "What is the capital of Italy?", "answer": "Rome", "split": "dev"},
    {"id": "h1", "question": "What is the capital of Peru?", "answer": "Lima", "split": "heldout"},
    {"id": "h2", "question": "What is the capital of Chad?", "answer": "1", "split": "heldout"},
]
LEAKY = [
    *CLEAN,
    {"id": "h3", "question": "what is the capital of france", "answer": "1", "split": "heldout"},
    {"id": "h4", "question": "What is Italy's capital?", "answer": "Rome", "split": "heldout"},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(rows: list[dict[str, str]], **keys: Any) -> Path:
    """A recipe that runs from question to report without a model."""
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {
        "model": "small",
        "source": {"use": "jsonl", "path": "questions.jsonl"},
        "evaluate": {"estimators": ["small"]},
        **keys,
    }
    Path("mine.yaml").write_text(json.dumps(content))
    return Path("mine.yaml")


def run(rows: list[dict[str, str]], **keys: Any) -> Result:
    return invoke("run", recipe(rows, **keys), "--out", "run")


def judged(folder: Path) -> list[str]:
    """The questions of the report."""
    lines = (folder / "run/report/predictions.csv").read_text().splitlines()
    return [line.split(",")[4] for line in lines[1:]]


def test_the_absence_of_leaks_is_only_in_the_report(folder: Path) -> None:
    result = run(CLEAN)

    assert result.exit_code == 0
    assert "leaks" not in result.output
    (summary,) = read_json(folder / "run/manifest.json")["leaks"]
    assert summary["found"] == 0
    assert summary["compared"] == {"train": 1, "dev": 1}
    page = (folder / "run/report/index.html").read_text()
    assert "none in 2 questions" in page
    assert "Compared with 1 of train, 1 of dev. Questions match if they have the same words" in page


def test_a_split_that_an_estimator_is_fitted_on_is_compared_too(folder: Path) -> None:
    """The evaluation of the split dev, where the other one is used for rescaling."""
    also = {"id": "h3", "question": "What is Italy's capital?", "answer": "Rome"}
    scaled = {"use": "recalibrated", "estimator": "small", "split": "heldout"}
    rows = [*CLEAN, {**also, "split": "heldout"}]

    assert run(rows, evaluate={"split": "dev", "estimators": ["small"]}).exit_code == 0
    leaky = run(rows, evaluate={"split": "dev", "estimators": ["small", scaled]})

    assert leaky.exit_code == 2
    assert "1 of 1 questions of the split 'dev' also occurs in other splits" in leaky.output


def test_a_leak_stops_the_run_before_any_work(folder: Path) -> None:
    result = run(LEAKY)

    (file,) = (folder / "run/leaks").glob("*.json")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "mine: 2 of 4 questions of the split 'heldout' also occur in other splits (list: "
        f"{file.relative_to(folder)}): remove them from one of the splits, or set 'leaks: drop' in "
        "the recipe to leave them out of the evaluation, or 'leaks: allow'",
        "  'what is the capital of france' (exact in train: 'What is the capital of France?')",
        "  \"What is Italy's capital?\" (words in dev: 'What is the capital of Italy?')",
    ]
    assert [leak["question"] for leak in read_json(file)["leaks"]] == ["h3", "h4"]
    assert not (folder / "run/stages").exists()


def test_leaks_are_dropped_from_the_evaluation(folder: Path) -> None:
    result = run(LEAKY, leaks="drop")

    assert result.exit_code == 0, result.output
    assert judged(folder) == ["h1", "h2"]
    assert "leaks dropped: 2 of 4 questions" in result.output
    (row,) = read_json(folder / "run/report/metrics.json")["rows"]
    assert row["n"] == 2
    page = (folder / "run/report/index.html").read_text()
    assert "2 of 4 questions dropped" in page
    assert "what is the capital of france" in page
    # The page can be drawn again from what is there.
    assert invoke("report", "run").exit_code == 0
    assert judged(folder) == ["h1", "h2"]


def test_a_split_that_cannot_be_read_now_is_not_reported_as_free_of_leaks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreliable(JsonlSource):
        def questions(self, split: str) -> Iterator[Question]:
            if split == "train":
                raise DataError("the hub cannot be reached")
            yield from super().questions(split)

    whole = load(str(recipe(LEAKY)))
    broken = whole.model_copy(update={"source": Unreliable(**vars(whole.source))})

    with pytest.raises(DataError, match="cannot be reached"):
        check.check(folder / "run", plan(broken))

    assert not list(folder.rglob("leaks/*.json"))
    with pytest.raises(DataError, match="2 of 4 questions"):
        check.check(folder / "run", plan(whole))


def test_leaks_can_be_allowed(folder: Path) -> None:
    result = run(LEAKY, leaks="allow")

    assert judged(folder) == ["h1", "h2", "h3", "h4"]
    assert "leaks allowed: 2 of 4 questions" in result.output
    assert "2 of 4 questions allowed" in (folder / "run/report/index.html").read_text()


def test_changing_leaks_repeats_only_what_depends_on_it(folder: Path) -> None:
    run(LEAKY, leaks="allow")
    told = len(events(folder / "run"))

    result = run(LEAKY, leaks="drop")

    assert result.exit_code == 0
    started = [e["stage"] for e in events(folder / "run")[told:] if e["event"] == "stage_started"]
    assert started == ["evaluate-base-small", "report"]
    assert judged(folder) == ["h1", "h2"]


def test_where_everything_leaks_nothing_is_left_to_judge_on(folder: Path) -> None:
    result = run([CLEAN[0], LEAKY[-2]], leaks="drop")

    assert result.exit_code == 2
    assert "every question of the split 'heldout' also occurs in another split" in result.stderr


def test_the_report_is_stored(folder: Path) -> None:
    run(LEAKY, leaks="allow")
    (file,) = (folder / "run/leaks").glob("*.json")
    before = file.stat().st_mtime_ns

    run(LEAKY, leaks="drop")
    assert [file.stat().st_mtime_ns for file in (folder / "run/leaks").iterdir()] == [before]

    run(CLEAN, leaks="drop")  # other questions, another report
    assert len(list((folder / "run/leaks").iterdir())) == 2


def test_another_split_to_judge_on_is_compared_too(folder: Path) -> None:
    rows = [*LEAKY, {"question": "The capital of Italy?", "answer": "Rome", "split": "train"}]

    result = run(rows, evaluate={"estimators": ["small"], "split": "dev"})

    assert result.exit_code == 2
    assert "1 of 1 questions of the split 'dev' also occurs in other splits" in result.stderr
    assert "words in train" in result.stderr


def test_the_closest_question_of_each_split_is_reported(folder: Path) -> None:
    rows = [
        {"question": "What is Chad's capital?", "answer": "1", "split": "train"},
        {"question": "What is the capital of Chad", "answer": "1", "split": "train"},
        {"question": "Chad's capital?", "answer": "1", "split": "rl"},
    ]

    run([*CLEAN, *rows])

    (file,) = (folder / "run/leaks").glob("*.json")
    leaks = read_json(file)["leaks"]
    assert [(leak["question"], leak["split"], leak["how"]) for leak in leaks] == [
        ("h2", "rl", "words"),
        ("h2", "train", "exact"),
    ]


def test_each_source_of_a_matrix_is_compared(folder: Path) -> None:
    recipe(LEAKY)
    Path("clean.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CLEAN))
    keys = {"matrix": {"source.path": ["clean.jsonl", "questions.jsonl"]}}

    stopped = run(LEAKY, **keys)
    dropped = run(LEAKY, **keys, leaks="drop")

    assert stopped.exit_code == 2
    assert dropped.exit_code == 0
    found = [one["found"] for one in read_json(folder / "run/manifest.json")["leaks"]]
    assert found == [0, 2]


def test_a_source_that_is_disjoint_by_construction_is_compared_word_for_word(folder: Path) -> None:
    source = {"use": "witness", "pretrain": 50, "train": 50, "rl": 50, "dev": 50, "heldout": 50}

    result = run(CLEAN, source=source)

    assert result.exit_code == 0
    (summary,) = read_json(folder / "run/manifest.json")["leaks"]
    assert (summary["near"], summary["found"]) == (False, 0)
    assert summary["compared"] == {"pretrain": 50, "train": 50, "rl": 50, "dev": 50}
    page = (folder / "run/report/index.html").read_text()
    assert "Questions match if they have the same text, because this source" in page


def test_what_has_no_other_splits_has_no_leaks(folder: Path) -> None:
    assert run(CLEAN[2:]).exit_code == 0
    page = (folder / "run/report/index.html").read_text()
    assert "Compared with no other split" in page


def test_dropping_is_part_of_the_fingerprint_and_stopping_is_not(folder: Path) -> None:
    todo = {
        word: plan(load(str(recipe(LEAKY, leaks=word)))).of(EvaluateStage)[0].fingerprint
        for word in ("stop", "drop", "allow")
    }

    assert todo["stop"] == todo["allow"] != todo["drop"]
