from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from saysel.stages.training_log import read_training


def write(path: Path, *events: dict[str, Any] | str) -> Path:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    path.write_text("\n".join(lines) + "\n")
    return path


def started(fingerprint: str, stage: str = "train-ppo") -> dict[str, Any]:
    return {"event": "stage_started", "stage": stage, "fingerprint": fingerprint}


def step(number: float, stage: str = "train-ppo", **values: Any) -> dict[str, Any]:
    return {"event": "training", "stage": stage, "step": number, **values}


def test_the_steps_of_one_training_stage(tmp_path: Path) -> None:
    events = write(
        tmp_path / "events.jsonl",
        started("old"),
        step(1, reward=9.0),
        started("sft", "train-sft"),
        step(1, "train-sft", loss=3.0),
        started("new"),
        step(1, reward=0.1, kl=0.0, entropy=1.0),
        step(2, reward=0.2, kl=None),
        step(3, reward=0.9, kl=0.3),
        '{"event": "training", "stage": "train-p',
        started("new"),  # after an interruption, from the checkpoint of step 2
        step(3, reward=0.3, kl=0.4),
        {"event": "stage_finished", "stage": "train-ppo", "loss": 1.0},
    )

    training = read_training(events, "train-ppo", "new")

    assert training is not None and training.stage == "train-ppo"
    assert training.curves == {
        "reward": [(1, 0.1), (2, 0.2), (3, 0.3)],
        "kl": [(1, 0.0), (3, 0.4)],
    }


def test_nothing_is_drawn_of_a_single_step(tmp_path: Path) -> None:
    events = write(tmp_path / "events.jsonl", started("a"), step(1, loss=1.0), "[]", "null")

    assert read_training(events, "train-ppo", "a") is None
    assert read_training(tmp_path / "missing.jsonl", "train-ppo", "a") is None
