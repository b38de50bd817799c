from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from pydantic import PrivateAttr, ValidationError

from saysel import hf
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply
from saysel.records import ModelRef
from saysel.rewards.quadratic import QuadraticReward
from saysel.samplers.transformers import TransformersSampler
from saysel.sources.witness import WitnessSource
from saysel.testing import Data
from saysel.trainers.batches import question_batch
from saysel.trainers.lora import Lora
from saysel.trainers.ppo.confidence_rewards import confidence_rewards
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import Rollouts, assemble
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.two_arms import FORMAT, same, weights

PROMPTS = [[50, 51, 52], [60], [70, 71], [80, 81, 82, 83]]
REPLIES = [
    Reply([90, 91, 92, 1], 0.0, marker_end=2),
    Reply([93, 94], 0.0, marker_end=2),
    Reply([95, 96, 97], 0.0, marker_end=1),
    Reply([98, 99, 100, 101, 1], 0.0, marker_end=3),
]
REWARDS = [0.7, -1.0, -0.3, 0.9]
READABLE = [True, False, True, True]
#: The trained tokens of each reply, and the tokens with its reward.
TRAINED = [[0, 0, 1, 1], [1, 1], [0, 1, 1], [0, 0, 0, 1, 1]]
TOKEN_REWARDS = [[0, 0, 0, 0.7], [-0.5, -0.5], [0, 0, -0.3], [0, 0, 0, 0, 0.9]]
OPTIONS = PPOTrainer(
    batch_size=4, mini_batch_size=4, epochs=1, gamma=0.9, lam=0.8, kl=0.5, kl_trained=0.1
)


def by_hand(policy: Policy, kl_factor: float = 1.0) -> torch.Tensor:
    """The loss of the first update, reply by reply without padding, from the definitions."""
    g, lam = OPTIONS.gamma, OPTIONS.lam
    surrogates, penalties, errors, advantages, chosen = [], [], [], [], []
    for prompt, reply, paid, trained, readable in zip(
        PROMPTS, REPLIES, TOKEN_REWARDS, TRAINED, READABLE, strict=True
    ):
        text = torch.tensor([[*prompt, *reply.tokens]])
        out = policy.model(text, output_hidden_states=True)
        start = len(prompt) - 1
        logprobs = out.logits[0, start:-1].log_softmax(-1)
        with torch.no_grad():
            fixed = policy.frozen(text).logits[0, start:-1].log_softmax(-1)
        values = policy.head(out.hidden_states[-1][0, start:-1].detach())[:, 0]
        size = len(reply.tokens)
        v = [*values.tolist(), 0.0]
        deltas = [paid[t] + g * v[t + 1] - v[t] for t in range(size)]
        gained = [
            sum((g * lam) ** later * delta for later, delta in enumerate(deltas[t:]))
            for t in range(size)
        ]
        if readable:
            # Before the first update the values are the old ones, so nothing is clipped.
            errors.append(
                (values - torch.tensor([a + b for a, b in zip(gained, v[:-1], strict=True)])) ** 2
            )
        advantages.append(torch.tensor(gained))
        # The ratio is 1, its gradient that of the log-probability.
        picked = logprobs.gather(1, torch.tensor(reply.tokens)[:, None])[:, 0]
        chosen.append((picked - picked.detach()).exp())
        divergence = (logprobs.exp() * (logprobs - fixed)).sum(-1)
        free = [m and readable for m in trained]
        held = torch.tensor([OPTIONS.kl_trained if one else OPTIONS.kl for one in free])
        penalties.append(kl_factor * (held * divergence).sum())
    moved = [torch.tensor(trained, dtype=torch.bool) for trained in TRAINED]
    pool = torch.cat(
        [
            gained[m]
            for gained, m, readable in zip(advantages, moved, READABLE, strict=True)
            if readable
        ]
    )
    deviation = pool.std(unbiased=False)
    for row, (ratio, gained, m) in enumerate(zip(chosen, advantages, moved, strict=True)):
        normal = (
            (gained[m] - pool.mean()) / deviation
            if READABLE[row]
            else torch.tensor(TOKEN_REWARDS[row])
        )
        surrogates.append(-(ratio[m] * normal).sum())
    return (
        torch.stack(surrogates).mean()
        + torch.stack(penalties).mean()
        + 0.5 * torch.cat(errors).mean()
    )


def moved_policy(ref: ModelRef) -> Policy:
    """A policy that differs from its reference, with a value head that is not 0."""
    policy = Policy(ref)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
        torch.nn.init.normal_(policy.head.weight, std=0.1)
    return policy


def rollouts(policy: Policy) -> Rollouts:
    pad = policy.tokenizer.pad_token_id
    device = torch.device(policy.model.device)
    return assemble(
        prompts=PROMPTS,
        replies=REPLIES,
        rewards=REWARDS,
        readable=READABLE,
        has_answer=[False] * len(REPLIES),
        mask="confidence",
        pad=pad,
        device=device,
    )


def logprobs(policy: Policy, ids: torch.Tensor, mask: torch.Tensor, length: int) -> torch.Tensor:
    """The policy's log-probabilities at the last positions, [B * T, V]."""
    return policy.logprobs(policy.forward(ids, mask, length).states.flatten(0, 1)).detach()


def reference_logprobs(
    policy: Policy, ids: torch.Tensor, mask: torch.Tensor, length: int
) -> torch.Tensor:
    """The same of the reference."""
    states = policy.reference_states(ids, mask, length)
    return policy.reference_logprobs(states.flatten(0, 1))


def learn(learner: Learner, batch: Rollouts) -> dict[str, float]:
    return learner.update(batch, learner.targets(batch), torch.Generator().manual_seed(0))


def test_one_whole_step_is_the_one_computed_by_hand(red: ModelRef) -> None:
    ours, theirs = moved_policy(red), moved_policy(red)
    rate = 0.1
    trained = [*ours.parameters(), *ours.head.parameters()]
    learner = Learner(OPTIONS, ours, torch.optim.SGD(trained, lr=rate))

    learn(learner, rollouts(ours))

    by_hand(theirs).backward()
    norm = sum(float((w.grad**2).sum()) for w in theirs.parameters() if w.grad is not None) ** 0.5
    assert norm > 1  # so that the clipping of the norm to 1 takes part
    for mine, hand in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert hand.grad is not None
        expected = hand.detach() - rate * hand.grad / norm
        torch.testing.assert_close(mine.detach(), expected, atol=2e-5, rtol=1e-4)
        assert not torch.equal(mine, hand)
    for mine, hand in zip(ours.head.parameters(), theirs.head.parameters(), strict=True):
        assert hand.grad is not None
        torch.testing.assert_close(mine, hand - rate * hand.grad, atol=2e-5, rtol=1e-4)


def gradients(ref: ModelRef, **options: Any) -> tuple[dict[str, float], list[torch.Tensor]]:
    """The figures of one update, and its gradients."""
    policy = Policy(ref, gradient_checkpointing=options.get("gradient_checkpointing", False))
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    trained = [*policy.parameters(), *policy.head.parameters()]
    optimizer = torch.optim.SGD(trained, lr=1e-9)
    tokens = None
    if options.get("confidences") == "expected":
        tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    learner = Learner(OPTIONS.model_copy(update=options), policy, optimizer, tokens)
    given = rollouts(policy)
    if tokens is not None:
        rewards = [[row / 4 - column / 12 for column in range(12)] for row in range(4)]
        every = confidence_rewards(policy, tokens, PROMPTS, REPLIES, READABLE, rewards)
        # As if the third token of each reply decided its confidence.
        every = replace(every, position=torch.tensor([2, -1, 2, 2]))
        given = replace(given, confidence_rewards=every)
    figures = learn(learner, given)
    return figures, [weight.grad for weight in trained if weight.grad is not None]


@pytest.mark.parametrize("base", ["red", "adapted"])
@pytest.mark.parametrize("confidences", ["sampled", "expected"])
def test_the_size_of_passes_chunks_and_kept_activations_does_not_change_an_update(
    base: str,
    confidences: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ref = request.getfixturevalue(base)
    figures, whole = gradients(ref, confidences=confidences)

    # Three positions in a chunk; the vocabulary has 300 entries.
    monkeypatch.setattr("saysel.hf.hidden_states.LOGITS_PER_CHUNK", 1000)
    for options in (
        {},
        {"micro_batch_size": 1},
        {"micro_batch_size": 3, "gradient_checkpointing": True},
    ):
        other_figures, others = gradients(ref, confidences=confidences, **options)
        assert other_figures == pytest.approx(figures, rel=1e-4, abs=1e-6)
        assert len(others) == len(whole) > 5
        for one, other in zip(whole, others, strict=True):
            torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("options", [{}, {"whiten": False}, {"scale_rewards": True}])
def test_the_weight_of_unreadable_replies_is_recorded(
    options: dict[str, Any], red: ModelRef
) -> None:
    policy = moved_policy(red)
    learner = Learner(
        OPTIONS.model_copy(update=options), policy, torch.optim.SGD(policy.parameters(), lr=1e-9)
    )

    figures = learn(learner, rollouts(policy))

    scale = (sum(reward**2 for reward in REWARDS) / 4) ** 0.5 if "scale_rewards" in options else 1
    assert figures["advantage_unreadable"] == pytest.approx(1 / scale)
    assert figures["advantage_readable"] > 0.1


def test_an_unreadable_reply_weighs_the_same_with_expected_confidences(red: ModelRef) -> None:
    policy = moved_policy(red)
    options = OPTIONS.model_copy(update={"confidences": "expected"})
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    rewards = [[0.0] * (len(tokens.values) + 1)] * 4
    every = confidence_rewards(policy, tokens, PROMPTS, REPLIES, READABLE, rewards)
    learner = Learner(options, policy, torch.optim.SGD(policy.parameters(), lr=1e-9), tokens)

    figures = learn(learner, replace(rollouts(policy), confidence_rewards=every))

    assert figures["advantage_unreadable"] == pytest.approx(1)


def test_the_kl_factor_weighs_and_moves(red: ModelRef) -> None:
    policy = moved_policy(red)
    options = OPTIONS.model_copy(update={"kl_target": 1e-6})
    learner = Learner(options, policy, torch.optim.SGD(policy.parameters(), lr=1e-9))

    first = learn(learner, rollouts(policy))
    second = learn(learner, rollouts(policy))

    # Far above its target, so a tenth of 20 % is added each time.
    assert first["kl"] > 1e-3
    assert first["kl_factor"] == pytest.approx(1.02)
    assert second["kl_factor"] == pytest.approx(1.02**2)


def test_scaled_rewards_are_divided_by_their_running_root_mean_square(red: ModelRef) -> None:
    policy = Policy(red)
    options = OPTIONS.model_copy(update={"scale_rewards": True})
    learner = Learner(options, policy, torch.optim.SGD(policy.parameters(), lr=1e-9))

    assert learner._reward_scale(torch.tensor([3.0, 4.0])) == pytest.approx(12.5**0.5)
    # (9 + 16 + 0 + 1) / 4
    assert learner._reward_scale(torch.tensor([0.0, 1.0])) == pytest.approx(6.5**0.5)
    plain = Learner(OPTIONS, policy, torch.optim.SGD(policy.parameters(), lr=1e-9))
    assert plain._reward_scale(torch.tensor([3.0, 4.0])) == 1.0


def test_value_head_sends_no_gradient_into_the_model(red: ModelRef) -> None:
    policy = moved_policy(red)
    given = rollouts(policy)

    policy.forward(given.ids, given.mask, 5).values.sum().backward()

    assert all(weight.grad is None for weight in policy.parameters())
    assert policy.head.weight.grad is not None


def test_padding_does_not_change_the_output(red: ModelRef) -> None:
    policy = moved_policy(red)
    given = rollouts(policy)
    output = policy.forward(given.ids, given.mask, given.actions.shape[1])

    for row, (prompt, reply) in enumerate(zip(PROMPTS, REPLIES, strict=True)):
        alone = policy.model(torch.tensor([[*prompt, *reply.tokens]])).logits[0]
        size = len(reply.tokens)
        expected = alone[len(prompt) - 1 : -1].log_softmax(-1)
        found = policy.logprobs(output.states[row, :size])
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("base", ["red", "adapted"])
def test_the_reference_does_not_change_in_training(
    base: str, request: pytest.FixtureRequest
) -> None:
    policy = Policy(request.getfixturevalue(base))
    given = rollouts(policy)
    before = logprobs(policy, given.ids, given.mask, 5)

    with torch.no_grad():
        for weight in policy.parameters():
            weight.add_(0.05)

    torch.testing.assert_close(reference_logprobs(policy, given.ids, given.mask, 5), before)
    assert not torch.allclose(logprobs(policy, given.ids, given.mask, 5), before)


def test_each_pass_uses_every_question_once(two_arms: Data) -> None:
    questions = list(two_arms.all_questions)  # 32 of them
    chosen = [one.id for step in range(8) for one in question_batch(questions, 12, 1, step, seed=0)]

    for start in range(0, 96, 32):
        assert sorted(chosen[start : start + 32]) == sorted(one.id for one in questions)
    assert chosen[:32] != chosen[32:64]
    assert [one.id for one in question_batch(questions, 12, 1, 5, seed=0)] == chosen[60:72]
    assert len(question_batch(questions[:3], 8, 1, 0, seed=0)) == 8
    twice = [one.id for one in question_batch(questions, 12, 2, 0, seed=0)]
    assert twice == [name for name in chosen[:6] for _ in range(2)]


class Breaks(QuadraticReward):
    """The quadratic reward, until the process is killed in the middle of a step."""

    good_for: int
    _calls: int = PrivateAttr(0)

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        self._calls += 1
        if self._calls > self.good_for:
            raise KeyboardInterrupt
        return super().reward(correct, confidence)


SHORT: dict[str, Any] = {
    "lora": None,
    "steps": 6,
    "batch_size": 8,
    "mini_batch_size": 4,
    "learning_rate": 1e-3,
    "max_tokens": 12,
    "checkpoint_every": 1,
    "scale_rewards": True,
    "kl_target": 0.01,
}


@pytest.mark.parametrize("base", ["red", "adapted"])
def test_killed_and_resumed_is_as_if_nothing_had_happened(
    base: str, request: pytest.FixtureRequest, two_arms: Data, tmp_path: Path
) -> None:
    ref = request.getfixturevalue(base)
    again = replace(two_arms, figures=[])

    straight = PPOTrainer(**SHORT).train(ref, two_arms, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        PPOTrainer(**SHORT, reward=Breaks(good_for=3)).train(ref, again, tmp_path / "resumed")
    assert [entry["step"] for entry in again.figures] == [1, 2, 3]
    resumed = PPOTrainer(**SHORT).train(ref, again, tmp_path / "resumed")

    assert again.figures == two_arms.figures
    assert same(straight, resumed)
    assert not same(straight, ref)
    assert again.progress.done == 6  # type: ignore[attr-defined]


def test_an_adapter_is_trained_and_its_base_left_alone(
    adapted: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    trained = PPOTrainer(**SHORT).train(adapted, two_arms, tmp_path)

    assert trained == ModelRef(adapted.path, adapter=str(tmp_path / "model"), dtype="float32")
    assert weights(trained).keys() == weights(adapted).keys()
    assert hf.load_model(trained) is not None


def says(model: ModelRef, data: Data, temperature: float, n: int) -> dict[str, list[Any]]:
    """What the model says about either arm."""
    sampler = TransformersSampler(max_tokens=12, temperature=temperature)
    prompts = [FORMAT.prompt(question) for question in data.all_questions]
    found: dict[str, list[Any]] = {"sun": [], "moon": []}
    for question, replies in zip(
        data.all_questions, sampler.sample(model, prompts, n, 0), strict=True
    ):
        arm = question.id.rstrip("0123456789")
        found[arm] += [FORMAT.parse(reply.text) for reply in replies]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "confidences", "steps", "rate"),
    [
        ("red", "sampled", 110, 1e-3),
        ("red", "expected", 30, 2e-3),
        ("adapted", "sampled", 110, 4e-3),
        ("adapted", "expected", 30, 4e-3),
    ],
)
def test_confidence_becomes_calibrated_on_two_arms(
    base: str,
    confidences: Literal["sampled", "expected"],
    steps: int,
    rate: float,
    request: pytest.FixtureRequest,
    two_arms: Data,
    tmp_path: Path,
) -> None:
    ref = request.getfixturevalue(base)
    before = says(ref, two_arms, 1.0, 20)
    trainer = PPOTrainer(
        lora=None,
        steps=steps,
        batch_size=128,
        mini_batch_size=32,
        learning_rate=rate,
        max_tokens=12,
        kl=0.5,
        confidences=confidences,
        # Once most confidences are right, normalising makes their small differences as large as
        # ever, next to which the -1 of an unreadable reply is little: below the adapter, only
        # 84 % of the replies about the moon could be read at the end, instead of 94 %.
        whiten=False,
    )

    trained = trainer.train(ref, two_arms, tmp_path)

    after = says(trained, two_arms, 1.0, 20)
    # Decoded as in training, every reply can still be read and answers as it did.
    greedy = says(trained, two_arms, 0.0, 1)
    for parsed in (*greedy["sun"], *greedy["moon"]):
        assert (parsed.answer, parsed.confidence is None) == ("red", False)
    # Below an adapter, the norm and the output weights stay as they are: no hidden state at all
    # can give "0" more than .76 of the probability here, and the rest goes to others.
    within = 0.15 if base == "red" else 0.35
    for arm, calibrated in (("sun", 1.0), ("moon", 0.0)):
        was, now, likeliest = (
            [part.confidence for part in found[arm] if part.confidence is not None]
            for found in (before, after, greedy)
        )
        assert 0.35 < sum(was) / len(was) < 0.65
        # Two tenths off costs .08 of 2.
        assert sum(likeliest) / len(likeliest) == pytest.approx(calibrated, abs=0.25)
        assert sum(now) / len(now) == pytest.approx(calibrated, abs=within)
        assert len(now) > 0.93 * len(after[arm])


def test_a_new_adapter_is_measured_against_the_model_below_it(red: ModelRef) -> None:
    policy = Policy(red, Lora(r=4, dropout=0))
    ids = torch.tensor([[50, 51, 52, 90, 91]])
    mask = torch.ones_like(ids)
    before = logprobs(policy, ids, mask, 2)

    assert torch.equal(reference_logprobs(policy, ids, mask, 2), before)
    with torch.no_grad():
        for weight in policy.parameters():
            weight += 0.1
    assert torch.equal(reference_logprobs(policy, ids, mask, 2), before)
    assert not torch.allclose(logprobs(policy, ids, mask, 2), before)
    assert sum(weight.numel() for weight in policy.parameters()) < 0.5 * sum(
        weight.numel() for weight in policy.model.parameters()
    )
    assert list(policy.trained_model().peft_config) == ["default"]


def test_ppo_trains_an_adapter_where_one_is_asked_for(red: ModelRef, tmp_path: Path) -> None:
    trainer = PPOTrainer.model_validate(
        {"steps": 1, "batch_size": 4, "mini_batch_size": 4, "max_tokens": 8, "lora": {"r": 4}}
    )
    questions = list(WitnessSource(train=4).questions("train"))
    made = trainer.train(red, Data(all_questions=questions, format=FORMAT), tmp_path)

    assert made.path == red.path
    assert made.adapter is not None and (Path(made.adapter) / "adapter_config.json").is_file()


def test_rewards_are_scaled_only_with_sampled_confidences() -> None:
    with pytest.raises(ValidationError, match="scale_rewards needs confidences: sampled"):
        PPOTrainer(confidences="expected", scale_rewards=True)
