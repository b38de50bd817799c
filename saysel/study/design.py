"""Draws the items of a study: stratified, blinded, and with controls.

Each writer's replies fall into strata by stated confidence (three bands) and correctness. As many
as possible are drawn from each stratum, so that rare ones, such as confident and wrong, are
represented; every item has the weight that makes means those of all replies (Cochran 1977,
"Sampling Techniques", section 5.3). Controls are replies that are not rated otherwise, with the
rationale of another question of the same writer (`shuffled`) or with one that fits every question
(`generic`). All items are shuffled together and numbered.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from saysel.errors import SayselWarning
from saysel.records import Reflection
from saysel.seeds import generator
from saysel.storage import encodable
from saysel.study.items import Item, Kind, Origin, Study
from saysel.study.writers import Writer

#: What the generic control says.
GENERIC = "I am not entirely sure."
#: Upper ends of the bands of confidence; a missing one is a separate band.
BANDS = (("low", 1 / 3), ("middle", 2 / 3), ("high", 1.0))

#: An item that has no number yet.
Drawn = tuple[Item, Origin]


def draw(writers: Sequence[Writer], per_model: int, controls: int, raters: int, seed: int) -> Study:
    """The items of a study.

    Args:
        per_model: items of each writer; with fewer replies all are taken, with a warning.
        controls: control items of each kind.
        raters: how many pages there are.
        seed: the same seed draws the same items.
    """
    rng = generator("study", seed)
    drawn: list[Drawn] = []
    unused: list[tuple[Writer, Reflection]] = []
    for writer in writers:
        chosen = list(_of_writer(writer, per_model, rng))
        drawn += chosen
        rated = {origin.question_id for _, origin in chosen}
        rest = [reply for reply in writer.replies if reply.question_id not in rated]
        unused += [(writer, reply) for reply in rest or writer.replies]
    rng.shuffle(unused)
    drawn += list(_controls(unused, controls, rng))
    rng.shuffle(drawn)
    digits = max(3, len(str(len(drawn))))
    items = [replace(item, id=f"i{n:0{digits}}") for n, (item, _) in enumerate(drawn, 1)]
    origins = tuple(origin for _, origin in drawn)
    return Study(tuple(items), origins, tuple(writer.name for writer in writers), raters, seed)


def stratum(confidence: float | None, correct: float | None) -> str:
    """`high, wrong`: the band of the confidence, and whether the answer is correct."""
    band = "none"
    if confidence is not None:
        band = next(name for name, end in BANDS if confidence <= end + 1e-9)
    outcome = "unjudged" if correct is None else "right" if correct >= 0.5 else "wrong"
    return f"{band}, {outcome}"


def allocation(sizes: Sequence[int], count: int) -> list[int]:
    """How many to draw from groups of these sizes: the same of each, as far as they go."""
    drawn = [0] * len(sizes)
    while sum(drawn) < min(count, sum(sizes)):
        open_groups = [i for i, size in enumerate(sizes) if drawn[i] < size]
        for i in open_groups[: count - sum(drawn)]:
            drawn[i] += 1
    return drawn


def _of_writer(writer: Writer, count: int, rng: Random) -> Iterator[Drawn]:
    """A writer's own items."""
    if len(writer.replies) < count:
        warnings.warn(
            f"{writer.name}: {len(writer.replies)} replies have a rationale, fewer than "
            f"--per-model {count}: all of them are taken",
            SayselWarning,
            stacklevel=4,
        )
    strata: dict[str, list[Reflection]] = {}
    for reply in writer.replies:
        name = stratum(writer.confidences[reply.question_id], reply.correct)
        strata.setdefault(name, []).append(reply)
    names = sorted(strata)
    counts = allocation([len(strata[name]) for name in names], count)
    for name, size in zip(names, counts, strict=True):
        for reply in rng.sample(strata[name], size):
            grade = writer.grades.get(reply.question_id)
            measures = {**writer.measures(reply), "grade": grade}
            origin = _origin(writer, reply, "model", reply.question_id, len(strata[name]) / size)
            yield _item(writer, reply), replace(origin, measures=measures)


def _controls(
    unused: Sequence[tuple[Writer, Reflection]], count: int, rng: Random
) -> Iterator[Drawn]:
    """Items of both kinds of control, as far as there are replies."""
    for writer, reply in unused[:count]:
        other = _other_rationale(writer, reply, rng)
        if other is not None:
            shown = replace(reply, rationale=other.rationale)
            origin = _origin(writer, reply, "shuffled", other.question_id, 1.0)
            yield _item(writer, shown), replace(origin, measures=writer.measures(shown))
    for writer, reply in unused[count : 2 * count]:
        shown = replace(reply, rationale=GENERIC)
        origin = _origin(writer, reply, "generic", None, 1.0)
        yield _item(writer, shown), replace(origin, measures=writer.measures(shown))


def _other_rationale(writer: Writer, reply: Reflection, rng: Random) -> Reflection | None:
    """A reply of the same writer to another question, with other words in its rationale."""
    others = [one for one in writer.replies if one.rationale != reply.rationale]
    return rng.choice(others) if others else None


def _origin(
    writer: Writer, reply: Reflection, kind: Kind, rationale_of: str | None, weight: float
) -> Origin:
    confidence = writer.confidences[reply.question_id]
    return Origin(
        writer=writer.name,
        kind=kind,
        question_id=reply.question_id,
        rationale_of=rationale_of,
        stratum=stratum(confidence, reply.correct),
        weight=weight,
        confidence=confidence,
        correct=reply.correct,
    )


def _item(writer: Writer, reply: Reflection) -> Item:
    """What is shown of a reply; its id is given later."""
    meanings = sorted(reply.meanings, key=lambda meaning: -meaning.share)
    return Item(
        id="",
        question=encodable(writer.questions[reply.question_id].prompt),
        answer=encodable(reply.answer or ""),
        rationale=encodable(reply.rationale or ""),
        samples=tuple((encodable(one.wordings[0]), one.share) for one in meanings),
    )
