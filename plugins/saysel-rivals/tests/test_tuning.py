"""CaTS and Calibration-Tuning: their losses by hand, and what a small model learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.errors import StageError
from saysel.formats.sayself import SaySelfFormat
from saysel.records import Example, ModelRef, Response
from saysel.testing import Data, check_trainer
from saysel_rivals.calibration_tuning import (
    CalibrationTuningTrainer,
    grading_loss,
    jsd,
    reply_tensors,
    tuning_loss,
)
from saysel_rivals.cats import (
    AgreementRow,
    AgreementTrainer,
    agreement_rows,
    reply_loss,
    rows_of_examples,
)
from saysel_rivals.conftuner.own_replies import OwnReply

FORMAT = SaySelfFormat(instruction="")
SHORT: dict[str, Any] = {"batch_size": 8, "learning_rate": 1e-2, "lora": None}


def sampled(data: Data, *texts: str) -> list[Response]:
    """The same responses to every question."""
    return [
        Response(question.id, index, text, FORMAT.parse(text).answer, 9)
        for question in data.all_questions
        for index, text in enumerate(texts)
    ]


def test_the_shares_of_answers_are_weighted_by_their_confidences(
    red: ModelRef, two_arms: Data
) -> None:
    tokenizer = hf.load_tokenizer(red)
    texts = ["Answer: red Confidence: 9", "Answer: Red Confidence: 3", "Answer: blue Confidence: 6"]
    data = replace(two_arms, all_responses=sampled(two_arms, *texts, "Answer: green", "no"))

    rows = agreement_rows(tokenizer, data)

    # Red .9 + .3, blue .6, green 1 because it states none; green has no place for a confidence.
    assert len(rows) == 2 * len(two_arms.all_questions)
    for start, share, text in ((0, 1.2 / 2.8, texts[0]), (1, 0.6 / 2.8, texts[2])):
        for row in rows[start::2]:
            assert row.share == pytest.approx(share)
            assert tokenizer.decode(row.context[row.prompt :] + row.rest).startswith(text)
            assert tokenizer.decode(row.context).endswith("Confidence:")


def test_the_confidence_is_that_of_the_answer_whose_share_is_learned(
    red: ModelRef, two_arms: Data
) -> None:
    """The model had continued with another question."""
    tokenizer = hf.load_tokenizer(red)
    text = "Answer: red Confidence: 9\n\nQuestion: moon?\nAnswer: blue Confidence: 2"
    restarted = "Answer: red Confidence: 9\nAnswer: blue"
    data = replace(two_arms, all_responses=sampled(two_arms, text, restarted))

    rows = agreement_rows(tokenizer, data)

    assert len(rows) == len(two_arms.all_questions)
    for row in rows:
        assert tokenizer.decode(row.context[row.prompt :]) == "Answer: red Confidence:"


def test_only_replies_with_a_label_count_in_the_language_modelling_loss(red: ModelRef) -> None:
    lm = hf.load_model(red)
    ids = torch.tensor([[50, 51, 52, 53], [60, 61, 62, 63]])
    labels = torch.tensor([[-100, -100, 52, 53], [-100] * 4])

    with torch.no_grad():
        found = reply_loss(
            lm, {"reply_ids": ids, "reply_mask": ids * 0 + 1, "labels_of_replies": labels}
        )
        logprobs = lm(ids[:1]).logits[0].log_softmax(-1)

    expected = -(logprobs[1, 52] + logprobs[2, 53]) / 2
    assert float(found) == pytest.approx(float(expected) / 2, abs=1e-4)
    nothing = {"reply_ids": ids, "reply_mask": ids * 0 + 1, "labels_of_replies": labels * 0 - 100}
    assert float(reply_loss(lm, nothing)) == 0


def test_the_loss_of_agreement_by_hand(red: ModelRef, two_arms: Data, tmp_path: Path) -> None:
    # Three of four samples agree, with .9 each, and the other states .3: shares .9 and .1.
    texts = ["Answer: red Confidence: 9"] * 3 + ["Answer: blue Confidence: 3"]
    data = replace(two_arms, all_responses=sampled(two_arms, *texts))
    lm, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    prompts = [FORMAT.prompt(question) for question in two_arms.all_questions]
    losses = []
    for text, share in ((texts[0], 0.9), (texts[3], 0.1)):
        beginning = text[: -len(" 9")]
        for prompt, p in zip(
            hf.encode(tokenizer, prompts),
            hf.read_confidence(red, FORMAT, prompts, [beginning] * len(prompts)),
            strict=True,
        ):
            # Half the square over beta up to beta = .25, then the distance less beta / 2.
            gap = abs(p - share)
            losses.append(gap**2 / 0.5 if gap < 0.25 else gap - 0.125)
            if share == 0.9:  # above the threshold, so the reply itself is learned
                reply = tokenizer(text + tokenizer.eos_token)["input_ids"]
                with torch.no_grad():
                    scores = lm(torch.tensor([prompt + reply])).logits[0].log_softmax(-1)
                picked = scores[len(prompt) - 1 : -1].gather(1, torch.tensor(reply)[:, None])
                losses[-1] -= 0.1 * float(picked.mean())

    trainer = AgreementTrainer(lora=None, max_steps=1, batch_size=64, micro_batch_size=24, warmup=0)
    trainer.train(red, data, tmp_path)

    assert len(losses) == 64
    assert data.figures[0]["loss"] == pytest.approx(sum(losses) / 64, abs=1e-4)


def test_what_follows_in_a_reply_that_was_cut_is_not_learned(red: ModelRef, two_arms: Data) -> None:
    tokenizer = hf.load_tokenizer(red)
    question = two_arms.all_questions[0]
    responses = [
        Response(question.id, index, text, answer, 9, finish_reason=reason)
        for index, (text, answer, reason) in enumerate(
            [
                ("Answer: red Confidence: 1", "red", "length"),  # of 10, perhaps
                ("Answer: blue Confidence: 1", "blue", "stop"),
            ]
        )
    ]

    cut, whole = agreement_rows(tokenizer, replace(two_arms, all_responses=responses))

    assert tokenizer.decode(cut.context[cut.prompt :]) == "Answer: red Confidence:"
    assert cut.rest == []
    assert tokenizer.decode(whole.rest).strip() == "1" + tokenizer.eos_token
    assert cut.share == pytest.approx(1 / 1.1)  # it states no confidence


@pytest.mark.parametrize("rows", [agreement_rows, rows_of_examples])
def test_replies_are_no_thoughts_where_the_template_opens_one(
    rows: Callable[[Any, Data], list[AgreementRow]], red: ModelRef, two_arms: Data
) -> None:
    tokenizer = hf.load_tokenizer(red)
    tokenizer.chat_template += "<think>\n"
    text = "Answer: red Confidence: 9"
    data = replace(
        two_arms,
        all_responses=sampled(two_arms, text),
        all_examples=[
            Example(question.id, FORMAT.prompt(question), text, 0.9)
            for question in two_arms.all_questions
        ],
    )

    for row in rows(tokenizer, data):
        assert tokenizer.decode(row.context[: row.prompt]).rstrip().endswith("<think>")
        reply = tokenizer.decode(row.context[row.prompt :] + row.rest)
        assert reply.split() == ["</think>", *(text + tokenizer.eos_token).split()]
        assert tokenizer.decode(row.context).endswith("Confidence:")


def test_agreement_is_learned(
    red: ModelRef,
    two_arms: Data,
    states: Callable[[ModelRef, Data], dict[str, float]],
    tmp_path: Path,
) -> None:
    suns, moons = two_arms.all_questions[::2], two_arms.all_questions[1::2]
    responses = [
        *sampled(replace(two_arms, all_questions=suns), *["Answer: red Confidence: 5"] * 4),
        *sampled(
            replace(two_arms, all_questions=moons),
            *[f"Answer: {answer} Confidence: 5" for answer in ("red", "blue", "green", "black")],
        ),
    ]
    data = replace(two_arms, all_responses=responses)

    trained = AgreementTrainer(**{**SHORT, "learning_rate": 3e-3}, epochs=12).train(
        red, data, tmp_path
    )

    found = states(trained, data)
    assert found["sun"] > 0.8
    assert found["moon"] == pytest.approx(0.25, abs=0.12)


def test_samples_without_a_confidence_are_refused(
    red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    data = replace(two_arms, all_responses=sampled(two_arms, "Answer: red"))

    with pytest.raises(StageError, match="agreement: no sampled response has an answer followed"):
        AgreementTrainer().train(red, data, tmp_path)


def test_the_grading_loss_by_hand() -> None:
    # The expected confidences are .5 * .3 + 1 * .2 = .35 and, half of the mass elsewhere, .85.
    chances = torch.tensor([[0.5, 0.3, 0.2], [0.05, 0.05, 0.4]])

    loss = grading_loss(chances.log(), torch.tensor([0.0, 0.5, 1.0]), torch.tensor([1.0, 0.0]))

    assert float(loss) == pytest.approx(-(math.log(0.35) + math.log(1 - 0.85)) / 2)


def test_the_divergence_by_hand() -> None:
    one = torch.tensor([[[0.5, 0.5], [0.9, 0.1]]])
    other = torch.tensor([[[1.0, 1e-9], [0.1, 0.9]]])

    found = jsd(one.log(), other.log(), torch.tensor([[1.0, 0.0]]))

    # The mean is (.75, .25).
    left = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert float(found) == pytest.approx((left + math.log(1 / 0.75)) / 2, abs=1e-5)
    assert float(jsd(one.log(), one.log(), torch.ones(1, 2))) == pytest.approx(0, abs=1e-7)


def test_the_divergence_is_a_mean_over_replies_of_any_length() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(2, 3, 10, 5).log_softmax(-1)
    counted = torch.zeros(3, 10)
    for row, tokens in enumerate((1, 10, 0)):
        counted[row, :tokens] = 1

    passes = [jsd(*(part[row : row + 1] for part in (one, other, counted))) for row in range(3)]

    assert float(jsd(one, other, counted)) == pytest.approx(float(sum(passes)) / 3)


def test_the_loss_of_calibration_tuning_by_hand(
    red: ModelRef, adapted: ModelRef, two_arms: Data
) -> None:
    policy, reference, tokenizer = (
        hf.load_model(adapted),
        hf.load_model(red),
        hf.load_tokenizer(red),
    )
    beginnings = ["Answer: red Confidence:", "Answer: blue, or red Confidence:"]
    prompts = [FORMAT.prompt(question) for question in two_arms.all_questions[:2]]
    texts = list(
        zip(hf.encode(tokenizer, prompts), hf.encode_replies(tokenizer, beginnings), strict=True)
    )
    p_right, p_wrong = hf.read_confidence(adapted, FORMAT, prompts, beginnings)
    divergences = []  # of the tokens of the reply, not of those of the prompt
    for prompt, reply in texts:
        with torch.no_grad():
            one, other = (
                lm(torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1].softmax(-1)
                for lm in (policy, reference)
            )
        mean = (one + other) / 2
        sides = [(each * (each / mean).log()).sum(-1) for each in (one, other)]
        divergences.append(float((sides[0] + sides[1]).mean() / 2))
    graded = -(math.log(p_right) + math.log(1 - p_wrong)) / 2

    tokens = hf.ConfidenceTokens(FORMAT, tokenizer, hf.end_tokens(policy, tokenizer))
    rows = [
        OwnReply(prompt + reply, correct, len(prompt))
        for (prompt, reply), correct in zip(texts, (1.0, 0.0), strict=True)
    ]
    inputs = reply_tensors(rows, tokens, tokenizer.pad_token_id)
    with torch.no_grad():
        plain, held = (
            float(tuning_loss(policy, reference, inputs, tokens, kappa)) for kappa in (0, 3)
        )

    assert plain == pytest.approx(graded, abs=1e-5)
    assert sum(divergences) / 2 > 1e-3
    assert held == pytest.approx(graded + 3 * sum(divergences) / 2, abs=1e-5)


def test_calibration_tuning_learns_which_answers_are_right(
    red: ModelRef,
    two_arms: Data,
    states: Callable[[ModelRef, Data], dict[str, float]],
    tmp_path: Path,
) -> None:
    trainer = CalibrationTuningTrainer(**SHORT, epochs=8, max_tokens=12)

    trained = trainer.train(red, two_arms, tmp_path)

    found = states(trained, two_arms)
    assert found["sun"] > 0.8
    assert found["moon"] < 0.2
    assert two_arms.figures[0] == {"step": 0, "replies": 32, "unreadable": 0, "unjudged": 0}


@pytest.mark.slow
@pytest.mark.parametrize("trainer", [CalibrationTuningTrainer, AgreementTrainer])
def test_contract(trainer: type[Any], fluent: ModelRef, tmp_path: Path) -> None:
    check_trainer(trainer(max_steps=2, batch_size=4), fluent, tmp_path)
