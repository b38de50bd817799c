"""The option `vllm` of trainers: which engine samples the replies that they learn from."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from saysel.errors import UsageError, require
from saysel.hf import processes
from saysel.hf.vllm_replies import VLLMReplies
from saysel.interfaces import NotFingerprinted, Options
from saysel.records import ModelRef


class VLLM(Options):
    """Sample the replies with vLLM in this process (extra `vllm`)."""

    memory: NotFingerprinted[float] = Field(
        0.3, gt=0, le=1, description="share of the accelerator's memory while sampling"
    )
    max_length: int | None = Field(
        None, ge=1, description="maximum tokens of prompt and reply; null: the model's maximum"
    )
    max_weight: float = Field(
        2.0,
        ge=1,
        description="largest importance weight of a token: its probability under the policy over "
        "that under vLLM",
    )

    def check_installed(self, trainer: str) -> None:
        """Check that vLLM is installed and can be used.

        Args:
            trainer: its name, for the message.

        Raises:
            MissingExtra: it is not.
            UsageError: the run has several processes.
        """
        require(f"the option vllm of {trainer}", "vllm", "vllm")
        if processes.available() > 1:
            raise UsageError(
                f"{trainer}: vllm samples in a run of one process only: leave out the option vllm, "
                "or use one process"
            )

    def replies(self, model: ModelRef, directory: Path) -> VLLMReplies:
        """What samples the replies.

        Args:
            model: the model that training starts from.
            directory: of the training phase.
        """
        return VLLMReplies(model, directory / "vllm-weights", self.memory, self.max_length)


__all__ = ["VLLM"]
