from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from saysel.engines.local import LocalEngine
from saysel.interfaces import Engine
from saysel.prompting.llm import ask
from saysel.recipes.recipe import Recipe
from saysel.records import Message, ModelRef, Question, Rationale, Response
from saysel.runs.progress import StageProgress
from saysel.runs.run import run
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.transformers import TransformersSampler
from saysel.seeds import seed_of
from saysel.stages.shards import (
    Layout,
    ShardWork,
    Tick,
    batches,
    by_question,
    map_shards,
    shard_seed,
)
from saysel.storage import Shards
from tests.support.end_to_end import results
from tests.support.pickling_engine import MAPPED, PicklingEngine
from tests.support.scripted_sampler import scripted_sampler


def responses(questions: int, n: int = 20) -> Iterator[Response]:
    for q in range(questions):
        for i in range(n):
            yield Response(f"q{q}", i, f"Answer {i} to question {q}. " * 20, f"a{i}", 20)


def peak(questions: int) -> int:
    """Bytes at most while all responses are read in shards of 50 questions."""
    asked = [Question(f"q{q}", f"Question {q}?", ("a",)) for q in range(questions)]
    tracemalloc.start()
    read = sum(len(part) for part in batches(by_question(asked, responses(questions)), 50))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == questions
    return most


def test_memory_does_not_grow_with_the_number_of_responses():
    """Ten times as many: what grows is the index of the questions, far below their responses."""
    assert peak(2_000) < 1.3 * peak(200)


def test_batches_hold_everything_once_and_in_order():
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []


def test_questions_without_records_are_left_out():
    asked = [Question(f"q{q}", "", ("a",)) for q in range(3)]
    grouped = list(by_question(asked, [*responses(1, 2), Response("q2", 0, "", None, 0)]))
    assert [(question.id, len(members)) for question, members in grouped] == [("q0", 2), ("q2", 1)]


# ------------------------------------------------------------------------------- shards, engines


def double(number: int, items: Sequence[Question], tick: Tick) -> list[Rationale]:
    """Writes each question's id twice."""
    rationales = []
    for question in items:
        rationales.append(Rationale(question.id, question.id * 2))
        tick(1)
    return rationales


def in_one_batch(number: int, items: Sequence[Question], tick: Tick) -> list[Rationale]:
    """The same, without saying how far it is."""
    return double(number, items, lambda items: None)


def by_a_model(number: int, items: Sequence[Question], tick: Tick) -> list[Rationale]:
    """Asks a model three times about each item, in one batch."""
    prompts = [[Message(role="user", content=item.id)] for item in items for _ in range(3)]
    sampler = scripted_sampler(["fine"] * len(prompts))
    ask(sampler, ModelRef("any"), prompts, lambda reply: reply, retries=0, seed=0)
    return in_one_batch(number, items, tick)


@dataclass(frozen=True)
class Samples:
    """Samples ten replies to each item in one batch, and reports items only at its end."""

    model: ModelRef

    def __call__(self, number: int, items: Sequence[Question], tick: Tick) -> list[Rationale]:
        prompts = [[Message(role="user", content=item.id)] for item in items]
        sampler = TransformersSampler(use="transformers", max_tokens=8)
        assert len(list(sampler.sample(self.model, prompts, 10, number))) == len(items)
        return double(number, items, tick)


class Watched(StageProgress):
    """Records what was done after each advance."""

    def __init__(self) -> None:
        super().__init__("watched")
        self.seen: list[int] = []

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        self.seen.append(self.done)


def mapped(
    directory: Path, work: ShardWork, engine: Engine, count: int = 5
) -> tuple[Watched, Shards]:
    asked = [Question(f"q{q}", "", ("a",)) for q in range(count)]
    stored, progress = Shards(directory, Rationale), Watched()
    layout = Layout(size=2, total=count, unit="replies", units=10)
    assert map_shards(work, iter(asked), layout, stored, engine=engine, progress=progress) == count
    return progress, stored


def test_progress_moves_while_a_batch_of_replies_is_generated(
    small_model: ModelRef, tmp_path: Path
) -> None:
    progress, _ = mapped(tmp_path, Samples(small_model), LocalEngine())

    in_first_batch = [done for done in progress.seen if done < 20]
    assert len(in_first_batch) >= 4
    assert progress.seen == sorted(set(progress.seen)) and progress.done == 50


@pytest.mark.parametrize("engine", [LocalEngine(), PicklingEngine()])
def test_shards_are_stored_in_order_by_any_engine(engine: Engine, tmp_path: Path) -> None:
    progress, stored = mapped(tmp_path, double, engine)

    assert [rationale.text for rationale in stored] == ["q0q0", "q1q1", "q2q2", "q3q3", "q4q4"]
    assert [len(list(stored.read(number))) for number in range(3)] == [2, 2, 1]
    assert (progress.total, progress.done, progress.unit) == (50, 50, "replies")


def test_progress_moves_item_by_item_in_this_process_and_shard_by_shard_in_others(
    tmp_path: Path,
) -> None:
    assert mapped(tmp_path / "a", double, LocalEngine())[0].seen == [10, 20, 30, 40, 50]
    for directory, work, engine in (
        ("b", in_one_batch, LocalEngine()),
        ("c", double, PicklingEngine()),
    ):
        assert mapped(tmp_path / directory, work, engine)[0].seen == [20, 40, 50]


def test_progress_moves_while_a_model_answers_a_batch(tmp_path: Path) -> None:
    progress, _ = mapped(tmp_path, by_a_model, LocalEngine())

    assert progress.seen == [10, 20, 30, 40, 50]


def test_only_missing_shards_are_done_again_and_others_are_deleted(tmp_path: Path) -> None:
    _, stored = mapped(tmp_path, double, LocalEngine())
    stored.path(1).write_bytes(b"damaged")
    stored.write(7, [Rationale("q7", "of another attempt")])

    progress, _ = mapped(tmp_path, in_one_batch, PicklingEngine())

    assert (progress.total, progress.seen) == (20, [20])
    assert [rationale.question_id for rationale in stored] == ["q0", "q1", "q2", "q3", "q4"]


def test_the_responses_of_servers_do_not_depend_on_the_shard() -> None:
    local, remote = TransformersSampler(), OpenAISampler(model="m", base_url="http://localhost")

    assert shard_seed(local, "sample", 0, 1) == seed_of("sample", 0, 1)
    assert shard_seed(local, "sample", 0, 1) != shard_seed(local, "sample", 0, 2)
    assert shard_seed(remote, "sample", 0, 1) == shard_seed(remote, "sample", 0, 2)


@pytest.mark.usefixtures("small_parts")
def test_every_stage_sends_its_shards_through_the_engine(tmp_path: Path) -> None:
    content = {
        "name": "mine",
        "model": "small",
        "source": {"use": "small", "train": 5},
        "sample": {"use": "small", "n": 3},
        "leaks": "allow",
        "evaluate": {
            "estimators": ["small"],
            "faithfulness": {"n": 2, "grader": {"model": "small", "sampler": "small"}},
        },
    }
    local = Recipe.model_validate(content)
    elsewhere = local.model_copy(update={"engine": PicklingEngine()})
    MAPPED.clear()
    for recipe, directory in ((local, tmp_path / "local"), (elsewhere, tmp_path / "elsewhere")):
        run(recipe, directory, until="target")
        run(recipe, directory)

    assert [work for work, _ in MAPPED] == [
        *("SampleShard", "ClusterShard", "RationaleShard", "JudgeShard"),
        *("FitEstimator", "AskShard", "JudgeShard", "ReflectShard", "GradeShard"),
    ]
    assert results(tmp_path / "elsewhere") == results(tmp_path / "local")
