"""Rationales and verdicts that are missing: counted, and past a limit the stage fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from saysel.records import ModelRef
from saysel.storage import read_json
from tests.support.end_to_end import events, invoke, stages_started

pytestmark = pytest.mark.slow


def test_a_writer_and_a_judge_that_know_nothing(
    tiny_recipe: Path, tiny_copy: Path, small_model: ModelRef
) -> None:
    model = f"model: {small_model.path}, sampler: {{use: transformers, max_tokens: 4}}"
    writer = f"rationale={{use: llm, {model}, retries: 1, certain: null}}"
    command = ["run", tiny_recipe, "--out", tiny_copy, "--until", "target", "--set", writer]

    failed = invoke(*command)
    assert failed.exit_code == 1
    *_, line = failed.stderr.splitlines()
    assert "stage 'rationale' failed: " in line and "are unusable after 2 attempts each" in line
    assert "raise max_missing" in line and "the same command continues" in line

    told = len(events(tiny_copy))
    judge = f"judge={{use: llm, {model}, retries: 0, max_missing: 1}}"
    done = invoke(*command, "--set", "rationale.max_missing=1", "--set", judge)
    assert done.exit_code == 0, done.output
    assert stages_started(tiny_copy, told) == ["rationale", "target"]
    stages = read_json(tiny_copy / "manifest.json")["stages"]
    assert stages["rationale"]["missing"] == stages["rationale"]["questions"] > 0
    assert stages["target"]["unjudged"] > 0
    assert stages["target"]["examples"] == 0
    reasons = stages["target"]["without_example"]
    assert sum(reasons.values()) == stages["target"]["questions"]
    assert reasons["unjudged"] > reasons["no_answer"] and reasons["no_rationale"] == 0
    assert "answers that the judge could not judge: check the judge" in done.stderr
