"""Does a rationale tell what the model is unsure about? Measured without asking another model.

A rationale is compared with fresh samples of the model that wrote it. An *alternative* is an answer
other than the reply's own. It *competes* where fresh samples give it. Known answers that a
rationale names are found by comparing words (`mentions`); what it denies does not count.
Alternatives that nobody knows are recognised by the words that introduce them (`made_up`).

    mention_recall          of the mass of the competing answers, the part that is named
    mention_precision       of the alternatives that are named, the part that competes
    uncertainty_agreement   Spearman's rank correlation between the number of alternatives that a
                            rationale names and the entropy of the fresh samples
    use_dropped             mean |c - c'|: c is the confidence behind answer and rationale, c'
    use_swapped             that behind the answer alone, or with another question's rationale
    use_dropped_brier       mean (c' - y)² - (c - y)²: how much worse Brier gets
    use_swapped_brier
    leak                    share of answers that are wrong while the reply names a right one: what
                            a judge that reads the whole reply would add to accuracy
    grade                   mean grade from 0 to 10, where the recipe has a grader

Where a measure is not defined for a question:

- Recall and precision are ratios of sums over all questions, not means of ratios. A question where
  nothing competes, or whose rationale names nothing, adds nothing to either sum.
- A reply without a rationale names nothing, which costs recall: silence is no way out. It is left
  out of the agreement. A model that never writes a rationale has no values but the leak.
- A reply without a readable answer has no own answer and so no alternatives: it counts in the leak
  only.
- Confidences are compared where they could be read, Brier where the answer was judged as well.
- Grades that could not be read are left out and counted.

Each measure says on how many questions it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

from saysel.faithfulness.made_up import made_up
from saysel.faithfulness.mentions import Tokens, named, words
from saysel.records import Grade, Question, Reflection, Score
from saysel.scoring import share_score
from saysel.scoring.arrays import cluster_numbers
from saysel.scoring.bootstrap import RESAMPLES, percentile_interval
from saysel.scoring.bootstrap import question_resamples as drawn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: What each measure is good for, and its meaning in one line.
MEASURES: dict[str, tuple[Literal["higher", "lower", "neither"], str]] = {
    "mention_recall": ("higher", "Share of the competing answers, by mass, that is named."),
    "mention_precision": ("higher", "Share of the named alternatives that really occur."),
    "uncertainty_agreement": (
        "higher",
        "Rank correlation of how many alternatives are named with the entropy of the answers.",
    ),
    "use_dropped": ("neither", "How far the confidence moves without the rationale."),
    "use_swapped": ("neither", "How far it moves with another question's rationale."),
    "use_dropped_brier": ("neither", "How much worse Brier gets without the rationale."),
    "use_swapped_brier": ("neither", "How much worse Brier gets with another's rationale."),
    "leak": ("neither", "Accuracy that a judge of whole replies would add."),
    "grade": ("higher", "Mean grade of a language model, from 0 to 10."),
}


@dataclass(frozen=True)
class Measured:
    """A measure with its intervals, and the number of questions it stands on."""

    score: Score
    used: int


@dataclass(frozen=True)
class Mentions:
    """What the rationale of one reply names.

    Attributes:
        competing: mass of the competing answers, in [0, 1].
        recalled: mass of those that are named.
        alternatives: number of different alternatives named, those that nobody knows included.
        occurring: number of those that compete.
    """

    competing: float
    recalled: float
    alternatives: int
    occurring: int


def usable(reflection: Reflection) -> bool:
    """Whether there is a rationale, and something for it to explain."""
    competing = any(one.share > 0 and not one.own for one in reflection.meanings)
    return reflection.rationale is not None and _answered(reflection) and competing


def mentions(
    reflection: Reflection, question: Question, others: Collection[Tokens] = ()
) -> Mentions:
    """What a rationale names.

    Args:
        reflection: with an own answer.
        question: its accepted and known wrong answers can be named too. All accepted ones are
            one and the same answer.
        others: further answers that can be named, as `mentions.words` gives them.
    """
    meaning: dict[Tokens, int] = {}
    for place, one in enumerate(reflection.meanings):
        for wording in one.wordings:
            meaning.setdefault(words(wording), place)
    accepted = [words(answer) for answer in question.answers]
    given = [meaning[answer] for answer in accepted if answer in meaning]
    # Accepted answers that nobody gave are an answer of their own, behind all meanings.
    right = given[0] if given else len(reflection.meanings)
    for answer in accepted:
        meaning.setdefault(answer, right)
    known = {*meaning, *map(words, question.wrong_answers), *others}
    rationale = reflection.rationale or ""
    said = {meaning.get(name, name) for name in named(rationale, known)}
    unknown = made_up(rationale, known, question.prompt)
    own = {place for place, one in enumerate(reflection.meanings) if one.own}
    shares: dict[int | Tokens, float] = {
        place: one.share for place, one in enumerate(reflection.meanings) if not one.own
    }
    alternatives = said - own
    occurring = [shares[name] for name in alternatives if shares.get(name, 0) > 0]
    number = len(alternatives) + len(unknown)
    return Mentions(sum(shares.values()), sum(occurring), number, len(occurring))


def entropy(reflection: Reflection) -> float:
    """Entropy of the fresh samples in nats; each without a readable answer is one of its own."""
    shares = [one.share for one in reflection.meanings if one.share > 0]
    unread = round(reflection.samples * (1 - sum(shares)))
    shares += [1 / reflection.samples] * unread
    return max(0.0, -sum(share * log(share) for share in shares))


def measure(
    reflections: Sequence[Reflection],
    questions: Sequence[Question],
    grades: Sequence[Grade] | None = None,
    candidates: Literal["split", "question"] = "split",
    resamples: int = RESAMPLES,
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
) -> list[Measured]:
    """Every measure with its 95 % interval over the questions: Wilson's for the leak, which is a
    share, the bootstrap's percentile interval for the others.

    Args:
        reflections: one per question, of one model.
        questions: at least those, with their accepted and known wrong answers.
        grades: of some of the reflections; `None`: nobody graded.
        candidates: besides what the model answers, a rationale can name the answers known of any
            question (`split`), so that invented alternatives are seen where questions share
            their answers, or of the question alone (`question`).
        resamples, seed: of the bootstrap, the same questions for every measure.
        clusters: the cluster of each question by id, where questions belong together.

    Raises:
        DataError: a question is in no cluster while others are.
    """
    import numpy as np

    cluster = cluster_numbers([one.question_id for one in reflections], clusters)
    known = {question.id: question for question in questions}
    measures = _measures(reflections, known, candidates)
    if grades is not None:
        grade = {one.question_id: one.grade for one in grades}
        measures["grade"] = _mean([grade.get(one.question_id) for one in reflections])
    every = np.arange(len(reflections))
    draws = list(drawn(every, resamples, seed, cluster))
    found = []
    for name, (compute, used) in measures.items():
        if not used:
            found.append(Measured(Score(name, None, None, None), 0))
            continue
        if name == "leak":
            leaks = [_leaks(one, known[one.question_id]) for one in reflections]
            judged = np.array([i for i, leak in enumerate(leaks) if leak is not None])
            share = np.array([float(leaks[i] or 0) for i in judged])
            within = None if cluster is None else cluster[judged]
            found.append(Measured(share_score(name, share, within), used))
            continue
        value = float(compute(np.ones((1, len(every))))[0])
        low, high = percentile_interval(np.concatenate([np.empty(0), *map(compute, draws)])) or (
            None,
            None,
        )
        defined = np.isfinite(value)
        score = Score(name, value, low, high) if defined else Score(name, None, None, None)
        found.append(Measured(score, used))
    return found


#: A measure on each of R resamples, from weights [R, n], and the number of questions behind it.
Measure = tuple[Callable[["Array"], "Array"], int]


def _measures(
    reflections: Sequence[Reflection],
    questions: Mapping[str, Question],
    candidates: Literal["split", "question"],
) -> dict[str, Measure]:
    import numpy as np

    wrote = [one.rationale is not None for one in reflections]
    answered = np.array([_answered(one) for one in reflections], dtype=bool) & any(wrote)
    pool = _pool(questions.values()) if candidates == "split" else {}
    seen = [mentions(one, questions[one.question_id], _nameable(one, pool)) for one in reflections]
    competing = np.array([one.competing for one in seen]) * answered
    recalled = np.array([one.recalled for one in seen]) * answered
    alternatives = np.array([float(one.alternatives) for one in seen]) * answered
    occurring = np.array([float(one.occurring) for one in seen]) * answered
    spoken = np.flatnonzero(answered & np.array(wrote, dtype=bool))
    doubts = np.array([entropy(one) for one in reflections])
    found = {
        "mention_recall": _ratio(recalled, competing),
        "mention_precision": _ratio(occurring, alternatives),
        "uncertainty_agreement": _agreement(alternatives[spoken], doubts[spoken], spoken),
    }
    pairs = {
        "use_dropped": [(one.kept, one.dropped, one.correct) for one in reflections],
        "use_swapped": [(one.kept, one.swapped, one.correct) for one in reflections],
    }
    for name, readings in pairs.items():
        found[name] = _mean(
            [None if c is None or d is None else abs(c - d) for c, d, _ in readings]
        )
    for name, readings in pairs.items():
        found[f"{name}_brier"] = _mean(
            [
                None if c is None or d is None or y is None else (d - y) ** 2 - (c - y) ** 2
                for c, d, y in readings
            ]
        )
    found["leak"] = _mean([_leaks(one, questions[one.question_id]) for one in reflections])
    return found


def _answered(reflection: Reflection) -> bool:
    return any(one.own for one in reflection.meanings)


def _leaks(reflection: Reflection, question: Question) -> float | None:
    if reflection.correct is None:
        return None
    right = {words(answer) for answer in question.answers}
    return float(
        reflection.correct < 0.5
        and bool(
            # A judge that looks for the accepted answer anywhere finds it where it is denied, too.
            named(reflection.response, right, denied=True)
        )
    )


def _pool(questions: Iterable[Question]) -> dict[str, set[Tokens]]:
    """All known answers, by their first word."""
    found: dict[str, set[Tokens]] = {}
    for question in questions:
        for text in (*question.answers, *question.wrong_answers):
            if answer := words(text):
                found.setdefault(answer[0], set()).add(answer)
    return found


def _nameable(reflection: Reflection, pool: Mapping[str, set[Tokens]]) -> set[Tokens]:
    """Those that the rationale could name at all."""
    said = set(words(reflection.rationale or ""))
    return {answer for first in said & pool.keys() for answer in pool[first]}


def _ratio(above: Array, below: Array) -> Measure:
    """Sum over sum; NaN where the lower one is 0."""
    import numpy as np

    def compute(weights: Array) -> Array:
        total = weights @ below
        return np.where(total > 0, weights @ above / np.where(total > 0, total, 1), np.nan)

    return compute, int(np.count_nonzero(below))


def _mean(values: Sequence[float | None]) -> Measure:
    """The mean of those that are there."""
    import numpy as np

    there = np.array([value is not None for value in values], dtype=np.float64)
    return _ratio(np.array([value or 0.0 for value in values]), there)


def _agreement(some: Array, others: Array, rows: npt.NDArray[np.intp]) -> Measure:
    """Spearman's rank correlation of some rows; NaN where one side has no differences."""
    import numpy as np

    def ranks(values: Array, weights: Array) -> Array:
        """Mean rank of each value among all, [R, n]."""
        levels, place = np.unique(values.round(12), return_inverse=True)
        counts = weights @ (place[:, None] == np.arange(len(levels)))
        middle: Array = counts.cumsum(-1) - counts / 2
        return middle[:, place]

    def compute(weights: Array) -> Array:
        w = weights[:, rows]
        total = np.maximum(w.sum(-1, keepdims=True), 1)
        one, other = ranks(some, w), ranks(others, w)
        one = one - (w * one).sum(-1, keepdims=True) / total
        other = other - (w * other).sum(-1, keepdims=True) / total
        spread = np.sqrt((w * one**2).sum(-1) * (w * other**2).sum(-1))
        even = spread < 1e-9
        return np.where(even, np.nan, (w * one * other).sum(-1) / np.where(even, 1, spread))

    return compute, len(rows)
