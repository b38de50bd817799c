from __future__ import annotations

from typing import Any

import pytest
import torch

from saysel.formats.percent import PercentFormat
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply
from saysel.hf.gradient_checkpointing import checkpoint_layers
from saysel.interfaces import Format
from saysel.records import ModelRef
from saysel.registry import build
from saysel.trainers.ppo.confidence_rewards import confidence_rewards
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.ppo.test_learner import moved_policy
from tests.trainers.two_arms import FORMAT

PERCENT = PercentFormat()
PROMPTS = [[50, 51, 52], [60]]


def replies(tokenizer: Any, *texts: str) -> list[Reply]:
    """Replies with these texts, whose `marker_end` follows the marker."""
    found = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        beginning = text.partition("Confidence:")[0] + "Confidence:"
        marked = len(tokenizer(beginning, add_special_tokens=False)["input_ids"])
        found.append(Reply([*ids, tokenizer.eos_token_id], 0.0, min(marked, len(ids) + 1)))
    return found


def test_positions_of_the_confidences_and_beginnings(red: ModelRef) -> None:
    policy = Policy(red)
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    replied = replies(policy.tokenizer, "Answer: red Confidence: 3", "Answer: red, I think")

    found = confidence_rewards(policy, tokens, PROMPTS, replied, [True, False], [[0.0] * 12] * 2)

    assert found.position.tolist() == [replied[0].marker_end + len(tokens.branches[0]), -1]
    ids, mask = found.beginnings
    for row, (prompt, reply) in enumerate(zip(PROMPTS, replied, strict=True)):
        text = [*prompt, *reply.tokens[: reply.marker_end]]
        assert ids[row, -len(text) :].tolist() == text
        assert mask[row].tolist() == [0] * (ids.shape[1] - len(text)) + [1] * len(text)


def test_a_readable_reply_without_a_marker_has_no_position(red: ModelRef) -> None:
    """With an empty first branch, its position would be just after the reply."""
    policy = Policy(red)
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    tokens.branches = [(), *tokens.branches[1:]]
    (replied,) = replies(policy.tokenizer, "Answer: red, confidence: 3")
    assert replied.marker_end == len(replied.tokens)

    found = confidence_rewards(policy, tokens, PROMPTS[:1], [replied], [True], [[0.0] * 12])

    assert found.position.tolist() == [-1]


@pytest.mark.parametrize(
    ("format", "temperature", "checkpointing"),
    [(FORMAT, 1.0, False), (FORMAT, 1.5, False), (PERCENT, 1.5, False), (PERCENT, 1.5, True)],
)
def test_the_loss_is_the_expected_reward_over_all_confidences(
    red: ModelRef, format: Format, temperature: float, checkpointing: bool
) -> None:
    """With checkpointed layers there is no cache, and every branch reads the whole text."""
    policy = moved_policy(red)
    if checkpointing:
        checkpoint_layers(policy.model)
        policy.model.train()
    tokenizer = policy.tokenizer
    tokens = ConfidenceTokens(format, tokenizer, {tokenizer.eos_token_id})
    stated = [next(text for text, c in format.confidences.items() if c == k) for k in (0.3, 1.0)]
    replied = replies(tokenizer, *(f"Answer: red Confidence:{text}" for text in stated))
    correct = [1.0, 0.0]
    reward = build("reward", "quadratic")
    choices = [*tokens.values, None]
    rewards = [reward.reward([y] * len(choices), choices) for y in correct]
    every = confidence_rewards(policy, tokens, PROMPTS, replied, [True, True], rewards)
    options = PPOTrainer(confidences="expected", confidence_temperature=temperature, entropy=0.3)
    learner = Learner(options, policy, torch.optim.SGD(policy.parameters(), lr=1), tokens)
    longest = max(len(reply.tokens) for reply in replied)
    rows = [
        [*prompt, *reply.tokens, *[0] * (longest - len(reply.tokens))]
        for prompt, reply in zip(PROMPTS, replied, strict=True)
    ]
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor(
        [
            [0] * (width - len(row)) + [1] * (len(prompt) + len(reply.tokens)) + [0] * pad
            for row, prompt, reply in zip(rows, PROMPTS, replied, strict=True)
            for pad in [longest - len(reply.tokens)]
        ]
    )

    output = policy.forward(ids, mask, longest, room=tokens.longest_branch)
    found = learner._expected_loss(every, torch.arange(2), output)
    several = len(tokens.branches) > 1
    assert several == (format is PERCENT)
    assert (output.texts.cache is not None) == (several and not checkpointing)

    expected = []
    for prompt, reply, y in zip(PROMPTS, replied, correct, strict=True):
        logprobs = []
        for stated in format.confidences:
            beginning = [*prompt, *reply.tokens[: reply.marker_end]]
            tail = tokenizer("Confidence:" + stated, add_special_tokens=False)["input_ids"]
            tail = tail[len(tokenizer("Confidence:", add_special_tokens=False)["input_ids"]) :]
            whole = torch.tensor([[*beginning, *tail]])
            steps = (policy.model(whole).logits[0] / temperature).log_softmax(-1)
            total = torch.zeros(())
            for place, token in enumerate([*tail, tokenizer.eos_token_id]):
                if tuple(tail[:place]) in tokens.branches:
                    total = total + steps[len(beginning) + place - 1, token]
            logprobs.append(total)
        chances = torch.stack(logprobs).exp()
        paid = torch.tensor([1 - 2 * (y - value) ** 2 for value in tokens.values])
        doubt = -(chances * chances.log()).sum()
        expected.append((chances * paid).sum() - (1 - chances.sum()) + 0.3 * doubt)
    torch.testing.assert_close(found, -torch.stack(expected), atol=1e-5, rtol=1e-4)
