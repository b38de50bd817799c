"""Which questions a training step samples replies to."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.records import Question
from saysel.seeds import generator


def question_batch(
    questions: Sequence[Question], batch_size: int, replies: int, step: int, seed: int
) -> list[Question]:
    """The questions of a step, each repeated once per reply, at most `batch_size` in total.

    Each pass uses every question once, in another order.

    Args:
        replies: number of replies to each question, at most `batch_size`.
        step: counted from 0.
    """
    per_step = batch_size // replies
    orders: dict[int, list[int]] = {}
    batch = []
    for position in range(step * per_step, (step + 1) * per_step):
        epoch, row = divmod(position, len(questions))
        if epoch not in orders:
            orders[epoch] = list(range(len(questions)))
            generator("ppo", seed, epoch).shuffle(orders[epoch])
        batch += [questions[orders[epoch][row]]] * replies
    return batch
