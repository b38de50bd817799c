from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from saysel.errors import DataError, UsageError
from saysel.estimators.answer_or_abstain import AnswerOrAbstainEstimator
from saysel.interfaces import EstimationContext, Prompt, Sampler
from saysel.records import Generation, ModelRef, Prediction, Question, ReplyCounts
from saysel.registry import build
from saysel.testing import question

MODEL = ModelRef("any")


class Echoes(Sampler):
    """Answers what the question says: `Paris 7` gives the answer Paris with confidence 7."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for prompt in prompts:
            answer, confidence = prompt[-1]["content"].split()
            yield [Generation(f"Answer: {answer} Confidence: {confidence}", 4)] * n


def asked(split: str, *prompts: str) -> list[Question]:
    return [question(id=f"{split}-{row}", prompt=prompt) for row, prompt in enumerate(prompts)]


#: At 9, all of 50 are right, and down to 7 one of 70 is wrong; at 2, all are wrong.
SPLITS = {
    "dev": asked("dev", *["Paris 9"] * 50, *["Paris 7"] * 19, "Rome 7", *["Rome 2"] * 30, "pass x"),
    "few": asked("few", *["Paris 9"] * 20),
}
HELD_OUT = asked("heldout", "Paris 9", "Oslo 7", "Oslo 6", "Oslo x", "pass x")


@pytest.fixture
def scene(context: Callable[..., EstimationContext]) -> EstimationContext:
    format = build("format", {"use": "sayself", "instruction": "", "decline": "pass"})
    return replace(context(), sampler=Echoes(), format=format, questions=SPLITS.__getitem__)


def estimate(scene: EstimationContext, **options: Any) -> list[Prediction]:
    estimator = AnswerOrAbstainEstimator(estimator="verbalized", **options)
    fitted = pickle.loads(pickle.dumps(estimator.fit(MODEL, scene)))
    return list(fitted.estimate(MODEL, HELD_OUT, scene))


def test_answers_below_the_threshold_are_declined(scene: EstimationContext) -> None:
    given, at_threshold, below, unstated, declined = estimate(scene)

    assert (given.answer, given.confidence, given.declined) == ("Paris", 0.9, False)
    assert (at_threshold.answer, at_threshold.confidence) == ("Oslo", 0.7)
    for withheld in (below, unstated, declined):
        assert (withheld.answer, withheld.confidence, withheld.declined) == (None, None, True)
    assert "Oslo" in below.response and below.tokens == 4


def test_replies_are_counted_as_they_were_written(scene: EstimationContext) -> None:
    *_, below, unstated, declined = estimate(scene)

    assert below.reply_counts == ReplyCounts(replies=1, no_confidence=0)
    assert unstated.reply_counts == ReplyCounts(replies=1, no_confidence=1)
    assert declined.reply_counts == ReplyCounts(replies=1, no_confidence=0, declined=1)


def test_without_a_safe_threshold_every_answer_is_withheld(
    scene: EstimationContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        predictions = estimate(scene, split="few")

    assert all(prediction.declined for prediction in predictions)
    assert "no confidence keeps the share of wrong answers at 0.1 on the 20 questions" in (
        caplog.text
    )
    assert not estimate(scene, split="few", risk=0.3)[0].declined


def test_questions_of_a_cluster_count_as_one(scene: EstimationContext) -> None:
    def withheld(clusters: int) -> bool:
        dev = [
            replace(one, meta={"topic": f"topic {row % clusters}"})
            for row, one in enumerate(asked("dev", *["Paris 9"] * 120))
        ]
        clustered = replace(scene, questions={"dev": dev}.__getitem__)
        return estimate(clustered, cluster="topic")[0].declined

    assert withheld(40) and not withheld(60)
    with pytest.raises(DataError, match="has no 'topic' in its meta"):
        estimate(scene, cluster="topic")


def test_it_must_be_fitted_on_other_questions(scene: EstimationContext) -> None:
    estimator = AnswerOrAbstainEstimator(estimator="verbalized")
    with pytest.raises(UsageError, match="must be fitted first"):
        next(estimator.estimate(MODEL, HELD_OUT, scene))

    with pytest.raises(UsageError, match="question 'dev-3' was used to choose the threshold"):
        list(estimator.fit(MODEL, scene).estimate(MODEL, SPLITS["dev"][3:4], scene))


def test_it_needs_what_the_wrapped_estimator_needs() -> None:
    inner = {"use": "recalibrated", "split": "train", "estimator": "p_true"}
    estimator = AnswerOrAbstainEstimator(estimator=inner)  # type: ignore[arg-type]

    assert estimator.splits() == ("dev", "train")
    assert estimator.needs_logprobs() and not estimator.needs_confidence()
    assert estimator.replies() == 1
