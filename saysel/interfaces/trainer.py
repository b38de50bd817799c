"""A model in, a trained model out."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from saysel.interfaces.component import Component, Progress
from saysel.interfaces.format import Format
from saysel.interfaces.judge import Judge
from saysel.interfaces.sampler import Sampler
from saysel.records import (
    Example,
    ModelRef,
    Question,
    Response,
)


@dataclass(frozen=True)
class PassSize:
    """What one forward and backward pass of a trainer holds, for estimates of its memory.

    Attributes:
        rows: prompts with their replies in a pass, padded to `tokens`.
        logit_tokens: tokens of a row whose logits are computed.
        rank: of the adapter that is trained; `None` if all weights are.
        checkpointing: whether layers recompute their activations; `None`: on accelerators only.
        reference_copy: whether a second copy of all weights is kept, in float32.
        max_logits: logits that are computed at a time at most.
    """

    rows: int
    tokens: int
    logit_tokens: int
    rank: int | None
    checkpointing: bool | None = None
    reference_copy: bool = False
    max_logits: float = float("inf")


class TrainingData(Protocol):
    """What a trainer can use; each method loads its data when called.

    Attributes:
        format, judge, sampler: the recipe's components.
        temperature: the temperature at which the evaluation will decode responses.
        seed: for data order, dropout and sampling.
        progress: receives the progress of training.
    """

    format: Format
    judge: Judge
    sampler: Sampler
    temperature: float
    seed: int
    progress: Progress

    def examples(self) -> list[Example]:
        """The examples of the target stage.

        Raises:
            StageError: there are none; the message says why.
        """

    def questions(self, split: str = "train") -> list[Question]:
        """The questions of a split."""

    def responses(self) -> list[Response]:
        """The responses of the sample stage, in order."""

    def log(self, **values: float) -> None:
        """Record training figures (loss, reward …) as an event."""


class Trainer(Component):
    """Trains a model.

    ```python
    import saysel
    from saysel.interfaces import Trainer


    class NoTrainer(Trainer):
        '''Keeps the model as it is: a baseline.'''

        def work(self, examples):
            return 1, "steps"

        def train(self, model, data, directory):
            data.progress.begin(1, "steps")
            data.log(examples=len(data.examples()))
            data.progress.advance()
            return model


    @saysel.hookimpl
    def saysel_trainers():
        return {"none": "sayselfile:NoTrainer"}
    ```
    """

    kind = "trainer"

    #: Whether it samples responses itself, so that the evaluation's temperature is part of its
    #: fingerprint.
    uses_eval_temperature: ClassVar[bool] = False

    #: Whether a run of several processes calls `train` in all of them at once, with the same
    #: arguments. The trainer then divides each batch among them; `saysel.hf.fit` does that. If
    #: not, the first process trains alone.
    in_every_process: ClassVar[bool] = False

    @abstractmethod
    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """Train and save below `directory`.

        Called again after a crash with the same directory, it resumes from its last checkpoint
        there. `directory / "checkpoints"` is deleted when the stage is done.
        """

    @abstractmethod
    def work(self, examples: int) -> tuple[int, str]:
        """The amount of work and its unit, such as `(150, "steps")`, for estimates."""

    def splits(self) -> tuple[str, ...]:
        """The splits whose questions it uses; they are validated before the run."""
        return ()

    def makes_adapter(self) -> bool:
        """Whether it adds an adapter to a model without one, instead of changing its weights."""
        return True

    def pass_size(self, prompt_tokens: int) -> PassSize | None:
        """What a forward and backward pass holds, for estimates of memory; `None`: not known.

        Args:
            prompt_tokens: about how many tokens a prompt has.
        """
        return None

    def max_judge_calls(self, questions: int, samples: int) -> int:
        """The maximum number of answers it has judged, for estimates: a judge may cost money.

        Args:
            questions: number of questions in its `splits`.
            samples: responses per question in the sample stage.
        """
        return 0
