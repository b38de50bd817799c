"""Checkpoints of models that are sharded over processes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from saysel.records import ModelRef
from tests.support.several_processes import compute
from tests.trainers.checkpointed_training import train

pytestmark = pytest.mark.slow


def test_training_continues_sharded_and_keeps_two_checkpoints(
    red: ModelRef, tmp_path: Path
) -> None:
    directory = tmp_path / "checkpoints"

    def names() -> list[str]:
        return sorted(path.name for path in directory.iterdir())

    assert compute(tmp_path, partial(train, red, directory, 3), shard=True)[0] == [1, 2, 3]
    assert names() == ["checkpoint-2", "checkpoint-3"]
    assert train(red, directory, 4) == (
        f"grpo: {directory / 'checkpoint-3'} was saved with --shard: continue with --shard, or "
        f"delete {directory} to train from the start"
    )
    assert compute(tmp_path, partial(train, red, directory, 4), shard=True)[0] == [4]
    assert names() == ["checkpoint-3", "checkpoint-4"]


def test_a_checkpoint_of_whole_weights_is_not_continued_sharded(
    red: ModelRef, tmp_path: Path
) -> None:
    directory = tmp_path / "checkpoints"
    assert train(red, directory, 2) == [1, 2]
    error = (
        f"grpo: {directory / 'checkpoint-2'} was saved without --shard: continue without --shard, "
        f"or delete {directory} to train from the start"
    )
    assert compute(tmp_path, partial(train, red, directory, 3), shard=True) == [error, error]
