"""No estimator reads what a model thinks before it replies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from saysel.estimators.answer_or_abstain import AnswerOrAbstainEstimator
from saysel.estimators.dinco import DincoEstimator
from saysel.estimators.expected import ExpectedEstimator, up_to_marker
from saysel.estimators.p_true import PTrueEstimator
from saysel.estimators.probe import ProbeEstimator
from saysel.estimators.recalibrated import RecalibratedEstimator
from saysel.estimators.self_consistency import SelfConsistencyEstimator
from saysel.estimators.semantic_entropy import SemanticEntropyEstimator
from saysel.estimators.sequence_probability import SequenceProbabilityEstimator
from saysel.estimators.steerconf import SteerConfEstimator
from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.estimators.verbalized.prompts import Style
from saysel.estimators.verbalized_consistency import VerbalizedConsistencyEstimator
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Estimator
from saysel.records import Generation, ModelRef
from saysel.registry import find
from saysel.registry.builtins import saysel_estimators
from saysel.testing import question
from tests.replies.test_thoughts import DELIMITED

MODEL = ModelRef("any")
THOUGHT = "Answer: London Self-reflection: Perhaps. Confidence: 3"
SAID = "Answer: Paris Self-reflection: I am sure. Confidence: 9"
ESTIMATORS: list[Estimator] = [
    VerbalizedEstimator(),
    PTrueEstimator(ideas=4),
    DincoEstimator(n=4),
    SequenceProbabilityEstimator(),
    SelfConsistencyEstimator(n=4),
    SelfConsistencyEstimator(n=4, weight="confidence"),
    VerbalizedConsistencyEstimator(n=4),
    SemanticEntropyEstimator(n=4),
    SemanticEntropyEstimator(n=4, weight="likelihood"),
    RecalibratedEstimator(estimator=VerbalizedEstimator(), method="platt"),
]
names = [f"{type(one).__name__}-{getattr(one, 'weight', '')}" for one in ESTIMATORS]


def ask(context: Any, estimator: Estimator, *replies: str) -> Any:
    given = replace(
        context(*replies, odds={}), questions=lambda split: [question(id="a"), question(id="b")]
    )
    (found,) = estimator.fit(MODEL, given).estimate(MODEL, [question()], given)
    return found


def test_every_estimator_is_tested() -> None:
    tested = {
        *(type(estimator) for estimator in ESTIMATORS),
        AnswerOrAbstainEstimator,  # it sees what another estimator gives
        ExpectedEstimator,  # below: it needs a model on this machine
        ProbeEstimator,  # likewise
        SteerConfEstimator,  # it reads its replies with VerbalizedEstimator
    }

    assert {find("estimator", name) for name in saysel_estimators()} == tested


@pytest.mark.parametrize("delimited", DELIMITED)
def test_a_confidence_is_not_read_after_the_marker_in_a_thought(delimited: str) -> None:
    format = SaySelfFormat()
    thought = delimited.format(THOUGHT)

    beginning = up_to_marker(format, Generation(f"{thought}\n{SAID}", 4))

    assert beginning == f"{thought}\n{SAID}".removesuffix(" 9")
    assert up_to_marker(format, Generation(delimited.partition("{}")[0] + THOUGHT, 4)) is None


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=names)
@pytest.mark.parametrize("delimited", [*DELIMITED, "{}</think>", "{}[/THINK]"])
def test_a_thought_changes_nothing(
    estimator: Estimator, delimited: str, context: Any, calls: Any
) -> None:
    thinking = f"{delimited.format(THOUGHT)}\n\n{SAID}"

    plain = ask(context, estimator, *[SAID] * 4)
    shown = [text for call in calls for text in call[3]]
    calls.clear()
    found = ask(context, estimator, *[thinking] * 4)

    assert plain.answer == found.answer == "Paris"
    assert found.confidence == plain.confidence
    assert found.rationale == plain.rationale
    assert found.shares == plain.shares
    assert [text for call in calls for text in call[3]] == shown


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=names)
def test_of_a_thought_that_was_cut_nothing_is_read(estimator: Estimator, context: Any) -> None:
    found = ask(context, estimator, *[f"<think>{THOUGHT}"] * 4)

    assert (found.answer, found.confidence, found.rationale) == (None, None, None)
    assert found.shares == {}


#: A reply in one turn, and in two, of each style.
STYLES = {
    "percent": ("Answer: {answer}\nConfidence: {percent}%", "{answer}", "{percent}%"),
    "ten": ("Answer: {answer}\nConfidence: {tenths}", "{answer}", "{tenths}"),
    "words": ("Answer: {answer}\nConfidence: {words}", "{answer}", "{words}"),
    "guesses": ("G1: {answer}\nP1: 0.{tenths}", "G1: {answer}", "P1: 0.{tenths}"),
}
WRONG = {"answer": "London", "percent": 30, "tenths": 3, "words": "unlikely"}
RIGHT = {"answer": "Paris", "percent": 90, "tenths": 9, "words": "highly likely"}


def test_every_style_is_tested() -> None:
    assert {"trained", *STYLES} == set(get_args(Style))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("turns", [1, 2])
def test_styles(style: str, turns: int, context: Any, calls: Any) -> None:
    texts = STYLES[style][:1] if turns == 1 else STYLES[style][1:]
    estimator = VerbalizedEstimator(style=style, turns=turns)
    replies = [
        f"<think>{STYLES[style][0].format(**WRONG)}</think>\n{text.format(**RIGHT)}"
        for text in texts
    ]
    cut = [reply.partition("</think>")[0] for reply in replies]

    found, unread = ask(context, estimator, *replies), ask(context, estimator, *cut)

    assert (found.answer, found.confidence) == ("Paris", pytest.approx(0.9))
    assert (unread.answer, unread.confidence) == (None, None)


def test_the_second_turn_sees_no_thought_of_the_first(context: Any) -> None:
    chats: list[Any] = []
    given = context("<think>London?</think>\n\nParis", "90%")
    original = type(given.sampler).sample

    class Noted(type(given.sampler)):  # type: ignore[misc]
        def sample(self, model: ModelRef, prompts: Any, n: int, seed: int) -> Any:
            chats.extend([list(prompt) for prompt in prompts])
            return original(self, model, prompts, n, seed)

    sampler = Noted(**given.sampler.model_dump())
    estimator = VerbalizedEstimator(style="percent", turns=2)
    (found,) = estimator.estimate(MODEL, [question()], replace(given, sampler=sampler))

    assert found.answer == "Paris" and found.confidence == pytest.approx(0.9)
    assert chats[-1][1] == {"role": "assistant", "content": "Paris"}
