"""Every built-in component passes the check of its kind, and each check detects violations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, PrivateAttr

from saysel import registry, testing
from saysel.errors import ContractError
from saysel.interfaces import (
    KINDS,
    BatchReward,
    Clusterer,
    Component,
    Engine,
    Estimator,
    Format,
    Judge,
    JudgedReply,
    Metric,
    Model,
    Parsed,
    PredictionArrays,
    RationaleWriter,
    RewardFn,
    Sampler,
    SegmentRewards,
    Source,
    Target,
    Trainer,
)
from saysel.records import (
    Cluster,
    Generation,
    Message,
    ModelRef,
    Prediction,
    Question,
    Rationale,
    Response,
)
from saysel.registry import build, builtins

#: Options for built-ins that do not work, or take long, without any.
OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("model", "scratch"): {"layers": 1, "width": 16, "heads": 2, "vocabulary": 300, "max_steps": 1},
    ("source", "witness"): {"pretrain": 50, "train": 50, "dev": 20, "heldout": 20},
    ("sampler", "transformers"): {"max_tokens": 8},
    # The model that is asked knows nothing: every reply is unusable.
    ("rationale", "llm"): {"sampler": {"use": "transformers", "max_tokens": 8}, "max_missing": 1},
    ("judge", "llm"): {"sampler": {"use": "transformers", "max_tokens": 8}, "max_missing": 1},
    ("trainer", "sft"): {"max_steps": 1, "batch_size": 4},
    ("trainer", "grpo"): {"steps": 1, "batch_size": 4, "replies": 2, "max_tokens": 8},
    ("trainer", "ppo"): {"steps": 1, "batch_size": 4, "max_tokens": 8},
    ("estimator", "answer_or_abstain"): {"estimator": "verbalized", "risk": 0.5},
    ("estimator", "dinco"): {"n": 3},
    ("estimator", "p_true"): {"ideas": 2},
    ("estimator", "probe"): {"target": "entropy", "token": "answer", "samples": 3},
    ("estimator", "recalibrated"): {"estimator": {"use": "self_consistency", "n": 2}},
    ("estimator", "self_consistency"): {"n": 3},
    ("estimator", "semantic_entropy"): {"n": 3, "weight": "likelihood"},
    ("estimator", "verbalized_consistency"): {"n": 3},
}
BUILT_IN = [(row.kind, row.name) for row in registry.installed() if row.distribution == "saysel"]
#: Checked in `tests/samplers`, with the servers or in the environment that they need.
SERVED = {("sampler", "anthropic"), ("sampler", "openai"), ("sampler", "vllm")}
FACTS = [(f"What is {n} + {n}?", str(2 * n)) for n in range(60)]
#: What the sources that read files are given to read.
FILES = {
    "csv": "question,answer\n" + "".join(f"{asked},{answer}\n" for asked, answer in FACTS),
    "jsonl": "\n".join(json.dumps({"question": q, "answer": a}) for q, a in FACTS),
    "pararel": json.dumps(
        [{"question": q, "answer": a, "negative_answer": "0/1"} for q, a in FACTS]
    ),
    **{
        name: json.dumps([{"question": q, key: a, **more} for q, a in FACTS])
        for name, key, more in (
            ("gsm8k", "answer", {}),
            ("halueval", "right_answer", {"hallucinated_answer": "0"}),
            ("hotpotqa", "answer", {}),
            ("triviaqa", "answers", {}),
            ("truthfulqa", "answer", {}),
        )
    },
    "abstention_bench": json.dumps(
        [{"question": q, "reference_answers": [a], "should_abstain": False} for q, a in FACTS]
    ),
    "multiple_choice": json.dumps(
        [{"question": q, "options": ["none", a], "answer": "B"} for q, a in FACTS]
    ),
    "simpleqa": json.dumps([{"problem": q, "answer": a} for q, a in FACTS]),
    **{
        name: json.dumps([{"question": q, "answer": "true"} for q, _ in FACTS])
        for name in ("fever", "strategyqa")
    },
}


def check(component: Component, model: ModelRef, directory: Path) -> None:
    """Run the check of the component's kind."""
    extra: dict[str, tuple[Any, ...]] = {
        "model": (directory,),
        "sampler": (model,),
        "estimator": (model,),
        "trainer": (model, directory),
    }
    getattr(testing, f"check_{component.kind}")(component, *extra.get(component.kind, ()))


@pytest.mark.parametrize(("kind", "name"), [one for one in BUILT_IN if one not in SERVED])
def test_every_built_in_component_passes(
    kind: str, name: str, small_model: ModelRef, minilm: str, tmp_path: Path
) -> None:
    options = OPTIONS.get((kind, name), {})
    if (kind, name) == ("model", "pretrained"):
        options = {"path": small_model.path}
    if (kind, name) == ("model", "remote"):
        options = {"name": small_model.path}
    if kind == "clusterer" and name in ("agglomerative", "embedding"):
        options = {"model": minilm, "instruction": ""}
    if name == "llm":
        options = {**options, "model": small_model.path}
    if kind == "source" and name in FILES:
        (tmp_path / "file").write_text(FILES[name])
        options = {"path": str(tmp_path / "file")}
    if (kind, name) == ("source", "hub"):
        for split in ("train", "test"):
            (tmp_path / f"{split}.jsonl").write_text(FILES["jsonl"].replace("What", split))
        options = {"repository": str(tmp_path)}
    check(build(kind, {"use": name, **options}), small_model, tmp_path)


def test_every_kind_and_every_built_in_component_is_covered() -> None:
    for kind in KINDS:
        assert hasattr(testing, f"check_{kind}")
    assert {kind for kind, _ in BUILT_IN} == set(KINDS)
    announced = [f"saysel_{kind}s" for kind in KINDS]
    hooks = {hook for hook in vars(builtins) if hook.startswith("saysel_")}
    assert hooks == {*announced, "saysel_recipes", "saysel_renamed"}
    assert len(KINDS) == 13
    assert len(BUILT_IN) == sum(len(getattr(builtins, hook)()) for hook in announced)
    assert set(OPTIONS) <= set(BUILT_IN)


# ------------------------------------------------------- components that break their contract


class Wrong(Component):
    """A component with one violation; `message` is part of what the check reports."""

    message: ClassVar[str]


class OtherModelEachTime(Model, Wrong):
    """Prepares a different model each time."""

    message = "prepare called again returned"
    path: str = Field("", description="where a model lies")

    def prepare(self, source: Any, format: Any, directory: Path, *_: Any) -> ModelRef:
        marks = len(list(directory.iterdir()))
        (directory / str(marks)).touch()
        return ModelRef(self.path, dtype=("auto", "float32")[marks])


class SameInAllSplits(Source, Wrong):
    """Has the same question in all of its splits."""

    message = "in both 'train' and 'dev'"

    def questions(self, split: str) -> list[Question]:
        return [testing.question()]


class AnySplit(Source, Wrong):
    """Returns questions for unknown splits."""

    message = "an unknown split must raise NoSplit"

    def questions(self, split: str) -> list[Question]:
        return [testing.question(prompt=split)]


class OneSample(Sampler, Wrong):
    """Returns one sample for every n."""

    message = "must return a list of 2 Generations for each of 3 prompts"

    def sample(self, model: ModelRef, prompts: Any, n: int, seed: int) -> Iterator[Any]:
        return iter([[Generation("…", 1)] for _ in prompts])


class AllInOne(Clusterer, Wrong):
    """Puts all responses into one cluster, including those without an answer."""

    message = "must return a list of Clusters, largest first, whose members are indices of respo"

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        members = tuple(response.index for response in responses)
        return [Cluster(question.id, members, responses[0], 1.0)] if responses else []


class SmallestFirst(Clusterer, Wrong):
    """Starts with the smallest cluster."""

    message = "must return a list of Clusters, largest first"

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        return build("clusterer", "exact").cluster(question, responses)[::-1]


class LosesItems(RationaleWriter, Wrong):
    """Skips items for which it has no rationale."""

    message = "returned 2 for 3; it must return one Rationale or None for each question"

    def write(self, items: Sequence[tuple[Question, Any]]) -> list[Rationale | None]:
        return [Rationale(question.id, "…") for question, clusters in items if clusters]


class Percent(Target, Wrong):
    """Returns percentages as confidences."""

    message = "must return a Response to the question and a confidence from 0 to 1"

    def target(self, question: Question, clusters: Any, correct: Any) -> Any:
        return (clusters[0].representative, 100 * clusters[0].share) if clusters else None


class FitsItself(Target, Wrong):
    """Returns a higher confidence each time it is fitted."""

    message = "fitted again on the same questions, it gives something other"
    _fits: int = PrivateAttr(0)

    def fit(self, items: Any) -> Any:
        fitted = self.model_copy()
        self._fits += 1
        fitted._fits = self._fits
        return fitted

    def target(self, question: Question, clusters: Any, correct: Any) -> Any:
        return (clusters[0].representative, 1 - 1 / (1 + self._fits)) if clusters else None


class ReadsTenthsAsTheyAre(Format, Wrong):
    """Writes tenths and parses them as whole numbers."""

    message = "confidence 0.1 in .* is parsed as 1.0"
    confidence_marker: ClassVar[str] = "Confidence:"
    confidences: ClassVar[dict[str, float]] = {}

    def prompt(self, question: Question) -> list[Message]:
        return build("format", "sayself").prompt(question)

    def render(self, *parts: Any, **options: Any) -> str:
        return build("format", "sayself").render(*parts, **options)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        parsed = build("format", "sayself").parse(text, cut)
        confidence = parsed.confidence
        return parsed._replace(confidence=confidence and 10 * confidence)

    def reasoning(self, text: str) -> str:
        return build("format", "sayself").reasoning(text)


class ReadsCutNumbers(type(build("format", "sayself")), Wrong):  # type: ignore[misc]
    """Parses the beginning of a number as the number."""

    message = "which ended at the token limit, gives confidence 0.1 instead of None"

    def parse(self, text: str, cut: bool = False) -> Parsed:
        return super().parse(text)


class Mentioned(Judge, Wrong):
    """Accepts a mention of the answer."""

    message = "a wrong answer is judged correct"

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [1.0 for _ in items]


class ReadsEverything(Judge, Wrong):
    """Searches for the accepted answer anywhere, like the paper's code."""

    message = "although it only mentions the accepted answer"

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [float(question.answers[0] in answer) for question, answer in items]


class Indifferent(RewardFn, Wrong):
    """Gives every response the same reward."""

    message = "certain and correct gets 1.0, not more than certain and wrong"

    def reward(self, correct: Sequence[float], confidence: Any) -> list[float]:
        return [1.0 for _ in correct]


class Forgets(BatchReward, Wrong):
    """Rewards unreadable confidences like others."""

    message = "an unreadable confidence must get a negative reward: 0.0"

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        return [SegmentRewards(answer=reply.correct) for reply in replies]


class Contradicts(BatchReward, Wrong):
    """Gives all confidences a reward that does not depend on the batch."""

    message = "confidence_rewards gives the stated confidence 0.5, and rewards gives it 0.2"

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        return [SegmentRewards(confidence=0.2 if one.confidence else -1.0) for one in replies]

    def confidence_rewards(self, replies: Any, choices: Any) -> list[list[float]]:
        return [[0.5 for _ in choices] for _ in replies]


class Generous(RewardFn, Wrong):
    """Gives unreadable confidences the highest reward."""

    message = "an unreadable confidence gets as much as any"

    def reward(self, correct: Sequence[float], confidence: Any) -> list[float]:
        return [2.0 if c is None else y * c for y, c in zip(correct, confidence, strict=True)]


class Silent(Trainer, Wrong):
    """Announces ten steps and reports none."""

    message = "reported 0 steps of 10"

    def train(self, model: ModelRef, data: Any, directory: Path) -> ModelRef:
        data.progress.begin(10, "steps")
        return model

    def work(self, examples: int) -> tuple[int, str]:
        return 10, "steps"


class JudgesItself(Estimator, Wrong):
    """Judges its own predictions."""

    message = "an estimator must not judge its own predictions"

    def estimate(self, model: ModelRef, questions: Any, context: Any) -> Iterator[Prediction]:
        for question in questions:
            yield Prediction(question.id, "…", "Paris", None, 1.0, correct=1.0)


class LearnsFromTraining(Estimator, Wrong):
    """Is fitted on the training split."""

    message = "an estimator must not be fitted on the training split"

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def estimate(self, model: ModelRef, questions: Any, context: Any) -> Iterator[Prediction]:
        for question in questions:
            yield Prediction(question.id, "…", "Paris", None, 1.0)


class TooLikely(Sampler, Wrong):
    """Returns log-probabilities above 0."""

    message = "must return a list of log-probabilities, numbers of at most 0"

    def sample(
        self, model: ModelRef, prompts: Any, n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for _ in prompts:
            yield [Generation("…", 1)] * n

    def gives_logprobs(self) -> bool:
        return True

    def logprobs(self, model: ModelRef, prompts: Any, completions: Any) -> list[list[float]]:
        return [[1.0] * len(completion.split()) for completion in completions]


class FirstOnly(Metric, Wrong):
    """Depends on the order of the predictions."""

    message = "the same predictions in another order"
    better: ClassVar[Literal["higher"]] = "higher"

    def compute(self, predictions: PredictionArrays) -> float:
        return sum(row * float(y) for row, y in enumerate(predictions.correct))


class Swallows(Engine, Wrong):
    """Drops the shards that fail."""

    message = "returned 1 results for 2 shards"

    def map(self, function: Callable[[Any], Any], shards: Any) -> Iterator[Any]:
        for shard in shards:
            try:
                yield function(shard)
            except ValueError:
                continue


WRONG = [
    cls for cls in list(globals().values()) if isinstance(cls, type) and Wrong in cls.__bases__
]


@pytest.mark.parametrize("cls", WRONG, ids=lambda cls: cls.__name__)
def test_each_check_detects_a_violation(
    cls: type[Wrong], small_model: ModelRef, tmp_path: Path
) -> None:
    options = {"path": small_model.path} if cls is OtherModelEachTime else {}
    with pytest.raises((AssertionError, ContractError), match=cls.message):
        check(cls(**options), small_model, tmp_path)


def test_every_kind_has_a_violation() -> None:
    assert {cls.kind for cls in WRONG} == set(KINDS)


def test_options_need_a_description() -> None:
    class Undescribed(LinearLike):
        """Has an option without a description."""

        scale: float = 1.0

    with pytest.raises(AssertionError, match="options without a description: scale"):
        testing.check_reward(Undescribed())


class LinearLike(RewardFn):
    """A valid reward."""

    def reward(self, correct: Sequence[float], confidence: Any) -> list[float]:
        return [
            -1.0 if c is None else (2 * y - 1) * c for y, c in zip(correct, confidence, strict=True)
        ]


def test_the_builders_of_records() -> None:
    found = testing.clusters({"Paris": 6, "Rome": 3, "Oslo": 1})

    assert [cluster.share for cluster in found] == [0.6, 0.3, 0.1]
    drawn = testing.responses("Paris", None)
    assert [response.answer for response in drawn] == ["Paris", None]
    testing.check_clusterer(build("clusterer", "exact"))
