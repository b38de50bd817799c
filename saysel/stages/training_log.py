"""What `events.jsonl` says about the training of a run, for its report."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saysel.report.content import Training

#: Figures that are drawn if a trainer records them, in this order.
DRAWN = ("loss", "reward", "accuracy", "parse_rate", "confidence", "kl")


def read_training(events: Path, stage: str, fingerprint: str) -> Training | None:
    """The figures of the steps of a training stage; `None` if fewer than two were recorded.

    A step that was repeated after an interruption counts as it was at last.

    Args:
        events: `events.jsonl` of the run.
        stage: name of the stage, and its `fingerprint`: a directory may hold several runs of it.
    """
    values: dict[str, dict[float, float]] = defaultdict(dict)
    trained = ""
    for event in _events(events):
        if event.get("stage") != stage:
            continue
        if event.get("event") == "stage_started":
            trained = event.get("fingerprint", "")
        elif event.get("event") == "training" and trained == fingerprint:
            for name in DRAWN:
                if isinstance(event.get(name), int | float) and "step" in event:
                    values[name][event["step"]] = float(event[name])
    curves = {name: sorted(values[name].items()) for name in DRAWN if len(values.get(name, ())) > 1}
    return Training(stage, curves) if curves else None


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a log; a line that a killed process left half written is skipped."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event
