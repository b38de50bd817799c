"""`saysel`, with the tokens counted that pass through a model in every stage.

    python benchmarks/methods/counted.py run quickstart

Counted from outside, so that it is the same for every method and trainer: what goes
into a model's token embeddings, padding included, with gradients on (`trained`) and without
(`read`: prompts, generated tokens, reference policies). Also the processor time of the stage
in seconds, of all threads; other work on the machine does not add to it. A stage that was
interrupted and taken up again counts its last part only.

Written to `counts/STAGE-FINGERPRINT.json` in the run directory as each stage ends.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import saysel
from saysel import registry
from saysel.cli import main
from saysel.storage import write_json


class Tokens:
    """A plugin that counts from one end of a stage to the next."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.began = 0.0

    @saysel.hookimpl
    def saysel_run_started(self) -> None:
        from torch.nn.modules.module import register_module_forward_hook

        register_module_forward_hook(self.passed)
        self.began = time.process_time()

    def passed(self, module: Any, inputs: Any, _: Any) -> None:
        """A module has been called."""
        import torch

        if isinstance(module, torch.nn.Embedding):
            kind = "trained" if torch.is_grad_enabled() else "read"
            self.counts[kind] += inputs[0].numel()

    @saysel.hookimpl
    def saysel_stage_finished(self, directory: Path, stage: str, record: dict[str, Any]) -> None:
        counts = {
            "trained": self.counts["trained"],
            "read": self.counts["read"],
            "cpu_seconds": round(time.process_time() - self.began, 2),
        }
        write_json(directory / "counts" / f"{stage}-{record['fingerprint']}.json", counts)
        self.counts.clear()
        self.began = time.process_time()


if __name__ == "__main__":
    registry.current().add(Tokens(), "methods-benchmark", saysel.__version__)
    main()
