"""How the base model is asked under `elicit`, and which questions that takes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import saysel
from saysel import registry
from saysel.api.checking import check
from saysel.errors import SayselError
from saysel.interfaces import Format, Parsed
from saysel.plan.plan import plan
from saysel.plan.stage import BASE
from saysel.recipes.elicited import ElicitedFormat, asking_format
from saysel.recipes.questions import questions, worked_examples
from saysel.recipes.recipe import Recipe
from saysel.stages.evaluate import EvaluateStage
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.sample import SampleStage

FORMATS = registry.names("format")
SERVER = {"model": {"use": "remote", "name": "some"}, "sample": "openai"}


def recipe(**changes: Any) -> Recipe:
    content = {"name": "mine", "source": {"use": "witness", "train": 20}, "elicit": {}}
    return Recipe.model_validate({**content, **changes})


def asked(of: Recipe, answers_only: bool = False) -> Format:
    return asking_format(of, trained=False, answers_only=answers_only)


def contents(format: Format, of: Recipe) -> list[str]:
    (question, *_) = questions(of, "heldout")
    return [turn["content"] for turn in format.prompt(question)]


# ------------------------------------------------------------------------------- questions


def test_worked_examples_are_taken_out_of_the_train_split() -> None:
    plain, elicited = recipe(elicit=None), recipe()
    examples = worked_examples(elicited)

    assert len(examples) == 4 and worked_examples(plain) == []
    remaining = questions(elicited, "train")
    assert [q for q in questions(plain, "train") if q not in examples] == remaining
    assert len(remaining) == 16
    assert questions(elicited, "heldout") == questions(plain, "heldout")


def test_the_seed_alone_decides_which() -> None:
    one, other = recipe(), recipe(seed=1)

    before = worked_examples(one)
    questions(one, "train")
    assert worked_examples(one) == before
    assert worked_examples(recipe(format="tags", sample={"use": "transformers", "n": 3})) == before
    assert worked_examples(other) != before


@pytest.mark.parametrize("train", [[], ["heldout"]], ids=["trains", "only evaluates"])
def test_too_few_questions_are_one_line_at_check(train: list[str], tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {k} + {k}?", "answer": str(2 * k), "split": split}
        for k, split in enumerate(["train", "train", "heldout"])
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    small = {"name": "mine", "source": {"use": "jsonl", "path": str(path)}, "elicit": {}}
    phases: list[str] = [] if train else ["sft"]

    with pytest.raises(SayselError) as caught:
        check({**small, "train": phases})

    assert str(caught.value).startswith("elicit.shots: 4 worked examples need more than 4 ")
    check({**small, "train": phases, "elicit": {"shots": 1}})
    with pytest.raises(SayselError, match="split 'train', which has 4"):
        check({**small, "source": {"use": "witness", "train": 4}, "train": phases})


def test_a_source_without_a_train_split(small_parts: None) -> None:
    alone = {"name": "mine", "source": "heldout_only", "elicit": {}, **SERVER}
    registry.current().add(HeldoutOnly, "heldout-only", "1.0")

    with pytest.raises(SayselError) as caught:
        check(alone)

    assert str(caught.value) == (
        "elicit.shots: worked examples are taken from the split 'train': there is no split "
        "'train'; set elicit.shots to 0"
    )
    check({**alone, "elicit": {"shots": 0, "unmarked": "answer"}})


class HeldoutOnly:
    """A plugin with a source that has one split."""

    @staticmethod
    @saysel.hookimpl
    def saysel_sources() -> dict[str, str]:
        return {"heldout_only": "tests.recipes.heldout_only:HeldoutOnlySource"}


# ---------------------------------------------------------------------------------- prompts


@pytest.mark.parametrize("name", FORMATS)
def test_examples_are_chat_turns_in_the_format(name: str) -> None:
    few = recipe(format=name)
    whole, answers = asked(few), asked(few, answers_only=True)
    (question, *_) = questions(few, "heldout")

    for format in (whole, answers):
        turns = format.prompt(question)
        assert [turn["role"] for turn in turns] == ["user", "assistant"] * 4 + ["user"]
        assert turns[-1]["content"] == question.prompt
        for example, turn, reply in zip(
            worked_examples(few), turns[::2], turns[1::2], strict=False
        ):
            assert turn["content"].startswith(example.prompt)
            assert few.format.parse(reply["content"]).answer == example.answers[0]

    replies = [few.format.parse(turn["content"]) for turn in whole.prompt(question)[1::2]]
    stated = [part.confidence for part in replies]
    assert None not in stated and len(set(stated)) == 4
    assert min(map(float, stated)) < 0.25 and max(map(float, stated)) > 0.75  # type: ignore[arg-type]
    assert {part.rationale for part in replies} != {None}
    short = [few.format.parse(turn["content"]) for turn in answers.prompt(question)[1::2]]
    assert {part[1:3] for part in short} == {(None, None)}


def test_the_seed_shuffles_the_confidences() -> None:
    orders = set()
    for seed in range(6):
        of = recipe(seed=seed)
        replies = contents(asked(of), of)[1::2]
        orders.add(tuple(reply.rpartition(" ")[2] for reply in replies))

    assert len(orders) > 3 and {tuple(sorted(order)) for order in orders} == {("1", "4", "6", "9")}


@pytest.mark.parametrize(
    ("elicit", "answers_only", "instructed"),
    [
        ({}, False, "the format's"),
        ({}, True, None),
        ({"shots": 0}, False, "the format's"),
        ({"shots": 0}, True, "the format's"),
        ({"instruction": "Be brief."}, False, "Be brief."),
        ({"instruction": "Be brief."}, True, "Be brief."),
        ({"instruction": "Be brief.", "shots": 0}, True, "Be brief."),
        ({"instruction": ""}, False, None),
    ],
)
def test_the_instruction_follows_the_first_question(
    elicit: dict[str, Any], answers_only: bool, instructed: str | None
) -> None:
    of = recipe(elicit=elicit)
    first, *others = contents(asked(of, answers_only), of)
    question = worked_examples(of)[0] if worked_examples(of) else questions(of, "heldout")[0]
    own: Any = of.format
    text = own.instruction if instructed == "the format's" else instructed

    assert first == (f"{question.prompt}\n\n{text}" if text else question.prompt)
    assert not any(text and text in other for other in others)


# ------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize("name", FORMATS)
def test_an_unmarked_reply_is_an_answer_only_if_the_recipe_says_so(name: str) -> None:
    strict = asked(recipe(format=name))
    lenient = asked(recipe(format=name, elicit={"unmarked": "answer"}))
    marked = strict.render("Rome", "Perhaps.", 0.5)

    assert strict.parse("Paris. I think.")[:3] == (None, None, None)
    assert lenient.parse("Paris. I think.")[:3] == ("Paris", None, None)
    assert lenient.parse(marked) == strict.parse(marked) == Parsed("Rome", "Perhaps.", 0.5)
    # A marker without an answer is not an answer.
    bare = strict.render("\n", None, None).partition("\n")[0].strip()
    assert lenient.parse(bare) == lenient.parse(bare + " Ro", cut=True) == Parsed(None, None, None)


@pytest.mark.parametrize("name", FORMATS)
def test_everything_else_is_the_format_s_own(name: str) -> None:
    of = recipe(format=name, elicit={"unmarked": "answer"})
    format, own = asked(of), of.format
    text = own.render("Rome", "Perhaps.", 0.5, "Hm.")

    assert format.render("Rome", "Perhaps.", 0.5, "Hm.") == text
    assert format.reasoning(text) == own.reasoning(text) == "Hm."
    assert format.confidence_marker == own.confidence_marker
    assert format.confidences == own.confidences


# ------------------------------------------------------------------------------- which models


def test_only_the_base_model_is_asked_this_way() -> None:
    todo = plan(
        recipe(
            train=["sft"],
            evaluate={
                "estimators": ["verbalized", "p_true", "self_consistency"],
                "faithfulness": {},
            },
        )
    )
    steps: Sequence[Any] = [
        *todo.of(SampleStage),
        *todo.of(EvaluateStage),
        *todo.of(FaithfulnessStage),
    ]

    asked_for = {
        step.name: step.format.answers_only if isinstance(step.format, ElicitedFormat) else None
        for step in steps
    }
    assert asked_for == {
        "sample": True,
        "evaluate-base-verbalized": False,
        "evaluate-base-p_true": True,
        "evaluate-base-self_consistency": True,
        "evaluate-sft-verbalized": None,
        "evaluate-sft-p_true": None,
        "evaluate-sft-self_consistency": None,
        "faithfulness-base": False,
        "faithfulness-sft": None,
    }
    for step in steps:
        assert ("train" in step.splits()) == (step.model == BASE)


@pytest.mark.parametrize(
    "estimator",
    [
        {"use": "self_consistency", "weight": "confidence"},
        "verbalized_consistency",
        {"use": "recalibrated", "estimator": "verbalized"},
    ],
)
def test_estimators_that_need_a_confidence_show_it(estimator: Any) -> None:
    todo = plan(recipe(evaluate={"estimators": [estimator]}))

    (step,) = todo.of(EvaluateStage)
    assert isinstance(step.format, ElicitedFormat) and not step.format.answers_only


def test_a_recipe_without_it_keeps_its_fingerprints() -> None:
    plain, elicited = (
        {step.name: step for step in plan(of).steps}
        for of in (recipe(elicit=None, train=["sft"]), recipe(train=["sft"]))
    )

    assert plain["sample"].content()["format"]["class"].startswith("saysel.formats.")
    same = {name for name, step in plain.items() if step.fingerprint == elicited[name].fingerprint}
    assert same == {"model"}


def test_it_survives_pickling() -> None:
    of = recipe()
    format = asked(of)

    again = pickle.loads(pickle.dumps(format))

    assert contents(again, of) == contents(format, of)


def test_longer_prompts_count_in_the_estimate() -> None:
    def tokens(elicit: Any) -> int:
        (step,) = plan(recipe(**SERVER, elicit=elicit)).of(EvaluateStage)
        return sum(estimate.input_tokens for estimate in step.requests())

    assert tokens({"instruction": ""}) > 3 * tokens({"instruction": "", "shots": 0})
