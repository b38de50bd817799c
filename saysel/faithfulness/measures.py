"""Whether a rationale states what the model is unsure about, measured without another model.

A rationale is compared with fresh samples of the model that wrote it. An *alternative* is an answer
other than the reply's own. It *competes* if fresh samples give it. Known answers that a rationale
names are found by comparing words (`mentions`); denied ones do not count. Alternatives that are no
known answers are recognised by the words that introduce them (`made_up`).

    mention_recall           share of the mass of the competing answers that is named
    mention_precision        share of the named alternatives that compete
    uncertainty_agreement    Spearman's rank correlation between the number of alternatives that a
                             rationale names and the entropy of the fresh samples
    rationale_ablation       mean |c - c'|: c is the confidence after answer and rationale, c' after
    rationale_swap           the answer alone, or after the answer and another question's rationale
    rationale_ablation_brier mean (c' - y)² - (c - y)²: the increase of the Brier score
    rationale_swap_brier
    named_gold_rate          share of replies with a wrong answer that name an accepted one: what a
                             judge that reads the whole reply would add to accuracy
    grade                    mean grade from 0 to 10, if the recipe has a grader

If a measure is not defined for a question:

- Recall and precision are ratios of sums over all questions, not means of ratios. A question with
  no competing answer, or whose rationale names nothing, adds nothing to either sum.
- A reply without a rationale names nothing, which lowers recall: writing none does not pay. It is
  left out of the agreement. For a model that never writes a rationale, only the named-gold rate is
  defined.
- A reply without a readable answer has no own answer and so no alternatives: it counts in the
  named-gold rate only.
- Confidences are compared if both could be read, Brier scores if the answer was judged as well.
- Grades that could not be read are left out and counted.

Each measure states how many questions it is based on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from saysel.faithfulness.alternatives import (
    answers_by_first_word,
    entropy,
    has_answer,
    nameable,
    named_alternatives,
)
from saysel.faithfulness.mentions import named, words
from saysel.faithfulness.weighted import Statistic, mean, rank_correlation, ratio
from saysel.records import Grade, Question, Reflection, Score
from saysel.scoring import share_score
from saysel.scoring.arrays import cluster_numbers
from saysel.scoring.bootstrap import (
    RESAMPLES,
    cluster_count,
    percentile_interval,
    question_resamples,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: Which direction is better, and the meaning in one line.
MEASURES: dict[str, tuple[Literal["higher", "lower", "neither"], str]] = {
    "mention_recall": ("higher", "Share of the competing answers, by mass, that is named."),
    "mention_precision": ("higher", "Share of the named alternatives that really occur."),
    "uncertainty_agreement": (
        "higher",
        "Rank correlation of the number of named alternatives with the entropy of the answers.",
    ),
    "rationale_ablation": ("neither", "How far the confidence moves without the rationale."),
    "rationale_swap": ("neither", "How far it moves with another question's rationale."),
    "rationale_ablation_brier": ("neither", "Increase of the Brier score without the rationale."),
    "rationale_swap_brier": ("neither", "Increase with another question's rationale."),
    "named_gold_rate": ("neither", "Accuracy that a judge of whole replies would add."),
    "grade": ("higher", "Mean grade of a language model, from 0 to 10."),
}


@dataclass(frozen=True)
class Measured:
    """A measure with its interval, and the number of questions it is based on."""

    score: Score
    used: int


def measure(
    reflections: Sequence[Reflection],
    questions: Sequence[Question],
    grades: Sequence[Grade] | None = None,
    *,
    candidates: Literal["split", "question"] = "split",
    resamples: int = RESAMPLES,
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
) -> list[Measured]:
    """Every measure with its 95 % interval over the questions.

    The interval of the named-gold rate, which is a share, is Wilson's; those of the others are
    percentile intervals of the bootstrap, and a measure that is based on a single question or
    cluster has none.

    Args:
        reflections: one per question, of one model.
        questions: at least those, with their accepted and known wrong answers.
        grades: of some of the reflections; `None` if there is no grader.
        candidates: the answers that a rationale can name in addition to those of the model: those
            known of any question (`split`), so that invented alternatives are recognised if
            questions share their answers, or of the question alone (`question`).
        resamples, seed: of the bootstrap; every measure uses the same resamples.
        clusters: the cluster of each question by id, if questions belong together.

    Raises:
        DataError: a question is in no cluster while others are.
    """
    import numpy as np

    ids = [reflection.question_id for reflection in reflections]
    asked = {question.id: question for question in questions}
    cluster = cluster_numbers(ids, clusters)
    draws = list(question_resamples(np.arange(len(ids)), resamples, seed, cluster))
    statistics = _naming(reflections, asked, candidates) | _influence(reflections)
    measured = [
        _bootstrapped(name, one, draws, len(ids), cluster) for name, one in statistics.items()
    ]
    measured.append(_named_gold_rate(reflections, asked, cluster))
    if grades is not None:
        grade_of = {grade.question_id: grade.grade for grade in grades}
        grade = mean([grade_of.get(id) for id in ids])
        measured.append(_bootstrapped("grade", grade, draws, len(ids), cluster))
    return measured


def _naming(
    reflections: Sequence[Reflection],
    questions: Mapping[str, Question],
    candidates: Literal["split", "question"],
) -> dict[str, Statistic]:
    """The measures of what rationales name."""
    import numpy as np

    explained = np.array([one.rationale is not None for one in reflections], dtype=bool)
    answered = np.array([has_answer(one) for one in reflections], dtype=bool) & any(explained)
    pool = answers_by_first_word(questions.values()) if candidates == "split" else {}
    alternatives = [
        named_alternatives(one, questions[one.question_id], nameable(one, pool))
        for one in reflections
    ]
    competing_mass = np.array([one.competing_mass for one in alternatives]) * answered
    named_mass = np.array([one.named_mass for one in alternatives]) * answered
    named_count = np.array([float(one.named) for one in alternatives]) * answered
    named_competing = np.array([float(one.named_competing) for one in alternatives]) * answered
    rows = np.flatnonzero(answered & explained)
    entropies = np.array([entropy(one) for one in reflections])
    return {
        "mention_recall": ratio(named_mass, competing_mass),
        "mention_precision": ratio(named_competing, named_count),
        "uncertainty_agreement": rank_correlation(named_count[rows], entropies[rows], rows),
    }


def _influence(reflections: Sequence[Reflection]) -> dict[str, Statistic]:
    """The measures of how the rationale influences the confidence."""
    changed = {
        "rationale_ablation": [one.dropped for one in reflections],
        "rationale_swap": [one.swapped for one in reflections],
    }
    moves = {
        name: mean([_move(one.kept, c) for one, c in zip(reflections, confidences, strict=True)])
        for name, confidences in changed.items()
    }
    increases = {
        f"{name}_brier": mean(
            [
                _brier_increase(one.kept, c, one.correct)
                for one, c in zip(reflections, confidences, strict=True)
            ]
        )
        for name, confidences in changed.items()
    }
    return moves | increases


def _move(kept: float | None, changed: float | None) -> float | None:
    return None if kept is None or changed is None else abs(kept - changed)


def _brier_increase(
    kept: float | None, changed: float | None, correct: float | None
) -> float | None:
    if kept is None or changed is None or correct is None:
        return None
    return (changed - correct) ** 2 - (kept - correct) ** 2


def _named_gold_rate(
    reflections: Sequence[Reflection],
    questions: Mapping[str, Question],
    cluster: npt.NDArray[np.intp] | None,
) -> Measured:
    import numpy as np

    judged = np.array(
        [i for i, one in enumerate(reflections) if one.correct is not None], dtype=int
    )
    if not len(judged):
        return Measured(Score("named_gold_rate", None, None, None), 0)
    wrong_and_named = np.array(
        [
            float(_names_gold_but_is_wrong(reflections[i], questions[reflections[i].question_id]))
            for i in judged
        ]
    )
    within = None if cluster is None else cluster[np.array(judged)]
    return Measured(share_score("named_gold_rate", wrong_and_named, within), len(judged))


def _names_gold_but_is_wrong(reflection: Reflection, question: Question) -> bool:
    accepted = {words(answer) for answer in question.answers}
    wrong = reflection.correct is not None and reflection.correct < 0.5
    # A judge that looks for the accepted answer anywhere also finds it where it is denied.
    return wrong and bool(named(reflection.response, accepted, denied=True))


def _bootstrapped(
    name: str,
    statistic: Statistic,
    draws: Sequence[Array],
    n: int,
    cluster: npt.NDArray[np.intp] | None,
) -> Measured:
    import numpy as np

    undefined = Score(name, None, None, None)
    if not statistic.used:
        return Measured(undefined, 0)
    value = float(statistic.compute(np.ones((1, n)))[0])
    if not np.isfinite(value):
        return Measured(undefined, statistic.used)
    resampled = np.concatenate([np.empty(0), *map(statistic.compute, draws)])
    within = None if cluster is None else cluster[statistic.rows]
    clusters = cluster_count(within, statistic.used)
    low, high = percentile_interval(resampled, clusters) or (None, None)
    return Measured(Score(name, value, low, high), statistic.used)
