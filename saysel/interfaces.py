"""One small abstract class per kind of component: the contract a plugin author reads.

A component is a frozen pydantic model. Its fields are its options, the first line of its
docstring is what `saysel plugins` shows, and heavy things are imported and made on first use.
A field annotated with a kind takes a nested component:

    class Committee(RewardFn):
        \"\"\"Mean of several rewards.\"\"\"

        members: tuple[RewardFn, ...]

        def reward(self, correct, confidence):
            rewards = [member.reward(correct, confidence) for member in self.members]
            return [sum(column) / len(column) for column in zip(*rewards)]

It is announced with one hook and one line in the package's `pyproject.toml`:

    @saysel.hookimpl                                    [project.entry-points.saysel]
    def saysel_rewards():                               committee = "my_package"
        return {"committee": "my_package:Committee"}

and chosen by name: `{use: ppo, reward: {use: committee, members: [quadratic, linear]}}`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self

from saysel.contracts import arrays, checks
from saysel.records import (
    Cluster,
    Example,
    Generation,
    Message,
    ModelRef,
    Prediction,
    Question,
    Rationale,
    Response,
)
from saysel.registry import build

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from saysel.contracts.arrays import Column, Labels

Prompt = Sequence[Message]
Item = TypeVar("Item")
Result = TypeVar("Result")


class NotFingerprintedMarker:
    """Marks an option that changes how fast a result comes, never the result."""


#: `batch_size: NotFingerprinted[int] = 32`: changing this option does not repeat any stage.
NotFingerprinted = Annotated[Item, NotFingerprintedMarker()]


class ContentHashedMarker:
    """Marks an option whose meaning is in the component's `digest`, such as the path of a file."""


#: `path: ContentHashed[Path]`: left out of fingerprints, in which the file's content stands for it.
ContentHashed = Annotated[Item, ContentHashedMarker()]


class Options(BaseModel):
    """A group of recipe keys: a component, a section of the recipe, or a group inside one.

    Attributes:
        renamed: old names of keys with today's, such as `{"explore": "temperature"}`, and old
            values as `{"mode: drawn": "sampled"}`. A recipe that uses an old name is refused with
            one line that gives the new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}


class Component(Options, ABC):
    """What all kinds share.

    Attributes:
        use: the name under which the recipe chose this component; empty if made in Python.
        kind: the word for the kind, set by the classes below.
        version: raise it when the same options give other results, so that runs start afresh.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    use: str = Field("", description="name of the component")

    def smoke(self) -> Self:
        """The same component with the least work that still walks every path (`--smoke`)."""
        return self

    def check_installed(self) -> None:
        """Check that the packages it needs are installed; called by `saysel check` and before runs.

        Raises:
            MissingExtra: one is not.
        """

    def check_available(self) -> None:
        """Check before a run that what else it needs is there: a key, a file.

        Raises:
            UsageError: it is not.
        """

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        # The kinds below and this class have no implementation to compare.
        if hasattr(cls, "kind") and "kind" not in cls.__dict__:
            checks.guard(cls)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # A field typed with a kind itself (not with one of its implementations) is looked up
        # by name; `saysel.registry.build` imports the class that the name stands for.
        if "kind" not in cls.__dict__:
            return handler(source)

        return core_schema.no_info_plain_validator_function(
            lambda value: build(cls.kind, value),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda component: component.model_dump(mode="json")
            ),
            metadata={"kind": cls.kind},  # for `saysel.recipes.schema`
        )


class Progress(Protocol):
    """Where a component tells how far it is; the framework draws the bar and times the units."""

    def begin(self, total: int, unit: str) -> None:
        """Work of `total` units starts."""

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""


# ------------------------------------------------------------------------------------- model


class Model(Component):
    """Where a causal LM comes from."""

    kind = "model"

    #: True: it lies at a server, and only a sampler that asks servers can use it.
    remote: ClassVar[bool] = False

    @abstractmethod
    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        """Make the model available and say where it is.

        Idempotent: called again after a crash with the same directory, it goes on.
        `directory / "checkpoints"` is deleted once the stage is done.

        Args:
            source: the questions, for models built from scratch.
            format: how prompts and replies are written, for the same models.
            directory: the component's own place; nothing else writes there.
            seed: for weights and data order.
        """

    def work(self, source: Source) -> tuple[int, str]:
        """How much `prepare` has to do and in what unit, for estimates."""
        return 0, "steps"

    def needs_adapter(self) -> bool:
        """Whether only an adapter can be trained, as on a quantized model."""
        return False

    def served_name(self) -> str | None:
        """The name by which a server knows the model; `None`: no server has it."""
        return None

    def digest(self) -> str:
        """Hash of what the model hangs on besides the options, such as the files of a directory.

        Part of the fingerprint of the stage, and so of all that follow.
        """
        return ""


# ------------------------------------------------------------------------------------ source


class Ideal(NamedTuple):
    """The best answer anybody could give to a question, and the chance that it is right."""

    answer: str
    confidence: float


class Source(Component):
    """Questions by split.

    Splits are `pretrain` (only where a model is built from scratch), `train` (sampled and
    labelled), `rl` (for training by reward on questions that fine-tuning has not seen), `dev` and
    `heldout`; no question is in two of them.
    """

    kind = "source"

    #: True: no two splits tell the same question in other words, by construction. The leak check
    #: then compares texts only: questions made from templates all look alike.
    disjoint: ClassVar[bool] = False

    @abstractmethod
    def questions(self, split: str) -> Iterable[Question]:
        """The questions of a split, in a fixed order, ids unique.

        Raises:
            NoSplit: there is no such split.
            DataError: the questions cannot be read, or a row is wrong.
        """

    def size(self, split: str) -> int | None:
        """How many questions a split has at most, where that is known without reading them.

        `saysel check` counts with it and leaves a source on the network unread.
        """
        return None

    def ideal(self, question: Question) -> Ideal | None:
        """What an ideal observer would say, where the source knows it."""
        return None

    def digest(self) -> str:
        """Hash of what the questions hang on besides the options, such as a file's content.

        Part of the fingerprint of every stage that reads questions.
        """
        return ""


# ----------------------------------------------------------------------------------- sampler


class Sampler(Component):
    """Prompts in, n responses each out."""

    kind = "sampler"

    #: Whether it asks a server, which only has models of its own.
    remote: ClassVar[bool] = False
    #: Whether it records every request in the run's ledger (`saysel.costs.ledger`), under
    #: `served_model` or the model's path, and sends none that `max_cost` does not allow. Under
    #: `max_cost`, a remote sampler has to be metered and to have a `reply_limit`.
    metered: ClassVar[bool] = False

    n: int = Field(20, ge=1, description="responses per question in the sample stage")
    temperature: float = Field(1.0, ge=0, description="0 decodes greedily")

    @abstractmethod
    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        """n generations for each prompt, in the prompts' order, as they finish."""

    def tolerate_refusals(self, refusals: list[str]) -> Sampler:
        """A copy of this sampler that does not fail when the model refuses a prompt.

        A refused prompt gets empty generations, and the reason is appended to `refusals`. Only
        samplers whose model may refuse a prompt need to override this.
        """
        return self

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]] | None:
        """Log-probability of every token of one given completion per prompt, in nats.

        Computed at temperature 1, without the token that would end the reply. `None` if the
        sampler cannot compute log-probabilities.
        """
        return None

    def gives_logprobs(self) -> bool:
        """Whether `logprobs` returns log-probabilities; override it together with `logprobs`."""
        return False

    def reply_limit(self) -> int | None:
        """Maximum tokens of a reply; `None` if unknown, which estimates count as no tokens."""
        return None

    def choices_per_request(self) -> int:
        """Maximum replies that one request to the server returns, for cost estimates."""
        return 1

    def served_model(self) -> str | None:
        """Name of the only model it asks, whatever the recipe's model is; `None`: the recipe's."""
        return None


# --------------------------------------------------------------------------------- clusterer


class Clusterer(Component):
    """Responses of one question in, a partition by meaning out."""

    kind = "clusterer"

    @abstractmethod
    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """Clusters, largest first. No response is in two; one that says nothing is in none."""


# --------------------------------------------------------------------------------- rationale


class RationaleWriter(Component):
    """Question and clusters in, a first-person rationale out."""

    kind = "rationale"

    @abstractmethod
    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        """One rationale per item; `None` where none could be written (counted, never invented).

        An empty text is no failure: the reply to learn has no rationale.
        """

    def responses_shown(self, n: int) -> int:
        """How many of the n responses of a question a model is shown at most, for estimates."""
        return n


# ------------------------------------------------------------------------------------ target


class Target(Component):
    """Which response to learn, and which confidence to state with it."""

    kind = "target"

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        """The target as it is to be used; a confidence may hang on other questions too.

        Called once with all questions before `target`. The same items give the same result.

        Args:
            items: what `target` will be given, question by question.
        """
        return self

    @abstractmethod
    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        """The response and its confidence in [0, 1]; `None`: the question gives no example.

        Args:
            clusters: largest first.
            correct: correctness of each cluster's representative; `None` where the judge failed.
        """


# ------------------------------------------------------------------------------------ format


class Parsed(NamedTuple):
    """What a format read from a reply; each part `None` if it is not there."""

    answer: str | None
    rationale: str | None
    confidence: float | None


class Format(Component):
    """Writes and reads reasoning, answer, rationale and confidence."""

    kind = "format"

    #: Text directly before the confidence; what follows it is what PPO's `confidence` mask opens.
    confidence_marker: ClassVar[str]
    #: Everything that may follow the marker, up to the end of the reply, with what it states.
    confidences: ClassVar[Mapping[str, float]]

    @abstractmethod
    def prompt(self, question: Question) -> list[Message]:
        """The chat that asks the question."""

    @abstractmethod
    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        """A reply; parts that are `None` are left out."""

    @abstractmethod
    def parse(self, text: str, cut: bool = False) -> Parsed:
        """The parts of any text; never raises.

        Args:
            cut: whether the limit on tokens ended the reply. The part that it ended in may be
                incomplete and is `None`: a reply cut inside "10" does not state 1.
        """

    @abstractmethod
    def reasoning(self, text: str) -> str:
        """What stands before the answer in a reply; empty if nothing does."""


# ------------------------------------------------------------------------------------- judge


class Judge(Component):
    """Parsed answer against gold."""

    kind = "judge"

    @abstractmethod
    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        """Correctness in [0, 1] of each parsed answer; `None`: it could not be judged."""


# ------------------------------------------------------------------------------------ reward


class RewardFn(Component):
    """Correctness and confidence in, reward out."""

    kind = "reward"

    @abstractmethod
    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        """One finite number per reply.

        Args:
            correct: of each reply, in [0, 1].
            confidence: in [0, 1]; `None` where it could not be read. Such a reply should earn
                less than 0: `ppo` uses its reward as it is, without a baseline.
        """


# ----------------------------------------------------------------------------------- trainer


class TrainingData(Protocol):
    """What a trainer may ask for; everything is loaded when asked.

    Attributes:
        format, judge, sampler: the recipe's components.
        temperature: at which answers will be decoded when the model is judged.
        seed: for data order, dropout and sampling.
        progress: where to tell how far training is.
    """

    format: Format
    judge: Judge
    sampler: Sampler
    temperature: float
    seed: int
    progress: Progress

    def examples(self) -> list[Example]:
        """The examples of the target stage."""

    def questions(self, split: str = "train") -> list[Question]:
        """The questions of a split."""

    def responses(self) -> list[Response]:
        """The responses of the sample stage, in order."""

    def log(self, **values: float) -> None:
        """Record training figures (loss, reward …) as an event."""


class Trainer(Component):
    """A model and data in, a trained model out."""

    kind = "trainer"

    #: Whether it draws replies itself; the recipe's decoding is then part of its fingerprint.
    uses_eval_temperature: ClassVar[bool] = False

    @abstractmethod
    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """Train and save below `directory`.

        Called again after a crash with the same directory, it goes on from its own last
        checkpoint there. `directory / "checkpoints"` is deleted once the stage is done.
        """

    @abstractmethod
    def work(self, examples: int) -> tuple[int, str]:
        """How much there is to do and in what unit (`(150, "steps")`), for estimates."""

    def splits(self) -> tuple[str, ...]:
        """The splits whose questions it asks for, seen to be usable before any work."""
        return ()

    def makes_adapter(self) -> bool:
        """Whether it leaves the weights of a model without an adapter alone and adds one."""
        return True

    def max_judge_calls(self, questions: int, samples: int) -> int:
        """How many answers it has judged at most, for estimates: a judge may cost money.

        Args:
            questions: in its `splits`.
            samples: of the sample stage, to each of them.
        """
        return 0


# --------------------------------------------------------------------------------- estimator


@dataclass(frozen=True)
class EstimationContext:
    """What an estimator may use.

    Attributes:
        sampler, format, clusterer, judge: the recipe's components.
        temperature: at which one answer is decoded.
        seed: for sampling.
        questions: the questions of a split; only of those that `splits` names.
    """

    sampler: Sampler
    format: Format
    clusterer: Clusterer
    judge: Judge
    temperature: float
    seed: int
    questions: Callable[[str], Sequence[Question]]


class Estimator(Component):
    """Model and questions in, answer and confidence out."""

    kind = "estimator"

    models: tuple[str, ...] | None = Field(
        None, description="models to judge in this way: base, sft, ppo …; null: all of them"
    )

    def replies(self) -> int:
        """How many replies it draws for a question."""
        return 1

    def splits(self) -> tuple[str, ...]:
        """The splits that it is fitted on; never the one that it is judged on."""
        return ()

    def needs_logprobs(self) -> bool:
        """Whether it asks the sampler how likely given replies are."""
        return False

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """The estimator as it is to be used: fitted on questions of `splits`, where it has any.

        Called once before the questions are asked, which may be in several parts. The same
        model and context give the same result.
        """
        return self

    @abstractmethod
    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        """One prediction per question, in order, not yet judged."""


# ------------------------------------------------------------------------------------ metric


@dataclass(frozen=True, init=False)
class PredictionArrays:
    """Judged predictions as arrays of length n.

        PredictionArrays([1, 0, 1], [0.9, 0.4, None])
        PredictionArrays(frame.correct, frame.confidence, cluster=frame.topic)

    Lists, numpy arrays and columns of pandas or polars are accepted; `None`, NaN and `NA` stand
    for a missing value.

    Attributes:
        correct: in [0, 1].
        confidence: in [0, 1], NaN where it is missing.
        tokens: generated for each answer, NaN where unknown; `None` if unknown for all.
        cluster: the cluster of each answer, numbered from 0 (any labels are accepted); `None` if
            the answers are independent. Only intervals depend on it.

    Raises:
        DataError: the columns differ in length, or a value is missing (except as above), not a
            number, or out of range.
    """

    correct: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.float64] | None = None
    cluster: npt.NDArray[np.intp] | None = None

    def __init__(
        self,
        correct: Column,
        confidence: Column,
        tokens: Column | None = None,
        cluster: Labels | None = None,
    ) -> None:
        columns = {
            "correct": arrays.float_column("correct", correct, may_be_missing=False),
            "confidence": arrays.float_column("confidence", confidence),
            "tokens": None if tokens is None else arrays.float_column("tokens", tokens, math.inf),
            "cluster": None if cluster is None else arrays.cluster_column("cluster", cluster),
        }
        arrays.same_length(**columns)
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.correct)

    def take(self, rows: npt.NDArray[np.intp]) -> PredictionArrays:
        """The given rows, repeated as often as they are named."""
        tokens = None if self.tokens is None else self.tokens[rows]
        cluster = None if self.cluster is None else self.cluster[rows]
        return PredictionArrays(self.correct[rows], self.confidence[rows], tokens, cluster)

    def stated(self) -> PredictionArrays:
        """The rows whose confidence could be read."""
        import numpy as np

        return self.take(np.flatnonzero(~np.isnan(self.confidence)))


class Metric(Component):
    """Predictions in, a number out; its interval is the framework's work."""

    kind = "metric"

    #: Which way is good; `neither` for numbers that only describe.
    better: ClassVar[Literal["higher", "lower", "neither"]]

    #: Whether the value is a number of things, shown without decimals.
    counts: ClassVar[bool] = False

    #: For a metric that is never below 0: the forecaster whose true value is 0, one that is
    #: perfectly calibrated, or one whose confidence says nothing about the answer. Sampling noise
    #: then only adds to the value, and its interval takes that into account.
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = None

    #: Whether the value depends on confidences. Where it does, `saysel compare` uses the
    #: questions for which both methods state one.
    uses_confidence: ClassVar[bool] = True

    @abstractmethod
    def compute(self, predictions: PredictionArrays) -> float:
        """The value; NaN where it is not defined. The docstring states the policy on NaN input."""

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The value on each of R resamples, for the bootstrap: an array of length R.

        Only worth writing where calling `compute` thousands of times takes too long.

        Args:
            predictions: n rows.
            weights: [R, n], whole numbers: how often each row was drawn.
        """
        import numpy as np

        rows = np.arange(len(predictions))
        return np.array(
            [self.compute(predictions.take(np.repeat(rows, w))) for w in weights.astype(np.intp)]
        )


# ------------------------------------------------------------------------------------ engine


class Engine(Component):
    """Runs a stage's shards."""

    kind = "engine"

    @abstractmethod
    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        """The function's result for every shard, in the shards' order, as they finish."""


KINDS: dict[str, type[Component]] = {
    interface.kind: interface
    for interface in (
        Model,
        Source,
        Sampler,
        Clusterer,
        RationaleWriter,
        Target,
        Format,
        Judge,
        RewardFn,
        Trainer,
        Estimator,
        Metric,
        Engine,
    )
}
