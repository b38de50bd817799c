"""What each rater did: means for models and controls, the time taken, and what looks wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from saysel.study.findings import Finding
from saysel.study.items import CONTROLS, SCALES, Study
from saysel.study.ratings import Rating, raters

#: With fewer controls a rater's mean says too little.
MIN_CONTROLS = 5


def by_rater(study: Study, ratings: Sequence[Rating]) -> list[Finding]:
    """What each rater rated, and how long it took."""
    found = [one for scale in SCALES for one in _means(study, ratings, scale)]
    return [*found, *_seconds(ratings)]


def _means(study: Study, ratings: Sequence[Rating], scale: str) -> Iterator[Finding]:
    """Each rater's mean rating of the models' items and of each control, unweighted."""
    kind = {item.id: one.kind for item, one in zip(study.items, study.origins, strict=True)}
    for rater in raters(ratings):
        for each in ("model", *CONTROLS):
            given = [
                one.levels[scale]
                for one in ratings
                if one.rater == rater and kind[one.item] == each and scale in one.levels
            ]
            if given:
                mean = sum(given) / len(given)
                name = f"rater {rater}, {'models' if each == 'model' else each}"
                yield Finding("rater", name, scale, mean, None, None, len(given))


def _seconds(ratings: Sequence[Rating]) -> Iterator[Finding]:
    """The median time of each rater for an item."""
    for rater in raters(ratings):
        taken = [one.seconds for one in ratings if one.rater == rater and one.seconds is not None]
        if taken:
            name = f"rater {rater}, median"
            yield Finding("seconds", name, "seconds", median(taken), None, None, len(taken))


def notes(study: Study, ratings: Sequence[Rating], found: Sequence[Finding]) -> list[str]:
    """Remarks on the findings, one line each."""
    lines = []
    names = raters(ratings)
    if len(names) == 1:
        lines.append("one rater: agreement cannot be measured")
    elif len(names) < study.raters:
        lines.append(f"{len(names)} of {study.raters} raters have rated so far")
    for rater in names:
        done = sum(one.rater == rater and len(one.levels) == len(SCALES) for one in ratings)
        if done < len(study.items):
            lines.append(f"rater {rater} has rated {done} of {len(study.items)} items completely")
        if poor := _controls_like_models(rater, found):
            lines.append(
                f"rater {rater} finds rationales of other questions as faithful as the models' "
                f"({poor[0]:.2f} and {poor[1]:.2f}): was the task understood?"
            )
    return lines


def _controls_like_models(rater: str, found: Sequence[Finding]) -> tuple[float, float] | None:
    """The mean faithfulness of shuffled rationales and of the models', if it is not lower."""
    means = {one.name: one for one in found if (one.table, one.scale) == ("rater", SCALES[-1])}
    model, shuffled = (means.get(f"rater {rater}, {kind}") for kind in ("models", "shuffled"))
    if model is None or shuffled is None or shuffled.items < MIN_CONTROLS:
        return None
    if model.value is None or shuffled.value is None or shuffled.value < model.value:
        return None
    return shuffled.value, model.value
