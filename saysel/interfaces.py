"""One small abstract class per kind of component: the contract that a plugin author reads.

A component is a frozen pydantic model. Its fields are its options, and the first line of its
docstring is what `saysel plugins` lists. Heavy libraries are imported inside the methods that need
them. A field annotated with a kind takes a component of that kind:

    class Mean(RewardFn):
        '''Mean of several rewards.'''

        members: tuple[RewardFn, ...] = Field(description="rewards to average")

        def reward(self, correct, confidence):
            rewards = [member.reward(correct, confidence) for member in self.members]
            return [sum(column) / len(column) for column in zip(*rewards, strict=True)]

The docstring of each kind below begins with a complete plugin. Save it as `sayselfile.py` next to a
recipe, and the recipe can use the name that its hook returns: `reward: {use: mean, members:
[quadratic, linear]}`. To share it, make it a package with an entry point in `pyproject.toml`, in
the group `saysel`, that names the module with the hook (`saysel new plugin` writes one).
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

from saysel.contracts import arrays
from saysel.contracts.guard import guard
from saysel.records import (
    Cluster,
    Example,
    Generation,
    Message,
    ModelRef,
    Prediction,
    Prompt,
    Question,
    Rationale,
    Response,
)
from saysel.registry import build

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from saysel.contracts.arrays import Column, Labels

Item = TypeVar("Item")
Result = TypeVar("Result")


class NotFingerprintedMarker:
    """Marks an option that affects speed but never results."""


#: `batch_size: NotFingerprinted[int] = 32`: changing this option does not repeat any stage.
NotFingerprinted = Annotated[Item, NotFingerprintedMarker()]


class ContentHashedMarker:
    """Marks an option that the component's `digest` covers, such as the path of a file."""


#: `path: ContentHashed[Path]`: the fingerprint contains the file's content instead of its path.
ContentHashed = Annotated[Item, ContentHashedMarker()]


class Options(BaseModel):
    """A group of recipe keys: a component, a section of the recipe, or a group inside one.

    Attributes:
        renamed: old names of keys with the current ones, such as `{"explore": "temperature"}`, and
            old values as `{"mode: drawn": "sampled"}`. A recipe that uses an old name is refused
            with one line that gives the new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}


class Component(Options, ABC):
    """What all kinds share.

    Attributes:
        use: the name by which the recipe chose this component; empty if it was made in Python.
        kind: the recipe's word for the kind, set by the classes below.
        version: increase it when the same options give different results, to repeat old runs.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    use: str = Field("", description="name of the component")

    def smoke(self) -> Self:
        """The same component with as little work as possible, for rehearsals (`--smoke`)."""
        return self

    def check_installed(self) -> None:
        """Check that the packages it needs are installed; called by `saysel check` and before runs.

        Raises:
            MissingExtra: a package is missing.
        """

    def check_available(self) -> None:
        """Check before a run that everything else it needs is there: a key, a file.

        Raises:
            UsageError: something is missing.
        """

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        # Implementations only: the kinds and this class have nothing to check.
        if hasattr(cls, "kind") and "kind" not in cls.__dict__:
            guard(cls, Component)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # A field annotated with a kind, rather than with one implementation, takes its name.
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
    """Receives the progress of a component; the framework draws the bar and measures the speed."""

    def begin(self, total: int, unit: str) -> None:
        """Start work of `total` units."""

    def advance(self, units: int = 1) -> None:
        """Report that more units are done."""


# ------------------------------------------------------------------------------------- model


class Model(Component):
    """Provides a causal language model.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Model
    from saysel.records import ModelRef


    class DirectoryModel(Model):
        '''A model in a local directory.'''

        path: str = Field(description="directory of the model and its tokenizer")

        def prepare(self, source, format, directory, seed, progress):
            return ModelRef(self.path)


    @saysel.hookimpl
    def saysel_models():
        return {"directory": "sayselfile:DirectoryModel"}
    ```
    """

    kind = "model"

    #: Whether the model runs at a server, where only remote samplers can use it.
    remote: ClassVar[bool] = False

    @abstractmethod
    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        """Make the model available and return a reference to it.

        Called again after a crash with the same directory, it continues where it stopped.
        `directory / "checkpoints"` is deleted when the stage is done.

        Args:
            source: the questions, for models built from scratch.
            format: how prompts and responses are written, for the same models.
            directory: reserved for this component.
            seed: for weights and data order.
        """

    def work(self, source: Source) -> tuple[int, str]:
        """The amount of work of `prepare` and its unit, for estimates."""
        return 0, "steps"

    def needs_adapter(self) -> bool:
        """Whether only an adapter can be trained, as on a quantized model."""
        return False

    def served_name(self) -> str | None:
        """The model's name at a server; `None` if no server has it."""
        return None

    def digest(self) -> str:
        """Hash of what the model depends on beyond the options, such as the files of a directory.

        It is part of the fingerprint of the stage.
        """
        return ""


# ------------------------------------------------------------------------------------ source


class Ideal(NamedTuple):
    """The answer of an ideal observer, and the probability that it is correct."""

    answer: str
    confidence: float


class Source(Component):
    """Provides questions, by split.

    ```python
    import saysel
    from saysel.errors import NoSplit
    from saysel.interfaces import Source
    from saysel.records import Question


    class SumSource(Source):
        '''Sums of two equal numbers.'''

        def questions(self, split):
            first = {"train": 0, "dev": 200, "heldout": 300}
            if split not in first:
                raise NoSplit(f"sums: there is no split '{split}'")
            numbers = range(first[split], first[split] + 100)
            return [Question(f"sum-{k}", f"{k} + {k}?", (str(2 * k),)) for k in numbers]


    @saysel.hookimpl
    def saysel_sources():
        return {"sums": "sayselfile:SumSource"}
    ```

    Splits are `pretrain` (for models built from scratch), `train` (sampled and labelled), `rl` (for
    reinforcement learning on questions not used in fine-tuning), `dev` and `heldout`. No question
    is in two splits.
    """

    kind = "source"

    #: Whether no two splits contain paraphrases of the same question, by construction. The leak
    #: check then compares exact texts only, since questions made from templates all look similar.
    disjoint: ClassVar[bool] = False

    @abstractmethod
    def questions(self, split: str) -> Iterable[Question]:
        """The questions of a split, in a fixed order, with unique ids.

        Raises:
            NoSplit: there is no such split.
            DataError: the questions cannot be read, or a row is invalid.
        """

    def size(self, split: str) -> int | None:
        """The maximum number of questions in a split; `None` if unknown without reading them.

        `saysel check` uses it, so that it does not have to read a source on the network.
        """
        return None

    def ideal(self, question: Question) -> Ideal | None:
        """What an ideal observer would answer; `None` if the source does not know."""
        return None

    def digest(self) -> str:
        """Hash of what the questions depend on beyond the options, such as a file's content.

        It is part of the fingerprint of every stage that reads questions.
        """
        return ""


# ----------------------------------------------------------------------------------- sampler


class Sampler(Component):
    """Samples n responses to each prompt.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Sampler
    from saysel.records import Generation


    class ConstantSampler(Sampler):
        '''Returns the same response to every prompt.'''

        text: str = Field("Answer: yes Confidence: 5", description="the response")

        def sample(self, model, prompts, n, seed):
            for _ in prompts:
                yield [Generation(self.text, tokens=len(self.text.split()))] * n


    @saysel.hookimpl
    def saysel_samplers():
        return {"constant": "sayselfile:ConstantSampler"}
    ```
    """

    kind = "sampler"

    #: Whether it asks a server, which has only its models.
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
    """Groups the responses to one question by meaning.

    ```python
    import saysel
    from saysel.interfaces import Clusterer
    from saysel.records import Cluster


    class FirstLetterClusterer(Clusterer):
        '''Groups responses by the first letter of their answer.'''

        def cluster(self, question, responses):
            groups = {}
            for response in responses:
                if response.answer is not None:
                    groups.setdefault(response.answer[:1].lower(), []).append(response)
            return [
                Cluster(
                    question.id,
                    members=tuple(member.index for member in group),
                    representative=group[0],
                    share=len(group) / len(responses),
                )
                for group in sorted(groups.values(), key=len, reverse=True)
            ]


    @saysel.hookimpl
    def saysel_clusterers():
        return {"first_letter": "sayselfile:FirstLetterClusterer"}
    ```
    """

    kind = "clusterer"

    @abstractmethod
    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """Disjoint clusters of the responses that have an answer, largest first."""


# --------------------------------------------------------------------------------- rationale


class RationaleWriter(Component):
    """Writes a first-person rationale from the clusters of a question's responses.

    ```python
    import saysel
    from saysel.interfaces import RationaleWriter
    from saysel.records import Rationale


    class ListRationaleWriter(RationaleWriter):
        '''Lists the answers with their shares.'''

        def write(self, items):
            return [self._rationale(question, clusters) for question, clusters in items]

        def _rationale(self, question, clusters):
            shares = [f"{one.representative.answer} ({one.share:.0%})" for one in clusters]
            if not shares:
                return None
            return Rationale(question.id, f"I would say {', '.join(shares)}.")


    @saysel.hookimpl
    def saysel_rationales():
        return {"list": "sayselfile:ListRationaleWriter"}
    ```
    """

    kind = "rationale"

    @abstractmethod
    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        """One rationale per item; `None` where none could be written, which is counted.

        An empty text is a valid rationale: the response to learn then has no rationale.
        """

    def responses_shown(self, n: int) -> int:
        """The maximum number of a question's n responses in a prompt, for estimates."""
        return n


# ------------------------------------------------------------------------------------ target


class Target(Component):
    """Chooses the response to learn from a question's clusters, and the confidence to state.

    ```python
    import saysel
    from saysel.interfaces import Target


    class LargestTarget(Target):
        '''Learn the most frequent answer, with its share as the confidence.'''

        def target(self, question, clusters, correct):
            if not clusters:
                return None
            return clusters[0].representative, clusters[0].share


    @saysel.hookimpl
    def saysel_targets():
        return {"largest": "sayselfile:LargestTarget"}
    ```
    """

    kind = "target"

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        """A copy fitted to all questions, if a confidence depends on other questions too.

        Called once before `target`. It is deterministic.

        Args:
            items: the arguments of all later calls of `target`.
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
    """The parts of a response that a format could read; `None` for the others."""

    answer: str | None
    rationale: str | None
    confidence: float | None


class Format(Component):
    """Writes and reads responses: reasoning, answer, rationale and confidence.

    ```python
    import saysel
    from saysel.interfaces import Format, Parsed

    INSTRUCTION = "Give an answer, a rationale, and your confidence from 0 to 10."


    class LinesFormat(Format):
        '''Answer, rationale and confidence on a line each.'''

        confidence_marker = "\\nConfidence: "
        confidences = {str(k): k / 10 for k in range(11)}

        def prompt(self, question):
            return [{"role": "user", "content": f"{question.prompt}\\n{INSTRUCTION}"}]

        def render(self, answer, rationale, confidence, reasoning=""):
            lines = [reasoning] if reasoning else []
            lines.append(f"Answer: {answer}")
            if rationale is not None:
                lines.append(f"Rationale: {rationale}")
            if confidence is not None:
                lines.append(f"Confidence: {int(10 * confidence + 0.5)}")
            return "\\n".join(lines)

        def parse(self, text, cut=False):
            _, found, rest = text.rpartition("Answer: ")
            rest, stated, number = rest.partition(self.confidence_marker)
            answer, _, rationale = rest.partition("\\nRationale: ")
            if not found or (cut and not stated):
                return Parsed(None, None, None)
            confidence = None if cut else self.confidences.get(number)
            return Parsed(answer or None, rationale or None, confidence)

        def reasoning(self, text):
            return text.rpartition("Answer: ")[0].strip()


    @saysel.hookimpl
    def saysel_formats():
        return {"lines": "sayselfile:LinesFormat"}
    ```
    """

    kind = "format"

    #: The text directly before the confidence; PPO's `confidence` mask starts after it.
    confidence_marker: ClassVar[str]
    #: Every text that may follow the marker, up to the end of the response, and its confidence.
    confidences: ClassVar[Mapping[str, float]]

    @abstractmethod
    def prompt(self, question: Question) -> list[Message]:
        """The chat that asks the question."""

    @abstractmethod
    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        """A response; parts that are `None` are left out."""

    @abstractmethod
    def parse(self, text: str, cut: bool = False) -> Parsed:
        """The parts of any text; never raises.

        Args:
            cut: whether the response ended at the token limit. Its last part may be incomplete and
                is `None`: a response cut inside "10" does not state 1.
        """

    @abstractmethod
    def reasoning(self, text: str) -> str:
        """The text before the answer in a response; empty if there is none."""


# ------------------------------------------------------------------------------------- judge


class Judge(Component):
    """Compares parsed answers with the accepted ones.

    ```python
    import saysel
    from saysel.interfaces import Judge


    class EqualJudge(Judge):
        '''Correct if the answer equals an accepted one, ignoring case.'''

        def judge(self, items):
            return [
                float(answer.lower() in [accepted.lower() for accepted in question.answers])
                for question, answer in items
            ]


    @saysel.hookimpl
    def saysel_judges():
        return {"equal": "sayselfile:EqualJudge"}
    ```
    """

    kind = "judge"

    @abstractmethod
    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        """The correctness of each answer in [0, 1]; `None`: it could not be judged."""

    def judge_answers(self, items: Sequence[tuple[Question, str | None]]) -> list[float | None]:
        """The correctness of answers that may be missing; what the framework calls.

        An answer that is missing or blank is wrong (0.0), and `judge` does not see it.
        """
        given = [
            (question, answer)
            for question, answer in items
            if answer is not None and answer.strip()
        ]
        judged = iter(self.judge(given) if given else [])
        return [
            next(judged) if answer is not None and answer.strip() else 0.0 for _, answer in items
        ]


# ------------------------------------------------------------------------------------ reward


class RewardFn(Component):
    """Rewards a response for its correctness and its stated confidence.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import RewardFn


    class SquaredReward(RewardFn):
        '''1 minus the squared error of the confidence.'''

        unreadable: float = Field(-1.0, lt=0, description="reward without a confidence")

        def reward(self, correct, confidence):
            return [
                self.unreadable if c is None else 1 - (y - c) ** 2
                for y, c in zip(correct, confidence, strict=True)
            ]


    @saysel.hookimpl
    def saysel_rewards():
        return {"squared": "sayselfile:SquaredReward"}
    ```
    """

    kind = "reward"

    @abstractmethod
    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        """One finite number per response.

        Args:
            correct: of each response, in [0, 1].
            confidence: in [0, 1]; `None` where it could not be parsed. Such a response should get
                a negative reward, because `ppo` uses rewards without a baseline.
        """


# ----------------------------------------------------------------------------------- trainer


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
        """The examples of the target stage."""

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

    def max_judge_calls(self, questions: int, samples: int) -> int:
        """The maximum number of answers it has judged, for estimates: a judge may cost money.

        Args:
            questions: number of questions in its `splits`.
            samples: responses per question in the sample stage.
        """
        return 0


# --------------------------------------------------------------------------------- estimator


@dataclass(frozen=True)
class EstimationContext:
    """What an estimator can use.

    Attributes:
        sampler, format, clusterer, judge: the recipe's components.
        temperature: for decoding one answer.
        seed: for sampling.
        questions: returns the questions of a split; only of those in `splits`.
    """

    sampler: Sampler
    format: Format
    clusterer: Clusterer
    judge: Judge
    temperature: float
    seed: int
    questions: Callable[[str], Sequence[Question]]


class Estimator(Component):
    """Obtains an answer and a confidence for each question from a model.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Estimator
    from saysel.records import Prediction


    class ConstantEstimator(Estimator):
        '''Samples one answer and gives every answer the same confidence.'''

        confidence: float = Field(0.5, ge=0, le=1, description="the confidence")

        def estimate(self, model, questions, context):
            prompts = [context.format.prompt(question) for question in questions]
            samples = context.sampler.sample(model, prompts, 1, context.seed)
            for question, (reply,) in zip(questions, samples, strict=True):
                answer, rationale, _ = context.format.parse(reply.text, cut=reply.cut)
                yield Prediction(question.id, reply.text, answer, rationale, self.confidence)


    @saysel.hookimpl
    def saysel_estimators():
        return {"constant": "sayselfile:ConstantEstimator"}
    ```
    """

    kind = "estimator"

    models: tuple[str, ...] | None = Field(
        None, description="models to evaluate this way: base, sft, ppo …; null: all of them"
    )

    def replies(self) -> int:
        """How many responses it samples per question."""
        return 1

    def splits(self) -> tuple[str, ...]:
        """The splits that it is fitted on; never the split that it is evaluated on."""
        return ()

    def needs_logprobs(self) -> bool:
        """Whether it needs a sampler that gives log-probabilities."""
        return False

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """A copy fitted on the questions of `splits`, if there are any.

        Called once before `estimate`, which may be called for several parts of the questions. It
        is deterministic.
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
        """The rows with the given indices, which may repeat."""
        tokens = None if self.tokens is None else self.tokens[rows]
        cluster = None if self.cluster is None else self.cluster[rows]
        return PredictionArrays(self.correct[rows], self.confidence[rows], tokens, cluster)

    def stated(self) -> PredictionArrays:
        """The rows that have a confidence."""
        import numpy as np

        return self.take(np.flatnonzero(~np.isnan(self.confidence)))


class Metric(Component):
    """Computes a number from predictions; the framework computes its interval.

    ```python
    import math

    import saysel
    from saysel.interfaces import Metric


    class MeanConfidence(Metric):
        '''Mean of the stated confidences.'''

        better = "neither"

        def compute(self, predictions):
            stated = predictions.stated().confidence
            return float(stated.mean()) if len(stated) else math.nan


    @saysel.hookimpl
    def saysel_metrics():
        return {"mean_confidence": "sayselfile:MeanConfidence"}
    ```
    """

    kind = "metric"

    #: Which direction is better; `neither` for descriptive numbers.
    better: ClassVar[Literal["higher", "lower", "neither"]]

    #: Whether the value is a count, shown without decimals.
    counts: ClassVar[bool] = False

    #: For a metric that is never below 0: the forecaster whose true value is 0, either one that is
    #: perfectly calibrated, or one whose confidence is independent of correctness. Sampling noise
    #: then only increases the value, and the interval accounts for that.
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = None

    #: Whether the value depends on confidences. If so, `saysel compare` uses the questions for
    #: which both methods state one.
    uses_confidence: ClassVar[bool] = True

    @abstractmethod
    def compute(self, predictions: PredictionArrays) -> float:
        """The value; NaN where it is undefined. The docstring says how NaN input is treated."""

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The values on R bootstrap resamples, as an array of length R.

        Override it where thousands of calls of `compute` take too long.

        Args:
            predictions: n rows.
            weights: [R, n], integers: how often each row was drawn.
        """
        import numpy as np

        rows = np.arange(len(predictions))
        return np.array(
            [self.compute(predictions.take(np.repeat(rows, w))) for w in weights.astype(np.intp)]
        )


# ------------------------------------------------------------------------------------ engine


class Engine(Component):
    """Runs a stage's shards.

    ```python
    from concurrent.futures import ThreadPoolExecutor

    import saysel
    from pydantic import Field
    from saysel.interfaces import Engine, NotFingerprinted


    class ThreadEngine(Engine):
        '''Runs shards in threads.'''

        workers: NotFingerprinted[int] = Field(4, ge=1, description="number of threads")

        def map(self, function, shards):
            with ThreadPoolExecutor(self.workers) as pool:
                yield from pool.map(function, shards)


    @saysel.hookimpl
    def saysel_engines():
        return {"threads": "sayselfile:ThreadEngine"}
    ```
    """

    kind = "engine"

    @abstractmethod
    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        """The function's result for every shard, in the order of the shards, as they finish."""


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

__all__ = [
    "KINDS",
    "Clusterer",
    "Component",
    "ContentHashed",
    "Engine",
    "EstimationContext",
    "Estimator",
    "Format",
    "Ideal",
    "Item",
    "Judge",
    "Metric",
    "Model",
    "NotFingerprinted",
    "Options",
    "Parsed",
    "PredictionArrays",
    "Progress",
    "Prompt",
    "RationaleWriter",
    "Result",
    "RewardFn",
    "Sampler",
    "Source",
    "Target",
    "Trainer",
    "TrainingData",
]
