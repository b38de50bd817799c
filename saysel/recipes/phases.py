"""The training phases of a recipe and their names."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Trainer


def phases(trainers: Sequence[Trainer]) -> list[tuple[str, Trainer]]:
    """Each training phase with the name of the model it makes (`sft`, `ppo`, `ppo-2`)."""
    named: list[tuple[str, Trainer]] = []
    for trainer in trainers:
        uses = [earlier.use for _, earlier in named].count(trainer.use)
        named.append((f"{trainer.use}-{uses + 1}" if uses else trainer.use, trainer))
    return named
