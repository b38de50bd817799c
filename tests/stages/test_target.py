"""Which examples the target stage writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from saysel.formats.sayself import SaySelfFormat
from saysel.records import Example
from saysel.storage import Shards
from tests.support.end_to_end import invoke, stages_started

pytestmark = pytest.mark.slow


def examples(run: Path) -> list[list[Example]]:
    """Of every target step that the run has seen."""
    return [list(Shards(path, Example)) for path in sorted(run.glob("stages/target-*"))]


def test_without_a_rationale_the_same_replies_are_learned_less_the_reflection(
    tiny_recipe: Path, tiny_copy: Path
) -> None:
    (before,) = examples(tiny_copy)
    told = len(stages_started(tiny_copy))
    done = invoke(
        *("run", tiny_recipe, "--out", tiny_copy, "--until", "target", "--set", "rationale=none")
    )
    assert done.exit_code == 0, done.output
    assert stages_started(tiny_copy)[told:] == ["rationale", "target"]
    (after,) = [found for found in examples(tiny_copy) if found != before]

    assert before and len(after) == len(before)
    for reflected, plain in zip(before, after, strict=True):
        with_one, without = map(SaySelfFormat().parse, (reflected.completion, plain.completion))
        assert with_one.rationale is not None
        assert without == with_one._replace(rationale=None)
