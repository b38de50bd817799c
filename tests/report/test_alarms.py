from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from saysel.records import Prediction, ReplyCounts
from saysel.replies.counts import ReplyTally
from saysel.report import Row
from saysel.report.alarms import alarms, stage_alarms, with_alarms


def row(
    model: str,
    confidence: Sequence[float | None],
    correct: Sequence[float],
    estimator: str = "verbalized",
) -> Row:
    predictions = tuple(
        Prediction(f"q{i}", "", "a", None, c, y)
        for i, (c, y) in enumerate(zip(confidence, correct, strict=True))
    )
    return Row("", model, estimator, "heldout", predictions, (), len(predictions))


def useful(n: int = 400, accuracy: float = 0.5) -> tuple[list[float], list[float]]:
    """Three confidences that mean something."""
    stated = np.resize([0.1, 0.5, 0.9], n)
    right = np.random.default_rng(0).random(n) < stated * 2 * accuracy
    return stated.tolist(), right.astype(float).tolist()


def texts(*rows: Row) -> list[str]:
    return [alarm.text for alarm in alarms(with_alarms(rows))]


def test_useful_confidences_raise_no_alarm():
    assert texts(row("base", *useful())) == []
    assert texts(row("base", [], [])) == []


def test_a_base_rate_forecaster_raises_alarms():
    found = texts(row("base", [0.6] * 10, [1] * 6 + [0] * 4))
    assert found == [
        "all stated confidences are the same",
        "ECE is small, but confidence does not separate correct answers from wrong ones",
    ]
    assert texts(row("base", [0.0, 1.0] * 5, [0, 1] * 5)) == [
        "only 2 distinct confidences are stated"
    ]


def test_answers_of_one_grade_cannot_be_separated():
    for n in (3, 7, 10, 49):
        for grade in (0.1, 0.3, 0.7, 0.9):
            found = texts(row("base", [grade] * n, [grade] * n))
            assert found == ["all stated confidences are the same"]


def test_noise_around_the_base_rate_raises_an_alarm():
    rng = np.random.default_rng(1)
    stated = rng.choice([0.55, 0.6, 0.65, 0.7], 2000)
    correct = (rng.random(2000) < 0.62).astype(float)
    assert texts(row("ppo", stated.tolist(), correct.tolist())) == [
        "ECE is small, but confidence does not separate correct answers from wrong ones"
    ]


def test_missing_confidences_are_counted():
    stated, correct = useful()
    stated[:21] = [None] * 21
    assert texts(row("base", stated, correct)) == ["5.2% of the replies state no confidence"]
    stated[0] = 0.1
    assert texts(row("base", stated, correct)) == []


def test_accuracy_is_compared_with_the_base_model_under_the_same_estimator():
    base, worse = row("base", *useful()), row("ppo", *useful(accuracy=0.3))
    (text,) = texts(base, worse)
    assert text.startswith("accuracy fell from ") and text.endswith(", beyond its interval")
    declining = replace(
        worse, predictions=tuple(replace(p, declined=p.correct == 0) for p in worse.predictions)
    )
    assert texts(base, declining)[0].endswith("interval; replies that decline count as wrong")
    assert texts(base, row("ppo", *useful(accuracy=0.495))) == []
    assert texts(base, row("ppo", *useful(accuracy=0.3), estimator="other")) == []


def outcomes(model: str, right: Iterable[int], n: int = 200, first: int = 0) -> Row:
    """A row of which some questions are answered correctly."""
    correct = set(right)
    made = row(
        model, np.resize([0.1, 0.5, 0.9], n).tolist(), [float(i in correct) for i in range(n)]
    )
    return replace(made, predictions=made.predictions[first:])


def fell(base: Row, after: Row) -> bool:
    """Whether the second row has the alarm that accuracy fell."""
    return any("accuracy fell" in text for text in texts(base, after))


def test_a_fall_in_accuracy_is_judged_question_by_question():
    base = outcomes("base", range(100))

    # 58 questions lost and 43 gained: 1.5 standard errors.
    assert not fell(base, outcomes("ppo", [*range(42), *range(157, 200)]))
    # 15 lost and none gained: 4 standard errors; 10: 3.2, though accuracy is .5 and .45.
    assert fell(base, outcomes("ppo", range(85)))
    assert fell(base, outcomes("ppo", range(90)))
    # The 10 are a single one of 20 clusters.
    by_tens = {f"q{i}": str(i // 10) for i in range(200)}
    pair = [replace(one, clusters=by_tens) for one in (base, outcomes("ppo", range(90)))]
    assert not fell(*pair)


def test_a_fall_in_accuracy_is_one_on_the_same_questions():
    # Both are always wrong on the last 100 questions, which are all that the second row has.
    base = outcomes("base", range(100))

    assert not fell(base, outcomes("ppo", range(100), first=100))
    other = outcomes("ppo", [])
    moved = tuple(replace(p, question_id=f"x{p.question_id}") for p in other.predictions)
    assert not fell(base, replace(other, predictions=moved))


def test_no_correct_answer_at_all():
    stated, wrong = useful()[0], [0.0] * 400

    (text, *_) = texts(row("base", stated, wrong))
    assert text.startswith("none of the 400 answers is correct: look at some of them")
    assert not texts(row("base", stated, [*useful()[1]]))


def counted(**counts: int) -> ReplyTally:
    return ReplyTally("base", ReplyCounts(**counts))


def test_replies_that_cannot_be_read():
    """That no answer is correct goes without saying then."""
    unread = row("base", [None] * 9, [0.0] * 9)
    unread = replace(unread, replies=counted(replies=9, no_answer=9))
    first, second = texts(unread)
    assert first.startswith("9 of 9 replies have no readable answer: ")
    assert second == "100.0% of the replies state no confidence"


def test_replies_that_reached_the_token_limit():
    given = replace(row("base", *useful()), replies=counted(replies=400, cut=21))
    assert texts(given) == ["21 of 400 replies reached the token limit: increase max_tokens"]


def test_stages_that_draw_samples_have_alarms_too():
    good = counted(replies=200, cut=1, sampled=10, same_text=1).record()
    bad = counted(replies=200, cut=100, sampled=10, same_text=9).record()

    stages = {"sample": {"replies": good}, "cluster": {"questions": 10}}
    assert stage_alarms(stages) == []
    # Evaluations are rows of the report, which have alarms too.
    stages = {"sample": {"replies": bad}, "evaluate-base-verbalized": {"replies": bad}}
    assert [(alarm.row, alarm.text.partition(":")[0]) for alarm in stage_alarms(stages)] == [
        ("sample", "100 of 200 replies reached the token limit"),
        ("sample", "for 9 of 10 questions, all samples have the same text"),
    ]


def test_the_ideal_observer_and_unjudged_predictions_raise_none():
    assert texts(row("ideal", [0.5] * 9, [1] * 9)) == []
    assert texts(row("base", [0.5] * 9, [None] * 9)) == []
