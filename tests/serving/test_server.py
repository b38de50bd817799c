from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from saysel.errors import UsageError
from saysel.estimators.expected import ExpectedEstimator
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef
from saysel.serving.dev import dev_curve
from saysel.serving.server import Options, build, is_loopback
from tests.serving.conftest import REPLIES
from tests.support.end_to_end import invoke

QUESTION = [{"role": "user", "content": "Where is the lantern?"}]


def ask(options: Options, **body: Any) -> tuple[int, Any]:
    """One request to a server that is started for it."""
    app, batches = build(options)
    try:
        with TestClient(app) as client:
            name = client.get("/v1/models").json()["data"][0]["id"]
            request = {"model": name, "messages": QUESTION, **body}
            response = client.post("/v1/chat/completions", json=request)
            return response.status_code, response.json()
    finally:
        batches.close()


def test_the_model_of_a_run_decides_at_a_risk(tiny_run: Path) -> None:
    status, completion = ask(Options(str(tiny_run)), saysel={"risk": 0.2})

    assert status == 200 and completion["model"] == tiny_run.name
    decision = completion["choices"][0]["message"]["saysel"]["decision"]
    assert decision["risk"] == 0.2
    # The tiny model is hardly trained, so that nothing is certain.
    assert decision["answer"] is False and decision["threshold"] is None and decision["withheld"]


def test_the_curve_is_fitted_on_dev_answers_that_are_asked_once(
    memorized: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = dict(zip(REPLIES, ("cellar", "barn", "me"), strict=True))
    lines = [
        json.dumps({"question": text, "answers": [answer], "split": "dev"})
        for text, answer in answers.items()
    ]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    content = {
        "name": "served",
        "source": {"use": "jsonl", "path": str(tmp_path / "questions.jsonl")},
        "format": {"use": "sayself", "instruction": ""},
        "evaluate": {"temperature": 0},
    }
    recipe = Recipe.model_validate(content)

    curve = dev_curve("isotonic", tmp_path, recipe, recipe.format, memorized)
    monkeypatch.setattr(ExpectedEstimator, "estimate", None)  # nothing can be asked any more
    again = dev_curve("isotonic", tmp_path, recipe, recipe.format, memorized)

    # One answer with a confidence near .7 is right, one near .2 is wrong, one is unreadable.
    low, high = curve(np.array([0.1, 0.9]))
    assert (low, high) == (0, 1) and list(again(np.array([0.1, 0.9]))) == [low, high]
    assert len(list((tmp_path / "serving").iterdir())) == 1


def test_a_model_without_a_run_knows_no_risk(memorized: ModelRef) -> None:
    options = Options(memorized.path, name="mine")

    assert ask(options)[0] == 200
    status, content = ask(options, saysel={"risk": 0.2})
    assert status == 400 and "run directory" in content["error"]["message"]
    with pytest.raises(UsageError, match="only a run directory"):
        build(Options(memorized.path, recalibrate="platt"))


def test_a_missing_key_is_noticed_before_the_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMPTY", "  ")

    for name in ("EMPTY", "NOT_THERE"):
        result = invoke("serve", "no-such-model", "--key", name)
        assert result.exit_code == 2 and f"variable {name} is not set" in result.output


def test_a_port_that_is_taken_is_noticed_before_the_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "no-such-model", "--port", port)

    assert result.exit_code == 2
    assert result.output == (
        f"127.0.0.1:{port}: cannot listen there (Address already in use): choose another --port "
        "or --host\n"
    )


def test_other_names_of_this_machine_are_refused(memorized: ModelRef) -> None:
    app, batches = build(Options(memorized.path))
    try:
        with TestClient(app, base_url="http://evil.example") as client:
            assert client.get("/v1/models").status_code == 400
    finally:
        batches.close()


def test_the_address_that_it_listens_on_is_not_refused(memorized: ModelRef) -> None:
    app, batches = build(Options(memorized.path, host="127.0.0.2"))
    try:
        with TestClient(app, base_url="http://127.0.0.2:8000") as client:
            assert client.get("/v1/models").status_code == 200
    finally:
        batches.close()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.slow
def test_dev_answers_are_kept_in_the_working_copy_of_a_run_on_shared_storage(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_run, tmp_path / "drive" / "run")
    monkeypatch.setenv("SAYSEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    _, batches = build(Options(f"file://{tmp_path}/drive/run", recalibrate="isotonic"))
    batches.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "drive"]
    assert len(list((tmp_path / "cache").rglob("serving/dev-*.json"))) == 1
