from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.formats.sayself import SaySelfFormat
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
QUESTIONS = [question(id="a"), question(id="b", prompt="And of Italy?")]


def test_the_reply_says_answer_rationale_and_confidence(context: Any, calls: Any) -> None:
    reply = "Answer: Paris Self-reflection: I am sure. Confidence: 9"

    first, second = VerbalizedEstimator().estimate(MODEL, QUESTIONS, context(reply))

    assert first == Prediction("a", reply, "Paris", "I am sure.", 0.9, tokens=4)
    assert second.question_id == "b"
    # One reply each, decoded at the temperature of the evaluation.
    assert calls == [(0.3, 1, 7, [one.prompt for one in QUESTIONS])]


def test_what_cannot_be_read_stays_unread(context: Any) -> None:
    (found,) = VerbalizedEstimator().estimate(MODEL, QUESTIONS[:1], context("I am lost."))

    assert found == Prediction("a", "I am lost.", None, None, None, tokens=4)


@pytest.mark.parametrize("style", ["trained", "percent", "ten", "words", "guesses"])
def test_the_part_in_which_a_reply_was_cut_is_missing(style: str, context: Any) -> None:
    reply = {
        "trained": "Answer: Paris Confidence: 1",
        "percent": "Answer: Paris\nConfidence: 10",
        "ten": "Answer: Paris\nConfidence: 1",
        "words": "Answer: Paris\nConfidence: Highly likely",
        "guesses": "G1: Paris\nP1: 0.1",
    }[style]

    whole = ask(context, reply, style=style)
    cut = VerbalizedEstimator(style=style).estimate(
        MODEL, QUESTIONS[:1], context(reply, finish_reason="length")
    )

    assert whole.confidence is not None and whole.finish_reason is None
    assert list(cut) == [replace(whole, confidence=None, finish_reason="length")]


@pytest.mark.parametrize(
    ("style", "replies"),
    [
        ("trained", ["Answer: I don't know Confidence: 2"]),
        ("percent", ["Answer: I don't know.\nConfidence: 20%"]),
        ("guesses", ["G1: I don't know\nP1: 0.2\nG2: Rome\nP2: 0.1"]),
    ],
)
def test_an_answer_of_the_format_declines_in_every_style(
    style: str, replies: list[str], context: Any
) -> None:
    plain = context(*replies)
    careful = replace(plain, format=SaySelfFormat(decline="I don't know"))
    estimator = VerbalizedEstimator(style=style)

    (answered,) = estimator.estimate(MODEL, QUESTIONS[:1], plain)
    (declined,) = estimator.estimate(MODEL, QUESTIONS[:1], careful)

    assert not answered.declined and answered.answer is not None and answered.confidence == 0.2
    assert declined == replace(answered, answer=None, confidence=None, declined=True)


def test_it_draws_one_reply() -> None:
    assert VerbalizedEstimator().replies() == 1


def ask(context: Any, *replies: str, **options: Any) -> Prediction:
    estimator = VerbalizedEstimator(**options)
    (found,) = estimator.estimate(MODEL, QUESTIONS[:1], context(*replies))
    return found


@pytest.mark.parametrize(
    ("style", "stated", "confidence"),
    [("percent", "85%", 0.85), ("ten", "8", 0.8), ("words", "Highly likely.", 0.9)],
)
def test_styles_in_one_turn_and_in_two(
    style: str, stated: str, confidence: float, context: Any, calls: Any
) -> None:
    reply = f"Answer: Paris\nConfidence: {stated}"

    one = ask(context, reply, style=style)
    two = ask(context, "Paris", stated, style=style, turns=2)

    assert one == Prediction("a", reply, "Paris", None, confidence, tokens=4)
    assert two == Prediction("a", f"Paris\n\n{stated}", "Paris", None, confidence, tokens=8)
    # At the temperature of the evaluation; the second turn has another seed.
    assert [call[:3] for call in calls] == [(0.3, 1, 7), (0.3, 1, 7), (0.3, 1, 8)]
    assert all(call[3][0].startswith(question().prompt) for call in calls[:2])
    assert "{" not in "".join(call[3][0] for call in calls)


def test_the_likeliest_guess(context: Any, calls: Any) -> None:
    reply = "G1: Rome\nP1: 0.3\nG2: Paris\nP2: 0.6\nG3: Oslo\nP3: 0.6"

    one = ask(context, reply, style="guesses", guesses=3)
    two = ask(context, "G1: Rome\nG2: Paris", "P1: 20%\nP2: 70%", style="guesses", turns=2)

    assert one == Prediction("a", reply, "Paris", None, 0.6, tokens=4)
    assert (two.answer, two.confidence, two.tokens) == ("Paris", 0.7, 8)
    assert "your 3 best guesses" in calls[0][3][0] and "up to G3 and P3" in calls[0][3][0]


@pytest.mark.parametrize(
    ("reply", "answer", "confidence"),
    [
        ("G1: Rome\nG2: Paris", "Rome", None),
        ("G1: Rome\nP1: who knows\nG2: Paris\nP2: 0.1", "Paris", 0.1),
        ("P1: 0.9", None, None),
        ("Rome", None, None),
    ],
)
def test_guesses_that_are_not_all_there(
    reply: str, answer: str | None, confidence: float | None, context: Any
) -> None:
    found = ask(context, reply, style="guesses")

    assert (found.answer, found.confidence) == (answer, confidence)


def test_an_unclear_confidence_leaves_the_answer(context: Any) -> None:
    for reply in ("Answer: Paris", "Answer: Paris\nConfidence: 80 or 90%"):
        found = ask(context, reply, style="percent")
        assert (found.answer, found.confidence) == ("Paris", None)
    assert ask(context, "It is Paris, 80%", style="percent").answer is None


def test_own_prompts_and_words(context: Any, calls: Any) -> None:
    found = ask(
        context,
        "Paris",
        "Pretty sure",
        style="words",
        turns=2,
        words={"pretty sure": 0.7, "no idea": 0.0},
        prompts=["Well?", "Is it? {words} {else}"],
    )

    assert found.confidence == 0.7
    assert calls[0][3] == ["What is the capital of France?\n\nWell?"]
    assert calls[1][3] == ["Is it? pretty sure, no idea {else}"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"turns": 2}, "'trained' uses the recipe's format in one turn"),
        ({"prompts": ["Well?"]}, "'trained' uses the recipe's format in one turn"),
        ({"style": "ten", "turns": 2, "prompts": ["Well?"]}, "one text per turn: 2, got 1"),
        ({"style": "words", "words": {"sure": 1.0}}, "at least 2"),
        ({"style": "words", "words": {"sure": 1.0, "no": -1}}, "greater than or equal to 0"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        VerbalizedEstimator(**options)


def test_a_turn_is_a_reply() -> None:
    assert VerbalizedEstimator(style="ten", turns=2).replies() == 2
