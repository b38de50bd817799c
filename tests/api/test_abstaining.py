"""`saysel ask --risk`: answers are withheld where the run's predictions advise it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import saysel
from saysel.api.abstaining import AnswerOrAbstain
from saysel.api.asking import answered
from saysel.errors import UsageError
from saysel.recipes.questions import questions
from saysel.records import ModelRef, Prediction
from saysel.scoring.risk_control import Threshold
from tests.support.end_to_end import invoke

QUESTION = "Nora says the lantern is in the cellar. Where is the lantern?"
RULE = AnswerOrAbstain(0.1, Threshold(0.8, answers=60, wrong=1, questions=100), 100, "heldout")


def test_the_rule_says_what_it_does() -> None:
    assert str(RULE) == (
        "answers with a confidence of 80% or more are given: 1 of 60 were wrong on the 100 "
        "questions of the split 'heldout'; with probability 95%, at most 10.0% of those given to "
        "other questions of this kind are wrong"
    )
    assert RULE.withholds(0.8) is None
    assert RULE.withholds(0.79) == "its confidence of 79% is below 80%"
    assert RULE.withholds(0.7996) == "its confidence of 79.96% is below 80%"
    assert RULE.withholds(None) == "it states no confidence"
    assert str(replace(RULE, clusters=20)) == (
        "answers with a confidence of 80% or more are given: 1 of 60 were wrong on the 100 "
        "questions of the split 'heldout', which belong to 20 clusters; with probability "
        "approximately 95%, at most 10.0% of those given to other questions of this kind are wrong"
    )
    never = replace(RULE, threshold=None)
    assert str(never).endswith("or evaluate on more questions")
    assert str(replace(never, clusters=20)).endswith("or evaluate on more clusters")
    assert "every answer is withheld: no confidence keeps" in str(never)
    assert never.withholds(1.0) == "no confidence keeps the share of wrong answers at 10.0%"


def test_the_threshold_is_that_of_the_runs_own_predictions(tiny_run: Path) -> None:
    run = saysel.Run(tiny_run)
    (row,) = [row for row in run.rows if (row.model, row.estimator) == ("ppo", "verbalized")]

    rule = AnswerOrAbstain.of_run(run, 0.1)

    assert (rule.questions, rule.split) == (len(row.predictions), "heldout")
    assert rule.threshold is None  # 16 questions are too few for any model


def test_the_clusters_are_those_of_the_evaluation(tiny_copy: Path) -> None:
    recipe = tiny_copy / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("  cluster: null", "  cluster: object"))
    run = saysel.Run(tiny_copy)
    (cell,) = run.plan.cells
    things = {one.meta["object"] for one in questions(cell.recipe, "heldout")}

    rule = AnswerOrAbstain.of_run(run, 0.1)

    assert (rule.questions, rule.clusters) == (16, len(things))


def test_answers_are_withheld() -> None:
    sure = Prediction("q", "the reply", "Paris", "I know it.", 0.9)
    given, unsure, unread, declined = (
        answered(prediction, RULE)
        for prediction in (
            sure,
            replace(sure, confidence=0.6),
            replace(sure, answer=None),
            replace(sure, answer=None, confidence=None, declined=True),
        )
    )

    assert given == answered(sure, None)
    assert str(given) == "answer:     Paris\nrationale:  I know it.\nconfidence: 90%"
    assert (unsure.answer, unsure.response) == (None, "the reply")
    assert str(unsure) == (
        "answer:     withheld: its confidence of 60% is below 80%\nrationale:  I know it.\n"
        "confidence: 60%"
    )
    assert str(unread) == "no answer could be read from the reply: the reply"
    assert str(declined) == "answer:     declined\nrationale:  I know it."
    assert "withheld" in unsure._repr_html_()


def test_the_command_prints_the_rule_and_the_answer(tiny_run: Path) -> None:
    result = invoke("ask", tiny_run, QUESTION, "--risk", "0.1", "--json")

    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("every answer is withheld: no confidence keeps the share")
    printed = json.loads(result.stdout)
    assert printed == {"question": QUESTION, **vars(saysel.ask(tiny_run, QUESTION, risk=0.1))}


@pytest.mark.parametrize("risk", [0, 1, -0.1, float("nan")])
def test_a_risk_is_a_share(tiny_run: Path, risk: float) -> None:
    with pytest.raises(UsageError, match="--risk must be above 0 and below 1"):
        saysel.ask(tiny_run, QUESTION, risk=risk)


def test_only_runs_have_predictions_to_choose_a_threshold_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--risk needs a run directory"):
        saysel.ask(tmp_path, QUESTION, risk=0.1)
    with pytest.raises(UsageError, match="a risk needs a run"):
        saysel.ask(ModelRef("any"), QUESTION, risk=0.1)


def test_a_run_without_such_predictions_says_so(tiny_copy: Path) -> None:
    recipe = tiny_copy / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("style: trained", "style: percent"))

    with pytest.raises(UsageError, match="'ppo' by the estimator 'verbalized': add it to"):
        AnswerOrAbstain.of_run(tiny_copy, 0.1)
