from __future__ import annotations

import pytest
from pydantic import ValidationError

from saysel.models.pretrained import PretrainedModel
from saysel.recipes.faithfulness import PROMPT, Faithfulness, Grader
from saysel.recipes.recipe import Recipe

MODEL = {"use": "pretrained", "path": "somewhere"}


def test_an_empty_mapping_measures_without_a_grader() -> None:
    recipe = Recipe.model_validate(
        {"name": "mine", "source": "witness", "evaluate": {"faithfulness": {}}}
    )

    assert recipe.evaluate.faithfulness == Faithfulness(
        n=20, models=None, candidates="split", grader=None
    )
    assert Recipe.model_validate(recipe.resolved()) == recipe


def test_a_grader_needs_only_a_model() -> None:
    grader = Grader.model_validate({"model": MODEL})

    assert isinstance(grader.model, PretrainedModel)
    assert (grader.questions, grader.retries, grader.prompt) == (100, 2, PROMPT)
    assert grader.sampler.temperature == 0.7


@pytest.mark.parametrize("text", ["", "{answers}", "Grade {rationale}, please."])
def test_a_prompt_that_hides_what_is_graded_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"must contain .*nothing to grade"):
        Grader.model_validate({"model": MODEL, "prompt": text})
