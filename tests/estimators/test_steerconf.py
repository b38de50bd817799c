from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from saysel.estimators.steerconf import STEERING, SteerConfEstimator
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Prompt, Sampler
from saysel.records import Generation, ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")


class Steerable(Sampler):
    """Follows the instructions: one scripted reply to each."""

    says: tuple[str, ...]

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for prompt in prompts:
            content = prompt[-1]["content"]
            levels = [level for level, text in enumerate(STEERING) if text in content]
            # Stronger instructions contain the weaker ones.
            level = max(levels, key=lambda level: len(STEERING[level]))
            asked.append((level, seed, content))
            yield [Generation(self.says[level], 4)]


#: Level, seed and prompt of every call.
asked: list[tuple[int, int, str]] = []


def estimate(context: Any, *says: str) -> Prediction:
    asked.clear()
    given = replace(context(), sampler=Steerable(use="steerable", says=says))
    (found,) = SteerConfEstimator().estimate(MODEL, [question()], given)
    return found


def said(answer: str, percent: int) -> str:
    return f"Answer: {answer}\nConfidence: {percent}%"


def test_mean_times_agreement_times_steadiness(context: Any) -> None:
    found = estimate(
        context,
        said("Rome", 20),
        said("Paris", 40),
        said("Paris", 60),
        said("Paris", 80),
        said("Oslo", 100),
    )

    # Mean .6, standard deviation sqrt((.16 + .04 + 0 + .04 + .16) / 5) = sqrt(.08).
    assert found.confidence == pytest.approx(0.6 * (3 / 5) / (1 + 0.08**0.5 / 0.6))
    assert (found.answer, found.tokens) == ("Paris", 20)
    assert found.shares == {"Paris": 0.6, "Rome": 0.2, "Oslo": 0.2}


def test_each_instruction_is_given_once_from_cautious_to_confident(context: Any) -> None:
    estimate(context, *[said("Paris", 50)] * 5)

    assert [level for level, _, _ in asked] == [0, 1, 2, 3, 4]
    assert len({seed for _, seed, _ in asked}) == 5
    prompts = [prompt for _, _, prompt in asked]
    assert all(prompt.startswith(f"{question().prompt}\n\n") for prompt in prompts)
    assert "very cautious" in prompts[0] and "very confident" in prompts[4]
    assert "depends" not in prompts[2]
    assert SteerConfEstimator().replies() == 5


def test_a_model_that_cannot_be_steered_keeps_its_confidence(context: Any) -> None:
    assert estimate(context, *[said("Paris", 70)] * 5).confidence == pytest.approx(0.7)
    assert estimate(context, *[said("Paris", 0)] * 5).confidence == 0


def test_what_cannot_be_read_does_not_count_in_the_mean(context: Any) -> None:
    found = estimate(
        context, "Answer: Paris", said("Paris", 80), said("Paris", 80), "…", said("Paris", 80)
    )

    assert found.confidence == pytest.approx(0.8 * 4 / 5)
    unread = estimate(context, *["Answer: Paris\nConfidence: high"] * 5)
    assert (unread.answer, unread.confidence) == ("Paris", None)
    lost = estimate(context, *["I am lost."] * 5)
    assert (lost.answer, lost.confidence) == (None, None)


def test_it_declines_if_most_replies_decline(context: Any) -> None:
    says = (*["Answer: unsure"] * 3, said("Paris", 80), said("Paris", 90))
    given = replace(
        context(),
        sampler=Steerable(use="steerable", says=says),
        format=SaySelfFormat(instruction="", decline="unsure"),
    )
    (found,) = SteerConfEstimator().estimate(MODEL, [question()], given)

    assert (found.declined, found.answer, found.confidence) == (True, None, None)


def test_of_equally_frequent_answers_the_more_cautious_one_counts(context: Any) -> None:
    found = estimate(
        context,
        said("Oslo", 50),
        said("Rome", 50),
        said("Rome", 50),
        said("Oslo", 50),
        said("Bern", 50),
    )

    assert found.answer == "Oslo"
