"""Risk and coverage: the error rate if only the most confident answers are given.

Every value is the mean over all orders of answers with equal confidence: within a tie the expected
number of errors grows linearly. So the order of the questions never matters. Answers without a
stated confidence rank last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, ratio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def ranking(predictions: PredictionArrays) -> Levels:
    """Answers by confidence; those without one are lowest."""
    import numpy as np

    return Levels(np.nan_to_num(predictions.confidence, nan=-1.0))


def aurc(levels: Levels, correct: Array, weights: Array) -> Array:
    """Mean over k = 1 … n of the mean error among the k answers of the highest levels.

    A level of w answers with e errors, below N answers with E errors, adds
    sum over j = 1 … w of (E + e j / w) / (N + j) = (E - N e / w) (H(N + w) - H(N)) + e,
    with harmonic numbers H.
    """
    import numpy as np

    drawn, errors = levels.sums(weights), levels.sums(weights * (1 - correct))
    total, wrong = drawn.sum(axis=1, keepdims=True), errors.sum(axis=1, keepdims=True)
    above = total - np.cumsum(drawn, axis=1)
    area = wrong - np.cumsum(errors, axis=1)
    area -= np.divide(errors, drawn, out=errors, where=drawn > 0) * above
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, total.max(initial=0) + 1)))
    steps = -np.diff(harmonic[np.hstack([total, above]).astype(np.intp)], axis=1)
    return ratio(np.einsum("rl,rl->r", area, steps) + wrong[:, 0], total[:, 0])


def areas(predictions: PredictionArrays, weights: Array) -> tuple[Array, Array]:
    """The AURC, and that of the same answers in the best order: all correct ones first.

    Three metrics need both for the same resamples, one after the other, so the last are kept.
    """
    global _last
    if _last is None or _last[0] is not predictions or _last[1] is not weights:
        correct = predictions.correct
        own = aurc(ranking(predictions), correct, weights)
        _last = (predictions, weights, own, aurc(Levels(correct), correct, weights))
    return _last[2], _last[3]


_last: tuple[PredictionArrays, Array, Array, Array] | None = None


class Aurc(Weighted):
    """Area under the risk-coverage curve: mean error rate of the k most confident answers.

    Formula: (1/n) * sum over k = 1 … n of (mean of 1 - y over the k most confident answers).
    Range [0, 1], lower is better; without any knowledge of one's errors it is the error rate.
    Ties: the mean over all orders of answers with equal confidence.

    Source: Geifman & El-Yaniv 2017 (arXiv 1705.08500); Geifman et al. 2019 (arXiv 1805.08206).
    Blind to: calibration; any increasing transform of the confidences scores the same. It mixes
    accuracy with ranking, and the first few answers weigh most.
    Missing confidences: every judged question counts; those without a confidence rank last.
    Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        return areas(predictions, weights)[0]


class EAurc(Weighted):
    """Excess AURC: the AURC minus that of the best possible ranking of the answers.

    Formula: AURC - AURC of the same answers with all correct ones first. Range [0, 1], lower is
    better; 0 if every correct answer has a higher confidence than every wrong one.
    Ties: the mean over all orders of answers with equal confidence.

    Source: Geifman et al. 2019 (arXiv 1805.08206), with the best ranking of these answers in place
    of its limit for many answers, r + (1 - r) ln(1 - r) at error rate r.
    Blind to: calibration. Its scale still depends on the accuracy; `prr` divides by it.
    Missing confidences: every judged question counts; those without a confidence rank last.
    Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        own, best = areas(predictions, weights)
        return own - best


class Augrc(Weighted):
    """Area under the generalised risk-coverage curve: probability of a wrong answer given.

    Formula: the errors among the k most confident answers over n, as a curve of coverage k/n from
    (0, 0), integrated by trapezoids. If answers are either correct or wrong and all confidences
    are stated, it equals (1 - AUROC) a (1 - a) + (1 - a)^2 / 2 at accuracy a. Range [0, 0.5],
    lower is better.
    Ties: the mean over all orders of answers with equal confidence.

    Source: Traub et al. 2024, "Overcoming common flaws in the evaluation of selective
    classification systems" (arXiv 2407.01032).
    Blind to: calibration. Any increasing transform of the confidences scores the same.
    Missing confidences: every judged question counts; those without a confidence rank last.
    Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 0.5)

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        levels = ranking(predictions)
        drawn = levels.sums(weights)
        errors = levels.sums(weights * (1 - predictions.correct))
        middle = errors.sum(axis=1, keepdims=True) - np.cumsum(errors, axis=1) + errors / 2
        return ratio(np.einsum("rl,rl->r", drawn, middle), drawn.sum(axis=1) ** 2)


class Prr(Weighted):
    """Prediction-rejection ratio: quality of the ranking, from chance (0) to the best (1).

    Formula: (r - AURC) / (r - best AURC) with the error rate r, which is the AURC of a random
    ranking, and the AURC of the same answers with all correct ones first. Range up to 1, higher is
    better; 0 is chance, negative values are worse than chance.
    Ties: the mean over all orders of answers with equal confidence.

    Source: Malinin & Gales 2021 (arXiv 2002.07650). lm-polygraph calls the raw area 1 - AURC
    "prr", and breaks ties by position.
    Blind to: calibration. Any increasing transform of the confidences scores the same.
    Missing confidences: every judged question counts; those without a confidence rank last.
    Undefined (NaN) if all answers are equally correct, because then there is nothing to rank.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (-math.inf, 1)

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        own, best = areas(predictions, weights)
        random = ratio(weights @ (1 - predictions.correct), weights.sum(axis=1))
        room = random - best
        return ratio(random - own, np.where(room > 1e-12, room, 0))
