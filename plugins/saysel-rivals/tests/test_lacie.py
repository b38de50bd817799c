from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.errors import StageError
from saysel.formats.percent import PercentFormat
from saysel.formats.sayself import SaySelfFormat
from saysel.formats.tags import TagsFormat
from saysel.interfaces import Format
from saysel.records import ModelRef, Response
from saysel.testing import Data, Steps, check_trainer, small_model
from saysel_rivals.lacie.dpo import dpo_config
from saysel_rivals.lacie.pairs import Candidate, preferences, restated
from saysel_rivals.lacie.trainer import DPOTrainer

FULL = {"lora": None, "learning_rate": 1e-3}
ADAPTER = {"lora": {"r": 8, "alpha": 16, "dropout": 0}, "learning_rate": 1e-2}


@pytest.fixture
def sampled(two_arms: Data) -> Data:
    """To every question, a confident and an unsure reply, and two unusable ones."""
    texts = ["Answer: red Confidence: 9", "Answer: red Confidence: 2", "red", "Answer: red"]
    drawn = [
        Response(question.id, index, text, None, 5)
        for question in two_arms.all_questions
        for index, text in enumerate(texts)
    ]
    return replace(two_arms, all_responses=drawn)


def test_pairs_follow_the_table(sampled: Data) -> None:
    trainer = DPOTrainer(restate=False)

    pairs = trainer._make_pairs(sampled, sampled.all_responses)

    assert len(pairs) == 32
    for pair in pairs:
        sure, unsure = "Answer: red Confidence: 9", "Answer: red Confidence: 2"
        right = pair.question.id.startswith("sun")
        assert (pair.chosen, pair.rejected) == ((sure, unsure) if right else (unsure, sure))


def test_scores_are_those_of_the_paper(two_arms: Data) -> None:
    # blue is right about the moon, red is wrong.
    texts = [f"Answer: {answer} Confidence: {k}" for answer in ("blue", "red") for k in (9, 2)]
    drawn = [Response("moon3", index, text, None, 5) for index, text in enumerate(texts)]

    pairs = DPOTrainer(restate=False, pairs=99)._make_pairs(two_arms, drawn)

    # In the order of their scores: 1, -.5, -1, 1.
    expected = {(0, 1), (0, 2), (1, 2), (3, 1), (3, 2)}
    assert {(texts.index(p.chosen), texts.index(p.rejected)) for p in pairs} == expected


def test_a_model_that_never_doubts_gets_restated_replies(two_arms: Data) -> None:
    drawn = [
        Response(question.id, index, f"Answer: red Confidence: {k}", None, 5)
        for question in two_arms.all_questions
        for index, k in enumerate((8, 9, 10))
    ]

    assert DPOTrainer(restate=False)._make_pairs(two_arms, drawn) == []
    pairs = DPOTrainer()._make_pairs(two_arms, drawn)

    assert len(pairs) == 4 * 32
    for pair in pairs:
        better, worse = (
            two_arms.format.parse(text).confidence for text in (pair.chosen, pair.rejected)
        )
        assert better is not None and worse is not None
        assert (better > 0.5 > worse) if pair.question.id.startswith("sun") else better < 0.5
    assert pairs == DPOTrainer()._make_pairs(two_arms, drawn)
    assert pairs != DPOTrainer()._make_pairs(replace(two_arms, seed=4), drawn)


@pytest.mark.parametrize("format", [SaySelfFormat(), PercentFormat(), TagsFormat()])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_restated_reply_differs_only_in_its_confidence(format: Format, accepted: bool) -> None:
    text = format.render("Paris", "I know it.", 0.6, "It is a capital.")
    rng = random.Random(0)

    others = {restated(text, format, 0.5, accepted, rng) for _ in range(200)}

    assert len(others) > 3
    for other in others:
        assert other is not None
        parsed = format.parse(other)
        assert parsed[:2] == format.parse(text)[:2] and parsed.confidence is not None
        assert (parsed.confidence >= 0.5) == accepted
        marker = format.confidence_marker
        assert other.partition(marker)[0] == text.partition(marker)[0]


def test_a_restated_reply_ends_with_the_confidence_in_its_own_answer() -> None:
    """The model had continued with another question."""
    text = "Answer: Paris Confidence: 9\n\nQuestion: Spain?\nAnswer: Madrid Confidence: 2"

    other = restated(text, SaySelfFormat(), 0.5, False, random.Random(0))

    assert other is not None and other.startswith("Answer: Paris Confidence: ")
    assert "Madrid" not in other
    confidence = SaySelfFormat().parse(other).confidence
    assert confidence is not None and confidence < 0.5


def test_a_confidence_in_other_words_is_not_restated() -> None:
    text = "Answer: Paris\n**Confidence**: 73%"

    assert PercentFormat().parse(text).confidence == 0.73
    assert restated(text, PercentFormat(), 0.5, False, random.Random(0)) is None


def test_the_number_of_pairs_is_limited() -> None:
    candidates = [Candidate(str(score), score) for score in (1.0, 1.0, -0.5, -1.0)]

    every = preferences(candidates, 99, random.Random(0))

    assert len(every) == 5 and all(better.score > worse.score for better, worse in every)
    assert len(preferences(candidates, 3, random.Random(0))) == 3


def test_the_reference_is_the_model_before_training(
    adapted: ModelRef, sampled: Data, tmp_path: Path
) -> None:
    trainer = DPOTrainer(restate=False, batch_size=32, max_steps=1, warmup=0)
    model, tokenizer = hf.load_model(adapted), hf.load_tokenizer(adapted)

    rows = trainer._preferences(
        model, tokenizer, sampled.format, trainer._make_pairs(sampled, sampled.all_responses)
    )

    for row in rows[:4]:
        for reply, reference in (
            (row.chosen, row.reference_chosen),
            (row.rejected, row.reference_rejected),
        ):
            with torch.no_grad():
                logits = model(torch.tensor([row.prompt + reply])).logits[0]
            found = logits[len(row.prompt) - 1 : -1].log_softmax(-1)
            expected = found.gather(1, torch.tensor(reply)[:, None]).sum()
            assert reference == pytest.approx(float(expected), abs=1e-4)
    trainer.train(adapted, sampled, tmp_path)
    # Before the first update, policy and reference are equal.
    assert sampled.figures[-1]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert sampled.figures[-1]["margin"] == pytest.approx(0, abs=1e-4)


def test_replies_are_no_thoughts_where_the_template_opens_one(
    adapted: ModelRef, sampled: Data
) -> None:
    trainer = DPOTrainer(restate=False, max_length=4096)
    model, tokenizer = hf.load_model(adapted), hf.load_tokenizer(adapted)
    tokenizer.chat_template += "<think>\n"
    pairs = trainer._make_pairs(sampled, sampled.all_responses)[:2]

    rows = trainer._preferences(model, tokenizer, sampled.format, pairs)

    assert len(rows) == 2
    for row in rows:
        assert tokenizer.decode(row.prompt).rstrip().endswith("<think>")
        for reply in (row.chosen, row.rejected):
            assert tokenizer.decode(reply).lstrip().startswith("</think>")


@pytest.mark.parametrize(
    ("base", "options"), [("red", FULL), ("red", ADAPTER), ("adapted", ADAPTER)]
)
def test_the_margin_grows(
    base: str,
    options: dict[str, Any],
    request: pytest.FixtureRequest,
    sampled: Data,
    tmp_path: Path,
    same: Callable[[ModelRef, ModelRef], bool],
) -> None:
    ref = request.getfixturevalue(base)
    trainer = DPOTrainer(**options, batch_size=8, epochs=8)

    trained = trainer.train(ref, sampled, tmp_path)

    margins = [entry["margin"] for entry in sampled.figures[1:]]
    assert sum(margins[-4:]) / 4 > sum(margins[:4]) / 4 + 0.3
    assert sampled.figures[-1]["loss"] < math.log(2)
    if base == "adapted":
        assert not same(trained, ref)
    assert not (tmp_path / "model" / "ref").exists()


@pytest.mark.slow
def test_doubt_is_learned_for_wrong_answers(
    sure: ModelRef,
    two_arms: Data,
    tmp_path: Path,
    states: Callable[[ModelRef, Data], dict[str, float]],
) -> None:
    drawn = [
        Response(question.id, index, f"Answer: red Confidence: {k}", None, 5)
        for question in two_arms.all_questions
        for index, k in enumerate((8, 9, 10))
    ]
    trainer = DPOTrainer(lora=None, learning_rate=2e-3, batch_size=16, epochs=80)

    before = states(sure, two_arms)
    after = states(trainer.train(sure, replace(two_arms, all_responses=drawn), tmp_path), two_arms)

    assert min(before.values()) > 0.8
    assert after["sun"] > 0.8
    assert after["moon"] < 0.3


@pytest.mark.parametrize(
    ("base", "options"), [("red", FULL), ("red", ADAPTER), ("adapted", ADAPTER)]
)
def test_a_killed_and_resumed_run_gives_the_same_model(
    base: str,
    options: dict[str, Any],
    request: pytest.FixtureRequest,
    sampled: Data,
    tmp_path: Path,
    same: Callable[[ModelRef, ModelRef], bool],
    killed: Callable[[int], Steps],
) -> None:
    ref = request.getfixturevalue(base)
    trainer = DPOTrainer(**options, max_steps=16, batch_size=4)
    straight = trainer.train(ref, sampled, tmp_path / "straight")

    with pytest.raises(KeyboardInterrupt):
        trainer.train(ref, replace(sampled, progress=killed(13), figures=[]), tmp_path / "resumed")
    progress = Steps()
    again = replace(sampled, progress=progress, figures=[])
    resumed = trainer.train(ref, again, tmp_path / "resumed")

    assert [entry["step"] for entry in again.figures] == [0, 11, 12, 13, 14, 15, 16]
    assert again.figures[1:] == sampled.figures[-6:]
    assert same(straight, resumed)
    assert progress.done == progress.total == 16


def test_long_pairs_are_left_out(red: ModelRef, sampled: Data, tmp_path: Path) -> None:
    long = Response("sun3", 9, "red " * 200 + "Answer: red Confidence: 9", None, 200)
    drawn = [response for response in sampled.all_responses if response.question_id != "sun3"]
    data = replace(sampled, all_responses=[*drawn, long])

    DPOTrainer(max_steps=1, max_length=64).train(red, data, tmp_path)

    assert data.figures[0] == {"step": 0, "pairs": 124, "too_long": 1}


def test_without_pairs_there_is_an_error_of_one_line(
    red: ModelRef, sampled: Data, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match=r"dpo: no question has .* or set restate: true"):
        DPOTrainer(restate=False, threshold=0.1).train(red, sampled, tmp_path)
    with pytest.raises(StageError, match=r"dpo: all \d+ pairs are longer than 8 tokens: raise"):
        DPOTrainer(max_length=8).train(red, sampled, tmp_path)


def test_contract(tmp_path: Path) -> None:
    trainer = DPOTrainer(max_steps=2, batch_size=4)
    check_trainer(trainer, small_model(tmp_path / "small"), tmp_path / "trained")


def test_a_step_is_one_batch_however_many_accelerators_there_are(tmp_path: Path) -> None:
    config = dpo_config(**hf.training_arguments(tmp_path, per_device_train_batch_size=4))

    assert (config.n_gpu, config.train_batch_size) == (1, 4)
