"""The task and the taskset in their own libraries; one that is not installed is skipped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

import saysel
from saysel_witness.stories import World

REPLY = "Answer: the cellar\nConfidence: 80%"


@pytest.mark.filterwarnings("ignore")
def test_inspect_evaluates_and_saysel_scores_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai", reason="inspect-ai is not installed")
    from inspect_ai import eval as evaluate
    from inspect_ai.model import ModelOutput, get_model

    from saysel_witness.inspect_task import witness

    # The mock model counts tokens with a vocabulary that it would download.
    words = SimpleNamespace(encode=lambda text, **_: text.split())
    monkeypatch.setattr("tiktoken.get_encoding", lambda *_: words)
    monkeypatch.setattr("tiktoken.encoding_for_model", lambda *_: words)
    outputs = [ModelOutput.from_content("mockllm/model", REPLY)] * 9
    outputs.append(ModelOutput.from_content("mockllm/model", "no idea"))
    model = get_model("mockllm/model", custom_outputs=outputs)

    (log,) = evaluate(witness(n=10), model=model, log_dir=str(tmp_path), display="none")

    assert log.status == "success", log.error
    measured = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    scores = saysel.score(log.location, metrics=["accuracy", "brier", "parse_rate"])
    assert measured["accuracy"] == scores["accuracy"].value
    assert measured["parse_rate"] == pytest.approx(0.9)
    # saysel leaves the unreadable reply out, the task gives it an error of 1.
    assert measured["brier"] == pytest.approx((9 * scores["brier"].value + 1) / 10)
    assert measured["brier_over_limit"] == pytest.approx(measured["brier"] / measured["limit"])


@pytest.mark.filterwarnings("ignore")
def test_verifiers_loads_and_scores_the_stories() -> None:
    vf = pytest.importorskip("verifiers.v1", reason="verifiers is not installed")
    import saysel_witness

    taskset_class = saysel_witness.WitnessTaskset
    taskset = taskset_class(taskset_class.__orig_bases__[0].__args__[1](n=5))
    tasks = list(taskset)
    trace = SimpleNamespace(last_reply=REPLY, rewards={}, metrics={})

    assert len(tasks) == 5 and isinstance(tasks[0], vf.Task)
    assert tasks[0].data.prompt.startswith("An object is in one of 12 places")
    story = World("rl", 5).questions()[0]
    assert tasks[0].data.question == story.prompt
    verdict = World("rl", 5).verdict(story, REPLY)
    reward = asyncio.run(tasks[0].calibration(trace))
    assert reward == pytest.approx(1 - verdict.squared_error)
    metrics = asyncio.run(tasks[0].scores(trace))
    assert metrics["limit"] == pytest.approx(verdict.limit)


@pytest.mark.filterwarnings("ignore")
def test_verifiers_scores_a_story_in_another_process_in_its_format() -> None:
    pytest.importorskip("verifiers.v1", reason="verifiers is not installed")
    import saysel_witness

    taskset_class = saysel_witness.WitnessTaskset
    config = taskset_class.__orig_bases__[0].__args__[1](n=1, format="sayself")
    (task,) = taskset_class(config)
    # A server gets the data only, and the configuration of the taskset's tasks.
    data = type(task.data).model_validate(task.data.model_dump())
    served = type(task)(data, config.task)
    reply = "Answer: the cellar Self-reflection: I am quite sure. Confidence: 8"

    verdict = served.verdict(SimpleNamespace(last_reply=reply))
    assert verdict.confidence == 0.8
    assert verdict == task.verdict(SimpleNamespace(last_reply=reply))
