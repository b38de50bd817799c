"""A whole run against a server: what it costs, what it keeps, and where the key goes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saysel.errors import RecipeError
from saysel.recipes.recipe import load
from saysel.records import Example
from saysel.stages import evaluate
from saysel.storage import Shards
from tests.support import end_to_end
from tests.support.api_server import Model, Reply, Request, Server, always

KEY = "sk-planted-0123456789"
RECIPE = """\
name: remote
model: {{use: remote, name: small}}
source: {{use: witness, train: 4, heldout: 24}}
sample: {{use: openai, base_url: "{url}", max_tokens: 16, concurrency: 4,
  key_from: OPENAI_API_KEY}}
prices: "{prices}"
evaluate:
  estimators: [verbalized, {{use: self_consistency, n: 3}}]
  metrics: [accuracy]
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Model()) as running:
        yield running


def recipe(tmp_path: Path, url: str) -> Path:
    (tmp_path / "prices.yaml").write_text("small: [100, 1000]")  # 0.001 and 0.005 an answer
    path = tmp_path / "remote.yaml"
    path.write_text(RECIPE.format(url=url, prices=tmp_path / "prices.yaml"))
    return path


def run(path: Path, *more: str) -> tuple[int, str]:
    result = end_to_end.invoke("run", path, "--out", path.parent / "run", *more)
    return result.exit_code, result.output


def everything(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_a_run_records_the_cost_of_each_stage(server: Server, tmp_path: Path) -> None:
    code, output = run(recipe(tmp_path, server.url))

    assert code == 0, output
    assert len(server.requests) == 48
    stages = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]
    one, several = stages["evaluate-base-verbalized"], stages["evaluate-base-self_consistency"]
    assert (one["requests"], one["input_tokens"], one["output_tokens"]) == (24, 240, 120)
    assert (one["cost"], several["cost"]) == (0.144, 0.384)
    assert "requests" not in stages["model"]
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert "$0.1440" in page and "$0.5280" in page


def test_the_key_is_nowhere(server: Server, tmp_path: Path) -> None:
    code, output = run(recipe(tmp_path, server.url))

    assert code == 0 and KEY not in output
    assert any(KEY in request.headers["authorization"] for request in server.requests)
    assert KEY.encode() not in everything(tmp_path)


@pytest.mark.parametrize("around", ["", "\n"], ids=["bare", "with a line break"])
@pytest.mark.parametrize("status", [400, 401, 503])
def test_the_key_is_nowhere_after_a_failure_either(
    status: int, around: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY + around)
    with Server(always(status, f"your key {KEY} is not welcome")) as server:
        code, output = run(recipe(tmp_path, server.url), "--set", "sample.retries=0")

    assert code == 1
    assert KEY not in output and f"status {status}" in output
    assert KEY.encode() not in everything(tmp_path)
    if status == 401:
        assert "refuses the key in OPENAI_API_KEY" in output
        assert len(server.requests) <= 4


def test_a_key_in_the_recipe_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")
    for setting in (
        f"sample.api_key={KEY}",
        f"sample.key_from={KEY}",
        f"sample.base_url=https://{KEY}@host/v1",
    ):
        code, output = run(path, "--set", setting)
        assert code == 2 and KEY not in output.replace(f"--set {setting}", "")


def test_a_missing_key_is_reported_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    path = recipe(tmp_path, "https://api.openai.com/v1")

    code, output = run(path)

    assert code == 2 and "OPENAI_API_KEY holds no key" in output
    assert not (tmp_path / "run" / "events.jsonl").exists()


def test_max_cost_stops_the_run_which_continues_after_it_is_raised(
    server: Server, tmp_path: Path
) -> None:
    path = recipe(tmp_path, server.url)

    code, output = run(path, "--set", "max_cost=0.3")
    assert code == 1 and "of 0.3 dollars are spent" in output
    assert "raise max_cost and run again" in output
    spent = len(server.requests)

    code, output = run(path, "--set", "max_cost=9")
    assert code == 0, output
    assert 0 < spent < 48 == len(server.requests)


def test_with_more_samples_per_question_only_new_ones_are_requested(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "REPLIES_PER_SHARD", 12)  # the parts are others with other counts
    path = recipe(tmp_path, server.url)
    for n in (2, 3):
        code, output = run(
            path, "--set", f"evaluate.estimators=[{{use: self_consistency, n: {n}}}]"
        )
        assert code == 0, output

    assert [request.body.get("n", 1) for request in server.requests] == [2] * 24 + [1] * 24


def test_check_shows_the_cost_estimate(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")

    output = end_to_end.invoke("check", path, "--set", "max_cost=0.5").output

    assert "evaluate-base-verbalized asks small: 24 requests, about" in output
    assert "384 out at most" in output and "1,152 out at most" in output
    assert "cost: at most about $" in output and "more than max_cost ($0.50)" in output


def test_check_reports_an_unknown_price(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")

    unknown = ("--set", "model.name=nobody", "--set", "prices=null")
    output = end_to_end.invoke("check", path, *unknown).output

    assert "price unknown" in output and "nobody (no known price: add one under prices)" in output
    for command in ("check", "run"):
        result = end_to_end.invoke(command, path, *unknown, "--set", "max_cost=1")
        assert result.exit_code == 2
        assert "max_cost is set, and nobody has no known price" in result.output


def test_max_cost_needs_a_limit_on_replies(server: Server, tmp_path: Path) -> None:
    path = recipe(tmp_path, server.url)
    unlimited = ("--set", "sample.send_as={max_tokens: null}")

    output = end_to_end.invoke("check", path, *unlimited).output
    assert "out at most" not in output
    assert "excluding retries and the replies of small (no limit is sent)" in output
    for command in ("check", "run"):
        result = end_to_end.invoke(command, path, *unlimited, "--set", "max_cost=1")
        assert result.exit_code == 2
        assert "the sampler 'openai' does not limit its replies" in " ".join(result.output.split())
    assert not server.requests


def problems(path: Path, *settings: str) -> str:
    from saysel.plan.plan import plan

    with pytest.raises(RecipeError) as caught:
        plan(load(str(path), settings))
    return str(caught.value)


def test_the_plan_reports_models_that_no_sampler_can_reach(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")

    assert "train: the model 'remote' is at a server and cannot be trained" in problems(
        path, "train=[sft]"
    )
    assert "sample: 'transformers' loads models, and 'remote' is at a server" in problems(
        path, "sample=transformers"
    )
    assert "model: the sampler 'openai' asks a server: name its model" in problems(
        path, "model=scratch"
    )
    assert "sample: 'openai' asks a server, which does not have the models that train" in problems(
        path, "model={use: pretrained, path: here}", "train=[sft]"
    )


@pytest.mark.slow
def test_after_a_kill_only_missing_samples_are_requested(tmp_path: Path) -> None:
    model, arrived = Model(), threading.Event()
    moments = [10, 30, 45, 48]  # requests after which the process is killed, except for the last

    async def slow(request: object) -> object:
        await asyncio.sleep(0.05)
        if len(server.requests) >= moments[0]:
            arrived.set()
        return await model(request)  # type: ignore[arg-type]

    with Server(slow) as server:  # type: ignore[arg-type]
        path = recipe(tmp_path, server.url)
        while moments[1:]:
            arrived.clear()
            process = end_to_end.start_command("run", path, "--out", tmp_path / "run")
            assert arrived.wait(120)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            del moments[0]
        code, output = run(path)
        asked = len(server.requests)

    assert code == 0, output
    # 48 answers; what was under way at each of three kills (4 side by side) may be asked twice.
    assert 48 <= asked <= 48 + 3 * 4
    with sqlite3.connect(tmp_path / "run" / "responses.sqlite") as store:
        (rows, distinct) = store.execute(
            "SELECT COUNT(*), COUNT(DISTINCT text) FROM responses"
        ).fetchone()
    assert rows == distinct == 24 + 72


def test_check_counts_requests_of_faithfulness_and_grades(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")
    grader = "{model: {use: remote, name: grader}, sampler: {use: openai, base_url: 'http://x/v1'}}"

    output = end_to_end.invoke(
        "check", path, "--set", f"evaluate.faithfulness={{n: 3, grader: {grader}}}"
    ).output

    assert "faithfulness-base asks small: " in output
    assert "grade-base asks grader: " in output


def test_check_counts_the_words_of_the_graders_prompt(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:1/v1")
    counts = []
    for words in (0, 400):  # of four letters: a token each
        prompt = "{question} {answers} {rationale}" + " four" * words
        grader = (
            "{model: {use: remote, name: grader}, questions: 10, "
            f"sampler: {{use: openai, base_url: 'http://x/v1'}}, prompt: '{prompt}'}}"
        )
        setting = f"evaluate.faithfulness={{n: 3, grader: {grader}}}"
        output = end_to_end.invoke("check", path, "--set", setting).output
        line = re.search(r"grade-base asks grader: .* about ([\d,]+) tokens in", output)
        assert line is not None
        counts.append(int(line[1].replace(",", "")))

    assert counts[1] - counts[0] == 10 * 400 * 5 // 4


def test_check_counts_judged_replies_of_training(tmp_path: Path) -> None:
    judge = "{use: llm, sampler: {use: openai, model: strict, base_url: 'http://127.0.0.1:1/v1'}}"
    options = ("--set", f"judge={judge}", "--set", "train.1.steps=3", "--set", "source.train=5")

    output = end_to_end.invoke("check", "quickstart", *options).output

    assert "train-ppo asks strict: 384 requests" in output  # 3 batches of 128 replies
    (line,) = (line for line in output.splitlines() if "train-ppo asks" in line)
    read = int(line.split("about ")[1].split(" tokens")[0].replace(",", ""))
    assert read > 384 * 150  # the judge's own words are shown each time


class Answering(Model):
    """Replies in the format of the recipe."""

    async def __call__(self, request: Request) -> Reply:
        whole = json.loads((await super().__call__(request)).body)
        for choice in whole["choices"]:
            choice["message"]["content"] = "Answer: the barn\nSelf-reflection: …\nConfidence: 7"
        return Reply(body=json.dumps(whole).encode())


def test_training_data_can_be_built_from_a_remote_model(tmp_path: Path) -> None:

    chosen = ("--set", "sample.n=5", "--set", "target=largest_cluster", "--until", "target")
    with Server(Answering()) as server:
        code, output = run(recipe(tmp_path, server.url), *chosen)

    assert code == 0, output
    stages = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]
    assert list(stages) == ["model", "sample", "cluster", "rationale", "target"]
    assert (stages["sample"]["tokens"], stages["target"]["examples"]) == (4 * 5 * 5, 4)
    (target,) = (tmp_path / "run" / "stages").glob("target-*")
    assert ["the barn" in one.completion for one in Shards(target, Example)] == [True] * 4


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace(path: Path) -> None:
    path.write_bytes(b"no database" * 500)


@pytest.mark.parametrize("name", ["responses.sqlite", "ledger.sqlite"])
@pytest.mark.parametrize("damage", [cut, replace])
def test_a_damaged_database_is_reported_before_any_request(
    name: str, damage: Callable[[Path], None], server: Server, tmp_path: Path
) -> None:
    path, directory = recipe(tmp_path, server.url), tmp_path / "run"
    assert run(path)[0] == 0
    asked = len(server.requests)
    damage(directory / name)
    for stage in directory.glob("stages/evaluate-*"):
        shutil.rmtree(stage)

    result = end_to_end.invoke("run", path, "--out", directory)

    assert isinstance(result.exception, SystemExit) and result.exit_code == 1
    *_, line = result.stderr.splitlines()
    assert f"{directory / name}: cannot be used (" in line
    assert len(server.requests) == asked

    (directory / name).unlink()
    assert run(path)[0] == 0
