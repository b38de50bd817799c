from __future__ import annotations

from typing import Any

import pytest
import torch

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply
from saysel.records import ModelRef
from saysel.registry import build
from saysel.trainers.ppo import PPOTrainer
from saysel.trainers.ppo.confidence_rewards import at_stake
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from tests.trainers.ppo.test_learner import stirred
from tests.trainers.two_arms import FORMAT

PROMPTS = [[50, 51, 52], [60]]


def replies(tokenizer: Any, *texts: str) -> list[Reply]:
    """Replies with these texts, marked behind their marker."""
    found = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        begun = text.partition("Confidence:")[0] + "Confidence:"
        marked = len(tokenizer(begun, add_special_tokens=False)["input_ids"])
        found.append(Reply([*ids, tokenizer.eos_token_id], 0.0, min(marked, len(ids) + 1)))
    return found


def test_what_could_have_been_said_in_place_of_what_was(red: ModelRef) -> None:
    policy = Policy(red)
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    spoken = replies(policy.tokenizer, "Answer: red Confidence: 3", "Answer: red, I think")

    stakes = at_stake(tokens, PROMPTS, spoken, [True, False], [[0.0] * 12] * 2, policy)

    assert stakes.place.tolist() == [spoken[0].marked + len(tokens.branches[0]), -1]
    for branch, (ids, mask) in zip(tokens.branches[1:], stakes.branches, strict=True):
        for row, (prompt, reply) in enumerate(zip(PROMPTS, spoken, strict=True)):
            text = [*prompt, *reply.tokens[: reply.marked], *branch]
            assert ids[row, -len(text) :].tolist() == text
            assert mask[row].tolist() == [0] * (ids.shape[1] - len(text)) + [1] * len(text)


def test_a_readable_reply_without_a_marker_has_nothing_at_stake(red: ModelRef) -> None:
    """Where nothing leads up to the confidence, its place would be one behind the reply."""
    policy = Policy(red)
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    tokens.branches = [(), *tokens.branches[1:]]
    (spoken,) = replies(policy.tokenizer, "Answer: red, confidence: 3")
    assert spoken.marked == len(spoken.tokens)

    stakes = at_stake(tokens, PROMPTS[:1], [spoken], [True], [[0.0] * 12], policy)

    assert stakes.place.tolist() == [-1]


@pytest.mark.parametrize("explore", [1.0, 1.5])
def test_the_summed_loss_is_the_expectation_over_all_confidences(
    red: ModelRef, explore: float
) -> None:
    policy = stirred(red)
    tokenizer = policy.tokenizer
    tokens = ConfidenceTokens(FORMAT, tokenizer, {tokenizer.eos_token_id})
    spoken = replies(tokenizer, "Answer: red Confidence: 3", "Answer: red Confidence: 10")
    correct = [1.0, 0.0]
    reward = build("reward", "quadratic")
    choices = [*tokens.values, None]
    payoffs = [reward.reward([y] * 12, choices) for y in correct]
    stakes = at_stake(tokens, PROMPTS, spoken, [True, True], payoffs, policy)
    options = PPOTrainer(confidences="summed", explore=explore, entropy=0.3)
    learner = Learner(options, policy, torch.optim.SGD(policy.parameters(), lr=1), tokens)
    longest = max(len(reply.tokens) for reply in spoken)
    rows = [
        [*prompt, *reply.tokens, *[0] * (longest - len(reply.tokens))]
        for prompt, reply in zip(PROMPTS, spoken, strict=True)
    ]
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor(
        [
            [0] * (width - len(row)) + [1] * (len(prompt) + len(reply.tokens)) + [0] * pad
            for row, prompt, reply in zip(rows, PROMPTS, spoken, strict=True)
            for pad in [longest - len(reply.tokens)]
        ]
    )

    found = learner._summed(stakes, torch.arange(2), policy.look(ids, mask, longest).logprobs)

    expected = []
    for prompt, reply, y in zip(PROMPTS, spoken, correct, strict=True):
        logprobs = []
        for behind in FORMAT.confidences:
            begun = [*prompt, *reply.tokens[: reply.marked]]
            tail = tokenizer("Confidence:" + behind, add_special_tokens=False)["input_ids"]
            tail = tail[len(tokenizer("Confidence:", add_special_tokens=False)["input_ids"]) :]
            whole = torch.tensor([[*begun, *tail]])
            steps = (policy.model(whole).logits[0] / explore).log_softmax(-1)
            total = torch.zeros(())
            for place, token in enumerate([*tail, tokenizer.eos_token_id]):
                if tuple(tail[:place]) in tokens.branches:
                    total = total + steps[len(begun) + place - 1, token]
            logprobs.append(total)
        chances = torch.stack(logprobs).exp()
        paid = torch.tensor([1 - 2 * (y - k / 10) ** 2 for k in range(11)])
        doubt = -(chances * chances.log()).sum()
        expected.append((chances * paid).sum() - (1 - chances.sum()) + 0.3 * doubt)
    torch.testing.assert_close(found, -torch.stack(expected).mean(), atol=1e-5, rtol=1e-4)
