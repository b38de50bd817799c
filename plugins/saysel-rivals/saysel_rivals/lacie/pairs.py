"""Pairs of replies to a question, one of which a listener can rely on more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from saysel.interfaces import Format, TrainingData
from saysel.records import Question, Response

#: Score of a reply, by whether it is right and whether the listener accepts it.
SCORES = {(True, True): 1.0, (False, False): 1.0, (True, False): -0.5, (False, True): -1.0}


class Candidate(NamedTuple):
    """A reply with its score."""

    text: str
    score: float


class Pair(NamedTuple):
    """Two replies to a question, the better one first."""

    question: Question
    chosen: str
    rejected: str


def make_pairs(
    data: TrainingData,
    responses: Sequence[Response],
    *,
    threshold: float,
    restate: bool,
    max_pairs: int,
) -> list[Pair]:
    """Pairs for every question, in the order of the questions.

    Replies without an answer or a confidence, or with an answer that could not be judged, are
    left out.

    Args:
        threshold: lowest confidence that the listener accepts.
        restate: add a second version of each reply, with a confidence on the other side.
        max_pairs: maximum number of pairs per question.
    """
    questions = {question.id: question for question in data.questions("train")}
    parsed = []
    for response in responses:
        parts = data.format.parse(response.text, cut=response.cut)
        if parts.answer is not None and parts.confidence is not None:
            question = questions[response.question_id]
            parsed.append((question, response.text, parts.answer, parts.confidence))
    correct = data.judge.judge([(question, answer) for question, _, answer, _ in parsed])
    candidates: dict[str, list[Candidate]] = {id: [] for id in questions}
    rng = random.Random(f"dpo/{data.seed}")
    for (question, text, _, confidence), correctness in zip(parsed, correct, strict=True):
        if correctness is None:
            continue
        right, accepted = correctness >= 0.5, confidence >= threshold
        candidates[question.id].append(Candidate(text, SCORES[right, accepted]))
        if restate:
            other = restated(text, data.format, threshold, not accepted, rng)
            if other is not None:
                candidates[question.id].append(Candidate(other, SCORES[right, not accepted]))
    return [
        Pair(questions[id], better.text, worse.text)
        for id, replies in candidates.items()
        for better, worse in preferences(replies, max_pairs, rng)
    ]


def restated(
    text: str, format: Format, threshold: float, accepted: bool, rng: random.Random
) -> str | None:
    """The same reply with another confidence, which the listener accepts or rejects as asked.

    `None`: the format has no such confidence, or the reply does not use its confidence marker.
    """
    end = format.marker_end(text)
    if end is None:  # another wording, such as "**Confidence**"
        return None
    choices = [
        stated
        for stated, confidence in format.confidences.items()
        if (confidence >= threshold) == accepted
    ]
    return text[:end] + rng.choice(choices) if choices else None


def preferences(
    candidates: Sequence[Candidate], max_pairs: int, rng: random.Random
) -> list[tuple[Candidate, Candidate]]:
    """At most `max_pairs` random pairs of candidates with different scores, the better first."""
    pairs = [
        (better, worse)
        for better in candidates
        for worse in candidates
        if better.score > worse.score
    ]
    return rng.sample(pairs, min(max_pairs, len(pairs)))
