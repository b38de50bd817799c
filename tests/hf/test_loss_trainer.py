from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from saysel import hf


class Scale(torch.nn.Module):
    """Multiplies by one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.weight * values


def trained(directory: Path, micro_batch_size: int, rows: int) -> tuple[list[float], float]:
    """The losses of two epochs of steps of 4 rows, and the weight after them."""
    arguments = hf.fine_tuning_arguments(
        directory,
        steps=2 * -(-rows // 4),
        warmup=0,
        learning_rate=0.1,
        batch_size=4,
        micro_batch_size=micro_batch_size,
        seed=0,
    )

    def loss(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return ((model(inputs["values"]) - 2) ** 2).mean()

    model = Scale()
    trainer = hf.loss_trainer(
        [float(row) for row in range(rows)],
        lambda batch: {"values": torch.tensor(batch)},
        loss,
        {**arguments, "save_strategy": "no"},
        model=model,
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, float(model.weight.detach())


@pytest.mark.parametrize("rows", [8, 7])
@pytest.mark.parametrize("micro_batch_size", [1, 2])
def test_the_micro_batch_size_does_not_change_the_result(
    micro_batch_size: int, rows: int, tmp_path: Path
) -> None:
    whole = trained(tmp_path / "whole", 4, rows)
    parts = trained(tmp_path / "parts", micro_batch_size, rows)

    assert len(whole[0]) == 4
    assert parts[0] == pytest.approx(whole[0], rel=1e-3)
    assert parts[1] == pytest.approx(whole[1], rel=1e-4)
