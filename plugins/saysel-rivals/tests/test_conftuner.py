from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from pydantic import ValidationError

from saysel import hf
from saysel.errors import StageError
from saysel.formats.percent import PercentFormat
from saysel.formats.sayself import SaySelfFormat
from saysel.hf import ConfidenceTokens
from saysel.interfaces import Format, Parsed
from saysel.judges.match import MatchJudge
from saysel.records import Example, ModelRef, Question
from saysel.testing import Data, Steps, check_trainer, small_model
from saysel.trainers.sft import SFTTrainer
from saysel_rivals.conftuner import own_replies
from saysel_rivals.conftuner.loss import confidence_logprobs, tokenized_brier
from saysel_rivals.conftuner.trainer import TokenizedBrierTrainer

SHORT: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "max_tokens": 12,
    "checkpoint_every": 2,
}
FULL = {"lora": None}
ADAPTER = {"lora": {"r": 4, "alpha": 8, "dropout": 0.1}}


def test_the_loss_is_the_one_computed_by_hand() -> None:
    # q = (.5, .3, .2) and (.1, .1, .8), half of the mass elsewhere in the second.
    chances = torch.tensor([[0.5, 0.3, 0.2], [0.05, 0.05, 0.4]])
    loss = tokenized_brier(chances.log(), torch.tensor([0.0, 0.5, 1.0]), torch.tensor([1.0, 0.0]))

    right = 0.5 * 1 + 0.3 * 0.25
    wrong = 0.1 * 0.25 + 0.8 * 1
    assert float(loss) == pytest.approx((right + wrong) / 2)


def naive(model: Any, tokenizer: Any, format: Format, text: list[int], correct: float) -> Any:
    """The loss of one reply, every confidence spelled out and put through the model alone."""
    marker = format.confidence_marker
    size = len(tokenizer(marker, add_special_tokens=False)["input_ids"])
    scores = []
    for stated in format.confidences:
        tail = tokenizer(marker + stated, add_special_tokens=False)["input_ids"][size:]
        # The next token tells "1" from the beginning of "10"; "%" always follows.
        tail = [*tail, tokenizer.eos_token_id]
        logits = model(torch.tensor([[*text, *tail]])).logits[0, len(text) - 1 : -1]
        logprobs = logits.log_softmax(-1).gather(1, torch.tensor(tail)[:, None])[:, 0]
        scores.append(logprobs[counted(tokenizer, format, tail, size)].sum())
    q = torch.stack(scores).exp()
    q = q / q.sum()
    values = torch.tensor(list(format.confidences.values()))
    return (q * (correct - values) ** 2).sum()


def counted(tokenizer: Any, format: Format, tail: list[int], size: int) -> list[int]:
    """The positions of a confidence at which another confidence continues differently."""
    marker = format.confidence_marker
    tails = [
        [*tokenizer(marker + one, add_special_tokens=False)["input_ids"][size:], -1]
        for one in format.confidences
    ]
    places = []
    for place in range(len(tail)):
        nexts = {other[place] for other in tails if other[:place] == tail[:place]}
        if len(nexts) > 1:
            places.append(place)
    return places


@pytest.mark.parametrize(
    ("format", "several"),
    [(SaySelfFormat(instruction=""), False), (PercentFormat(instruction=""), True)],
    ids=["tenths", "percent"],
)
def test_the_gradient_is_that_of_the_formula(format: Format, several: bool, red: ModelRef) -> None:
    tokenizer = hf.load_tokenizer(red)
    tokens = ConfidenceTokens(format, tokenizer, {tokenizer.eos_token_id})
    assert (len(tokens.branches) > 1) == several
    texts = hf.encode_replies(tokenizer, ["sun 3? Answer: red Confidence:", "red Confidence:"])
    correct = [1.0, 0.0]
    ours, theirs = hf.load_model(red), hf.load_model(red)

    loss = tokenized_brier(
        confidence_logprobs(ours, tokenizer, tokens, texts),
        torch.tensor(tokens.values),
        torch.tensor(correct),
    )
    loss.backward()
    parts = [naive(theirs, tokenizer, format, *row) for row in zip(texts, correct, strict=True)]
    expected = torch.stack(parts).mean()
    expected.backward()

    torch.testing.assert_close(loss, expected)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-6, rtol=1e-3)
    assert max(float(weight.grad.abs().max()) for weight in ours.parameters()) > 1e-4


def test_unreadable_and_unjudged_replies_are_left_out(red: ModelRef, two_arms: Data) -> None:
    class Particular(MatchJudge):
        def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
            judged = super().judge(items)
            return [
                None if question.id == "sun1" else verdict
                for (question, _), verdict in zip(items, judged, strict=True)
            ]

    model, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    data = replace(two_arms, judge=Particular())
    marker = two_arms.format.confidence_marker
    decoding = hf.Decoding(temperature=0.0, max_tokens=12, marker=marker)

    drawn = own_replies.sample_part(model, tokenizer, data, data.all_questions, decoding, 0)
    cut = own_replies.sample_part(
        model, tokenizer, data, data.all_questions, replace(decoding, max_tokens=3), 0
    )

    assert drawn["left_out"] == {"unreadable": 0, "unjudged": 1}
    assert cut == {"replies": [], "left_out": {"unreadable": 32, "unjudged": 0}}
    kept = [question for question in data.all_questions if question.id != "sun1"]
    for question, reply in zip(kept, drawn["replies"], strict=True):
        text = tokenizer.decode(reply["tokens"])
        assert question.prompt in text and text.endswith("Answer: red Confidence:")
        assert reply["correct"] == question.id.startswith("sun")


class FirstColon(SaySelfFormat):
    """Reads the confidence after the first colon, and not after the last as other formats."""

    confidence_marker: ClassVar[str] = ":"
    confidences: ClassVar[Mapping[str, float]] = {
        f" red Confidence: {k}": k / 10 for k in range(11)
    }

    def parse(self, text: str, cut: bool = False) -> Parsed:
        _, colon, stated = text.partition(":")
        return Parsed("red" if colon else None, None, self.confidences.get(stated))


def test_replies_end_where_the_confidence_that_is_parsed_begins(
    red: ModelRef, two_arms: Data
) -> None:
    model, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    data = replace(two_arms, format=FirstColon(instruction=""))
    decoding = hf.Decoding(temperature=0.0, max_tokens=12)

    drawn = own_replies.sample_part(model, tokenizer, data, data.all_questions[:4], decoding, 0)

    assert drawn["left_out"] == {"unreadable": 0, "unjudged": 0}
    for reply in drawn["replies"]:
        assert tokenizer.decode(reply["tokens"][reply["prompt"] :]) == "Answer:"


def test_without_a_usable_reply_there_is_an_error_of_one_line(
    red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match="tokenized_brier: none of 32 replies has an answer"):
        TokenizedBrierTrainer(max_tokens=2).train(red, two_arms, tmp_path)


def test_each_pass_uses_every_reply_once() -> None:
    replies = [own_replies.OwnReply([number], 1.0) for number in range(10)]
    passes = [
        [
            reply.tokens[0]
            for step in steps
            for reply in own_replies.reply_batch(replies, 4, step, 0)
        ]
        for steps in (range(3), range(3, 6))
    ]

    assert sorted(passes[0]) == sorted(passes[1]) == list(range(10))
    assert passes[0] != passes[1]


def test_the_micro_batch_size_does_not_change_the_result(
    red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    whole, parts = (replace(two_arms, figures=[]) for _ in range(2))
    for size, data in ((8, whole), (3, parts)):
        trainer = TokenizedBrierTrainer(**SHORT, **FULL, micro_batch_size=size)
        trainer.train(red, data, tmp_path / str(size))

    for mine, other in zip(whole.figures, parts.figures, strict=True):
        assert mine == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize(("base", "options"), [("red", FULL), ("red", ADAPTER), ("adapted", FULL)])
def test_a_killed_and_resumed_run_gives_the_same_model(
    base: str,
    options: dict[str, Any],
    request: pytest.FixtureRequest,
    two_arms: Data,
    tmp_path: Path,
    same: Callable[[ModelRef, ModelRef], bool],
    killed: Callable[[int], Steps],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ref = request.getfixturevalue(base)
    two_arms.temperature = 1.0
    again = replace(two_arms, figures=[])
    trainer = TokenizedBrierTrainer(**SHORT, **options)
    monkeypatch.setattr(own_replies, "QUESTIONS_PER_PART", 8)
    straight = trainer.train(ref, two_arms, tmp_path / "straight")

    with pytest.raises(KeyboardInterrupt):
        trainer.train(ref, replace(again, progress=killed(4)), tmp_path / "resumed")
    # Only the last part of the replies is sampled again.
    parts = sorted((tmp_path / "resumed" / "checkpoints").glob("replies-*.json"))
    assert len(parts) == 4
    parts[-1].unlink()
    before = [part.stat().st_mtime_ns for part in parts[:-1]]
    again.progress = Steps()
    resumed = trainer.train(ref, again, tmp_path / "resumed")

    assert [part.stat().st_mtime_ns for part in parts[:-1]] == before
    assert same(straight, resumed)
    # It was killed before the checkpoint of step 4 was written.
    assert [entry["step"] for entry in again.figures] == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8]
    assert again.figures[5:] == two_arms.figures[3:]
    assert again.progress.done == again.progress.total == 8


def test_an_existing_adapter_is_trained(
    adapted: ModelRef, two_arms: Data, tmp_path: Path, same: Callable[[ModelRef, ModelRef], bool]
) -> None:
    trained = TokenizedBrierTrainer(**SHORT).train(adapted, two_arms, tmp_path)

    assert trained == replace(adapted, adapter=str(tmp_path / "model"))
    assert not same(trained, adapted)


@pytest.mark.slow
def test_confidence_becomes_calibrated_on_two_arms(
    red: ModelRef,
    two_arms: Data,
    tmp_path: Path,
    states: Callable[[ModelRef, Data], dict[str, float]],
) -> None:
    trainer = TokenizedBrierTrainer(
        lora=None, learning_rate=2e-3, epochs=30, batch_size=8, max_tokens=12
    )

    before = states(red, two_arms)
    after = states(trainer.train(red, two_arms, tmp_path), two_arms)

    assert before["sun"] == pytest.approx(before["moon"], abs=0.05)
    assert after["sun"] > 0.9
    assert after["moon"] < 0.35
    assert two_arms.figures[-1]["loss"] < two_arms.figures[1]["loss"] / 3


def test_it_trains_a_fine_tuned_model_further(
    red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    examples = [
        Example(
            question.id,
            tuple(two_arms.format.prompt(question)),
            two_arms.format.render("blue", None, 0.3),
            0.3,
        )
        for question in two_arms.all_questions
    ]
    tuned = SFTTrainer(
        lora={"r": 8, "alpha": 16}, learning_rate=2e-2, epochs=24, batch_size=8
    ).train(red, replace(two_arms, all_examples=examples), tmp_path / "sft")

    two_arms.figures.clear()

    trained = TokenizedBrierTrainer(**SHORT).train(tuned, two_arms, tmp_path / "brier")

    assert trained == replace(tuned, adapter=str(tmp_path / "brier" / "model"))
    # Fine-tuning has turned all answers to blue, which is right about the moon only.
    replies = two_arms.figures[0]["replies"]
    accuracy = [entry["accuracy"] for entry in two_arms.figures[1:5]]
    assert (replies, sum(accuracy) / 4) == (32, 0.5)


def test_contract(fluent: ModelRef, tmp_path: Path) -> None:
    check_trainer(TokenizedBrierTrainer(**{**SHORT, "max_tokens": 40}), fluent, tmp_path)


def test_a_smoke_test_needs_no_model_that_can_reply(two_arms: Data, tmp_path: Path) -> None:
    question = two_arms.all_questions[0]
    prompt = tuple(two_arms.format.prompt(question))
    example = Example(question.id, prompt, two_arms.format.render("red", None, 1.0), 1.0)
    ref = small_model(tmp_path / "small")

    trained = (
        TokenizedBrierTrainer(max_tokens=2)
        .smoke()
        .train(ref, replace(two_arms, all_examples=[example]), tmp_path / "trained")
    )

    assert trained.adapter == str(tmp_path / "trained" / "model")
    assert [entry["step"] for entry in two_arms.figures] == [0, 1]


def test_options_are_checked() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        TokenizedBrierTrainer(epochs=0)
