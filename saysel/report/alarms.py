"""Signs that a number is being gamed, said beside the numbers.

- Fewer than three different confidences: a constant one can have an ECE of 0.
- Accuracy below the base model's, beyond its interval: calibration was bought with wrong answers.
- A parse rate below 0.95: what is left out may be what is hard.
- No right answer at all: what is measured is the prompt, the judge or the accepted answers.
- Replies that the limit on tokens cut: what could not be read in them is missing.
- Samples of a question that are all the same text: their agreement says nothing.
- A small ECE with a resolution near zero: confidence says nothing about the single answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saysel.interfaces import PredictionArrays
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.brier import BrierResolution, BrierUncertainty
from saysel.metrics.distinct_confidences import DistinctConfidences
from saysel.metrics.ece import Ece
from saysel.metrics.parse_rate import ParseRate
from saysel.records import CUT
from saysel.report.content import IDEAL, Row
from saysel.scoring import score, to_arrays

FEWEST_CONFIDENCES = 3
LEAST_PARSE_RATE = 0.95
#: Largest share of replies that may have been cut.
MOST_CUT = 0.05
#: Share of questions from which on samples that are all the same text raise an alarm.
MOST_SAME_TEXT = 0.5
#: An ECE up to this looks good.
GOOD_ECE = 0.05
#: Least share of the uncertainty that resolution takes away, beyond what chance does.
LEAST_RESOLUTION = 0.02


@dataclass(frozen=True)
class Alarm:
    """One sign: the row's name, and what is the matter with it."""

    row: str
    text: str


def alarms(rows: Sequence[Row]) -> list[Alarm]:
    """The alarms of all rows, in their order; ideal observers have none."""
    found = []
    for row in rows:
        judged = to_arrays(row.predictions, row.clusters)
        if row.model == IDEAL or not len(judged):
            continue
        texts = [
            _none_right(row, judged),
            _few(judged),
            _fell(row, judged, rows),
            _unread(judged),
            _cut(row),
            _same_text(row),
            _blind(judged),
        ]
        found += [Alarm(row.name, text) for text in texts if text]
    return found


def stage_alarms(stages: Mapping[str, Mapping[str, Any]]) -> list[Alarm]:
    """The alarms of the stages that draw samples, from their records in the manifest."""
    found = []
    for name, record in stages.items():
        if "questions_with_one_text" not in record:
            continue
        reasons = record.get("finish_reasons", {})
        texts = [
            _cut_line(reasons.get(CUT, 0), sum(reasons.values())),
            _same_text_line(record["questions_with_one_text"], record["questions"]),
        ]
        found += [Alarm(name, text) for text in texts if text]
    return found


def _none_right(row: Row, judged: PredictionArrays) -> str:
    if judged.correct.any():
        return ""
    answered = sum(one.answer is not None for one in row.predictions)
    # Files of scores come without answers.
    if not answered and any(one.response for one in row.predictions):
        return "no reply has an answer that can be read: look at the replies, and see the format"
    return (
        f"none of the {len(judged)} answers is right: look at some of them, and see whether judge, "
        "accepted answers and the length of replies fit"
    )


def _cut(row: Row) -> str:
    return _cut_line(sum(one.finish_reason == CUT for one in row.predictions), len(row.predictions))


def _cut_line(cut: int, replies: int) -> str:
    if cut <= MOST_CUT * replies:
        return ""
    return f"{cut} of {replies} replies were cut at the limit on tokens: raise max_tokens"


def _same_text(row: Row) -> str:
    sampled = [one for one in row.predictions if one.distinct_texts is not None]
    return _same_text_line(sum(one.distinct_texts == 1 for one in sampled), len(sampled))


def _same_text_line(same: int, questions: int) -> str:
    if not questions or same < MOST_SAME_TEXT * questions:
        return ""
    return (
        f"all samples of a question are the same text, for {same} of {questions} questions: raise "
        "the temperature, and see that the server draws samples and caches none"
    )


def _few(judged: PredictionArrays) -> str:
    number = int(DistinctConfidences().compute(judged))
    if not 0 < number < FEWEST_CONFIDENCES:
        return ""
    if number == 1:
        return "the same confidence is stated every time"
    return f"only {number} different confidences are stated"


def _fell(row: Row, judged: PredictionArrays, rows: Sequence[Row]) -> str:
    """Against the base model, asked in the same way."""
    place = (row.cell, row.split, row.estimator)
    base = [r for r in rows if r.model == "base" and (r.cell, r.split, r.estimator) == place]
    if row.model == "base" or not base:
        return ""
    before = Accuracy().compute(to_arrays(base[0].predictions))
    (now,) = score(judged, [Accuracy()])
    if now.value is None or now.high is None or not now.high < before:
        return ""
    return f"accuracy fell from {before:.3f} to {now.value:.3f}, beyond its interval"


def _unread(judged: PredictionArrays) -> str:
    rate = ParseRate().compute(judged)
    if rate >= LEAST_PARSE_RATE:
        return ""
    return f"{1 - rate:.1%} of the replies have no readable confidence"


def _blind(judged: PredictionArrays) -> str:
    stated = judged.stated()
    uncertainty = BrierUncertainty().compute(stated)
    if len(stated) < 2 or uncertainty == 0 or Ece().compute(stated) > GOOD_ECE:
        return ""
    # Bins without any meaning still differ by chance.
    import numpy as np

    bins = np.count_nonzero(Ece().sums(stated, np.ones((1, len(stated)))).n)
    chance = uncertainty * (bins - 1) / (len(stated) - 1)
    share = (BrierResolution().compute(stated) - chance) / uncertainty
    if share >= LEAST_RESOLUTION:
        return ""
    return "ECE is small, but confidence does not tell right answers from wrong ones"
