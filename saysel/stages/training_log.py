"""What `events.jsonl` says about the training of a run, for its report."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from saysel.report.content import Training
from saysel.storage.event_log import events

#: Figures that are drawn if a trainer records them, in this order.
DRAWN = ("loss", "reward", "accuracy", "parse_rate", "confidence", "kl")


def read_training(log: Path, stage: str, fingerprint: str) -> Training | None:
    """The figures of the steps of a training stage; `None` if fewer than two were recorded.

    A step that was repeated after an interruption counts as it was at last.

    Args:
        log: `events.jsonl` of the run.
        stage: name of the stage, and its `fingerprint`: a directory may hold several runs of it.
    """
    values: dict[str, dict[float, float]] = defaultdict(dict)
    trained = ""
    for event in events(log):
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
