"""Separate rewards for answer, rationale and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import Field, ValidationError

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply
from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards
from saysel.records import ModelRef
from saysel.rewards.quadratic import QuadraticReward
from saysel.rewards.split import SplitReward
from saysel.testing import Data
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.ppo.confidence_rewards import confidence_rewards
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import assemble, roll_out
from saysel.trainers.ppo.segments import Segment, rationale_start, reply_segments
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.ppo.test_confidence_rewards import replies
from tests.trainers.ppo.test_learner import moved_policy
from tests.trainers.two_arms import FORMAT

PROMPTS = [[50, 51, 52], [50, 51, 52]]
TEXTS = ("Answer: red Confidence: 3", "Answer: blue, blue Confidence: 10")
SPLIT = PPOTrainer(
    reward=SplitReward(),
    mask="response",
    confidences="expected",
    replies=2,
    batch_size=2,
    mini_batch_size=2,
    epochs=1,
    gamma=1,
    lam=1,
    kl=0,
    kl_trained=0,
)


@pytest.mark.parametrize(
    ("rationale", "before"),
    [
        ("I would often say blue.", "Answer: red Self-reflection:"),
        (None, "Answer: red Self-reflection: I would often say blue. Confidence:"),
        ("not in the text", "Answer: red Self-reflection: I would often say blue. Confidence:"),
    ],
)
def test_where_the_rationale_starts(red: ModelRef, rationale: str | None, before: str) -> None:
    tokenizer = Policy(red).tokenizer
    text = "Answer: red Self-reflection: I would often say blue. Confidence: 3"
    (reply,) = replies(tokenizer, text)

    start = rationale_start(tokenizer, PROMPTS[0], reply, rationale)

    # Whether the space belongs to the word after it depends on the tokenizer.
    assert tokenizer.decode(reply.tokens[:start]).rstrip() == before


def test_every_part_has_its_reward_without_that_of_the_others(red: ModelRef) -> None:
    tokenizer = Policy(red).tokenizer
    texts = [
        "Answer: red Self-reflection: or blue Confidence: 3",
        "Answer: red Confidence: 3",
        "no",
    ]
    replied = replies(tokenizer, *texts)
    rewards = [SegmentRewards(1, 0.5, 0.2), SegmentRewards(0, 0.1, 0.6), SegmentRewards(0, 0, -1)]

    found = reply_segments(
        tokenizer, [PROMPTS[0]] * 3, replied, ["or blue", None, None], rewards, ["a", "a", None]
    )

    marked = [reply.marker_end for reply in replied]
    size = [len(reply.tokens) for reply in replied]
    first, second, third = found
    assert [segment.reward for segment in first] == pytest.approx([1 - 0, 0.5 - 0.1, 0.2 - 0.6])
    assert [segment.end for segment in first[1:]] == [marked[0], size[0]]
    assert 0 < first[0].end < marked[0]
    # Without a rationale there are two parts, and without a marker one.
    assert second == [Segment(marked[1], -1), Segment(size[1], pytest.approx(0.4))]
    assert [segment.end for segment in third] == [size[2]]


def split_loss(policy: Policy, replied: Sequence[Reply], correct: Sequence[float]) -> torch.Tensor:
    """The loss of split credit, reply by reply without padding, from its definition.

    Before the marker: -(y - y') log pi(token), with y' the correctness of the other reply. After
    it: minus the sum over all confidences of their probability times their reward.
    """
    tokenizer = policy.tokenizer
    losses = []
    for row, (prompt, reply) in enumerate(zip(PROMPTS, replied, strict=True)):
        beginning = [*prompt, *reply.tokens[: reply.marker_end]]
        logprobs = policy.model(torch.tensor([beginning])).logits[0].log_softmax(-1)
        picked = logprobs[len(prompt) - 1 : -1].gather(
            1, torch.tensor(beginning[len(prompt) :])[:, None]
        )
        answer = -(correct[row] - correct[1 - row]) * picked.sum()
        expected = torch.tensor(0.0)
        total = torch.tensor(0.0)
        for stated, value in FORMAT.confidences.items():
            tail = tokenizer("Confidence:" + stated, add_special_tokens=False)["input_ids"]
            tail = tail[len(tokenizer("Confidence:", add_special_tokens=False)["input_ids"]) :]
            if stated.strip() == "1":  # "10" continues
                tail = [*tail, tokenizer.eos_token_id]
            after = policy.model(torch.tensor([[*beginning, *tail]])).logits[0].log_softmax(-1)
            steps = after[len(beginning) - 1 : -1].gather(1, torch.tensor(tail)[:, None])
            chance = steps.sum().exp()
            expected = expected + chance * (1 - 2 * (correct[row] - value) ** 2)
            total = total + chance
        losses.append(answer - (expected - (1 - total)))
    return torch.stack(losses).mean()


def test_the_gradient_of_split_credit_is_the_one_computed_by_hand(red: ModelRef) -> None:
    ours, theirs = moved_policy(red), moved_policy(red)
    for policy in (ours, theirs):
        torch.nn.init.zeros_(policy.head.weight)  # so that the advantage is the reward
    tokens = ConfidenceTokens(FORMAT, ours.tokenizer, {ours.tokenizer.eos_token_id})
    replied = replies(ours.tokenizer, *TEXTS)
    correct = [1.0, 0.0]
    reward = SplitReward()
    judged = [
        JudgedReply(None, text, "red", None, c, y)  # type: ignore[arg-type]
        for text, c, y in zip(TEXTS, (0.3, 1.0), correct, strict=True)
    ]
    segments = reply_segments(
        ours.tokenizer, PROMPTS, replied, [None, None], reward.rewards(judged), ["a", "a"]
    )
    rollouts = assemble(
        prompts=PROMPTS,
        replies=replied,
        rewards=[0, 0],
        segments=segments,
        readable=[True, True],
        has_answer=[True, True],
        mask="response",
        pad=ours.tokenizer.pad_token_id,
        device=torch.device("cpu"),
    )
    every = reward.confidence_rewards(judged, [*tokens.values, None])
    rollouts = replace(
        rollouts,
        confidence_rewards=confidence_rewards(ours, tokens, PROMPTS, replied, [True] * 2, every),
    )
    rate = 0.1
    optimizer = torch.optim.SGD(ours.parameters(), lr=rate)
    learner = Learner(SPLIT, ours, optimizer, tokens)

    learner.update(rollouts, learner.targets(rollouts), torch.Generator().manual_seed(0))

    split_loss(theirs, replied, correct).backward()
    norm = sum(float((w.grad**2).sum()) for w in theirs.parameters() if w.grad is not None) ** 0.5
    assert norm > 0.1
    for mine, hand in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert hand.grad is not None
        expected = hand.detach() - rate * hand.grad / max(1.0, norm)
        torch.testing.assert_close(mine.detach(), expected, atol=2e-5, rtol=1e-4)


class Sees(BatchReward):
    """Records what it is shown."""

    samples: int = 0
    seen: list[JudgedReply] = Field(default_factory=list)

    def fresh_samples(self) -> int:
        return self.samples

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        self.seen.extend(replies)
        return [SegmentRewards(reply.correct, 0, -1) for reply in replies]


def test_a_reward_sees_the_whole_batch_and_fresh_samples(red: ModelRef, two_arms: Data) -> None:
    policy = Policy(red)
    asked = [question for question in two_arms.all_questions[:2] for _ in range(3)]
    reward = Sees(samples=4)
    options = PPOTrainer(reward=reward, mask="response", max_tokens=12)

    rollouts = roll_out(options, policy, None, asked, two_arms, torch.Generator().manual_seed(0))

    assert [reply.question for reply in reward.seen] == asked
    for reply, tokens in zip(reward.seen, rollouts.tokens, strict=True):
        parsed = FORMAT.parse(reply.text)
        assert (reply.answer, reply.confidence) == (parsed.answer, parsed.confidence)
        assert reply.correct == float(reply.answer == "red" and "sun" in reply.question.prompt)
        assert reply.tokens == int(tokens.sum())
        assert len(reply.samples) == 4
        assert "red" in reply.samples
    assert len({reply.samples for reply in reward.seen}) <= 2  # one draw for each question
    assert rollouts.figures["reward_answer"] == rollouts.figures["accuracy"]
    assert rollouts.figures["reward_confidence"] == -1


def test_the_confidence_begins_after_the_marker_and_everything_is_trained(
    red: ModelRef, two_arms: Data
) -> None:
    policy = Policy(red)
    options = SPLIT.model_copy(update={"max_tokens": 12})
    asked = list(two_arms.all_questions[:8])

    rollouts = roll_out(options, policy, None, asked, two_arms, torch.Generator().manual_seed(0))

    assert torch.equal(rollouts.trained, rollouts.tokens)
    assert rollouts.readable.sum() > 4
    for row in rollouts.readable.nonzero()[:, 0].tolist():
        before = rollouts.actions[row][(rollouts.tokens[row] - rollouts.stated[row]) > 0]
        assert policy.tokenizer.decode(before).endswith("Confidence:")


def test_split_credit_trains_answer_and_confidence(
    red: ModelRef, two_arms: Data, tmp_path: Any
) -> None:
    options = {"steps": 2, "batch_size": 8, "mini_batch_size": 8, "max_tokens": 12, "lora": None}
    trainer = SPLIT.model_copy(update=options)

    trained = trainer.train(red, two_arms, tmp_path)

    assert trained != red
    assert {"reward_answer", "reward_rationale", "reward_confidence"} <= two_arms.figures[0].keys()


def test_the_expected_confidence_of_whole_replies_needs_a_reward_of_parts() -> None:
    with pytest.raises(ValidationError, match="needs mask: confidence, or a separate reward"):
        PPOTrainer(mask="response", confidences="expected", reward=QuadraticReward())


def test_grpo_sees_fresh_samples_too(red: ModelRef, two_arms: Data, tmp_path: Any) -> None:
    reward = Sees(samples=3)
    options: dict[str, Any] = {"steps": 1, "batch_size": 8, "replies": 4, "max_tokens": 12}

    GRPOTrainer(reward=reward, lora=None, **options).train(red, two_arms, tmp_path)

    assert len(reward.seen) == 8
    assert all(len(reply.samples) == 3 for reply in reward.seen)
