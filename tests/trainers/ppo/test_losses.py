"""The losses of PPO against values computed by hand, as shown in the comments."""

from __future__ import annotations

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, tensor

from saysel.trainers.ppo.losses import (
    adapt_coefficient,
    expected_reward_loss,
    gae,
    kl,
    policy_advantages,
    policy_loss,
    value_loss,
    whiten,
)


def close(found: Tensor, expected: list[list[float]] | float) -> None:
    torch.testing.assert_close(found, tensor(expected), rtol=0, atol=1e-6)


def test_gae_by_hand() -> None:
    # gamma .9, lambda .5; rewards 0 0 1, values .2 .4 .6, nothing after the last token:
    #   delta_2 = 1 + 0       - .6 =  .4       A_2 =  .4
    #   delta_1 = 0 + .9 * .6 - .4 =  .14      A_1 =  .14 + .45 * .4  = .32
    #   delta_0 = 0 + .9 * .4 - .2 =  .16      A_0 =  .16 + .45 * .32 = .304
    advantages, returns = gae(
        tensor([[0.0, 0.0, 1.0]]),
        tensor([[0.2, 0.4, 0.6]]),
        torch.ones(1, 3),
        torch.zeros(1, 3),
        0.9,
        0.5,
    )

    close(advantages, [[0.304, 0.32, 0.4]])
    close(returns, [[0.504, 0.72, 1.0]])


def test_gae_of_a_shorter_reply_ends_at_its_own_end() -> None:
    # The second reply has two tokens; the padding after it has a value that must not count.
    #   delta_1 = 1 - .4 = .6 = A_1,  delta_0 = 0 + .9 * .4 - .2 = .16,  A_0 = .16 + .45 * .6 = .43
    advantages, returns = gae(
        tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
        tensor([[0.2, 0.4, 0.6], [0.2, 0.4, 9.0]]),
        tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]),
        torch.zeros(2, 3),
        0.9,
        0.5,
    )

    close(advantages, [[0.304, 0.32, 0.4], [0.43, 0.6, 0.0]])
    close(returns, [[0.504, 0.72, 1.0], [0.63, 1.0, 0.0]])


def test_gae_of_a_segment_sees_nothing_of_the_next() -> None:
    # The first segment ends with the second token: as two replies of two tokens and of one.
    #   delta_1 = 1 - .4 = .6 = A_1,  delta_0 = 0 + .9 * .4 - .2 = .16,  A_0 = .16 + .45 * .6 = .43
    #   A_2 = -1 - .6 = -1.6
    advantages, returns = gae(
        tensor([[0.0, 1.0, -1.0]]),
        tensor([[0.2, 0.4, 0.6]]),
        torch.ones(1, 3),
        tensor([[0.0, 1.0, 1.0]]),
        0.9,
        0.5,
    )

    close(advantages, [[0.43, 0.6, -1.6]])
    close(returns, [[0.63, 1.0, -1.0]])


rewards = st.lists(st.floats(-2, 2), min_size=4, max_size=4)


@given(rewards, rewards, st.floats(0.1, 1))
def test_gae_with_lambda_one_is_the_discounted_sum_less_the_value(
    paid: list[float], values: list[float], gamma: float
) -> None:
    advantages, returns = gae(
        tensor([paid]), tensor([values]), torch.ones(1, 4), torch.zeros(1, 4), gamma, 1.0
    )

    for t in range(4):
        total = sum(gamma**later * reward for later, reward in enumerate(paid[t:]))
        assert float(returns[0, t]) == pytest.approx(total, abs=1e-5)
        assert float(advantages[0, t]) == pytest.approx(total - values[t], abs=1e-5)


@given(rewards, rewards)
def test_gae_with_lambda_zero_is_the_error_of_one_step(
    paid: list[float], values: list[float]
) -> None:
    advantages, _ = gae(
        tensor([paid]), tensor([values]), torch.ones(1, 4), torch.zeros(1, 4), 0.9, 0.0
    )

    upcoming = [*values[1:], 0.0]
    for t in range(4):
        assert float(advantages[0, t]) == pytest.approx(
            paid[t] + 0.9 * upcoming[t] - values[t], abs=1e-5
        )


def test_policy_loss_by_hand() -> None:
    # Ratios .5, 1, 1.5, clip .2:
    #   A = +1: min(.5, .8) = .5    min(1, 1) =  1    min(1.5, 1.2)   =  1.2
    #   A = -1: min(-.5, -.8) = -.8           = -1    min(-1.5, -1.2) = -1.5
    # A reply's loss is minus the sum of its tokens:
    #   reply 1: -(.5 + 1 + 1.2) = -2.7,  reply 2: .8 + 1 + 1.5 = 3.3
    ratios = tensor([[0.5, 1.0, 1.5], [0.5, 1.0, 1.5]])
    old = tensor([[-1.0, -2.0, -3.0], [-3.0, -2.0, -1.0]])
    advantages = tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]])

    close(policy_loss(old + ratios.log(), old, advantages, torch.ones(2, 3), 0.2), [-2.7, 3.3])
    # Without reply 1's last and reply 2's first token: -(.5 + 1) and 1 + 1.5
    mask = tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    close(policy_loss(old + ratios.log(), old, advantages, mask, 0.2), [-1.5, 2.5])


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"),
    [
        # d/dlogp of -rho A is -rho A; where the clipped side is the smaller one it is 0.
        *((1.0, 2.0, -2.0), (1.1, 1.0, -1.1), (0.5, 1.0, -0.5), (1.5, 1.0, 0.0)),
        *((1.5, -1.0, 1.5), (0.5, -1.0, 0.0), (0.9, -1.0, 0.9)),
    ],
)
def test_gradient_of_the_policy_loss(ratio: float, advantage: float, slope: float) -> None:
    logprobs = tensor([[log(ratio) - 2.0]], requires_grad=True)

    policy_loss(logprobs, tensor([[-2.0]]), tensor([[advantage]]), torch.ones(1, 1), 0.2).backward()

    assert logprobs.grad is not None
    close(logprobs.grad, [[slope]])


def test_tokens_outside_of_the_mask_have_no_gradient() -> None:
    logprobs = tensor([[-1.0, -1.0]], requires_grad=True)

    policy_loss(
        logprobs, tensor([[-1.0, -1.0]]), torch.ones(1, 2), tensor([[0.0, 1.0]]), 0.2
    ).backward()

    assert logprobs.grad is not None
    close(logprobs.grad, [[0.0, -1.0]])


def test_value_loss_by_hand() -> None:
    # Old value 0, clip .2. Errors squared, unclipped and held:
    #   V .1, return 1:  (.1 - 1)^2 = .81,  held at .1: .81              worse .81
    #   V .5, return 1:  (.5 - 1)^2 = .25,  held at .2: (.2 - 1)^2 = .64  worse .64
    #   V .5, return 0:  .25,               held at .2: .04              worse .25
    # Half their sum: .5 * (.81 + .64 + .25) = .85
    values, returns = tensor([[0.1, 0.5, 0.5]]), tensor([[1.0, 1.0, 0.0]])
    old = torch.zeros(1, 3)

    close(value_loss(values, old, returns, torch.ones(1, 3), 0.2), [0.85])
    # The last token is padding: .5 * (.81 + .64)
    close(value_loss(values, old, returns, tensor([[1.0, 1.0, 0.0]]), 0.2), [0.725])


def test_value_loss_is_a_sum_over_the_tokens_of_a_reply() -> None:
    # Errors 1, 1 and 1 of one reply, 4 of the other.
    values = tensor([[1.0, 1.0, 1.0], [2.0, 5.0, 5.0]])
    tokens = tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])

    close(value_loss(values, values, torch.zeros(2, 3), tokens, 0.2), [1.5, 2.0])


def test_kl_by_hand() -> None:
    # .5 ln(.5 / .25) + .5 ln(.5 / .75) = .5 ln 2 + .5 ln(2 / 3) = .143841
    policy, reference = tensor([[[0.5, 0.5]]]), tensor([[[0.25, 0.75]]])

    close(kl(policy.log(), reference.log()), [[0.5 * log(2) + 0.5 * log(2 / 3)]])
    close(kl(policy.log(), policy.log()), [[0.0]])


def test_kl_is_torchs_own() -> None:
    torch.manual_seed(0)
    policy, reference = (torch.randn(3, 4, 7).log_softmax(-1) for _ in range(2))
    expected = torch.nn.functional.kl_div(reference, policy, log_target=True, reduction="none")

    torch.testing.assert_close(kl(policy, reference), expected.sum(-1))
    assert bool((kl(policy, reference) > 0).all())


def test_whiten_by_hand() -> None:
    # Of 1, 3, 5 the mean is 3 and the variance (4 + 0 + 4) / 3; the 9 does not count.
    spread = (8 / 3) ** 0.5
    found = whiten(tensor([[1.0, 3.0], [5.0, 9.0]]), tensor([[1.0, 1.0], [1.0, 0.0]]))

    close(found, [[-2 / spread, 0.0], [2 / spread, 0.0]])


@pytest.mark.parametrize("values", [[[2.0, 2.0]], [[0.0, 0.0]]])
def test_whitening_equal_values_gives_zeros(values: list[list[float]]) -> None:
    close(whiten(tensor(values), torch.ones(1, 2)), [[0.0, 0.0]])
    close(whiten(tensor(values), torch.zeros(1, 2)), [[0.0, 0.0]])


def batch_with_unreadable(
    unreadable: int, long: int, short: int = 3, size: int = 64, reward: float = -1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Estimates, rewards, trained, readable; the first `unreadable` replies are unreadable."""
    torch.manual_seed(0)
    readable = (torch.arange(size) >= unreadable).float()
    lengths = torch.where(readable > 0, short, long)
    tokens = (torch.arange(max(long, short))[None] < lengths[:, None]).float()
    last = torch.arange(max(long, short))[None] == lengths[:, None] - 1
    rewards = torch.where(
        readable[:, None] > 0, torch.rand(size, 1) * 2 * last, reward * tokens / lengths[:, None]
    )
    estimates, _ = gae(
        rewards, torch.zeros_like(rewards), tokens, torch.zeros_like(rewards), 1.0, 0.95
    )
    return estimates, rewards, tokens, readable


@given(
    unreadable=st.integers(0, 64),
    long=st.integers(1, 200),
    reward=st.floats(-20, -0.01),
    normalise=st.booleans(),
)
def test_an_unreadable_reply_weighs_its_reward_and_leaves_the_others_alone(
    unreadable: int, long: int, reward: float, normalise: bool
) -> None:
    estimates, rewards, trained, readable = batch_with_unreadable(unreadable, long, reward=reward)

    found = policy_advantages(estimates, rewards, trained, readable, normalise)

    broken, good = found[readable == 0], found[readable > 0]
    torch.testing.assert_close(broken.sum(-1), torch.full((unreadable,), reward))
    assert bool((broken <= 0).all())
    if normalise and len(good):
        assert float(good.sum()) == pytest.approx(0, abs=1e-3)
        # As if the unreadable replies were not there.
        alone = whiten(estimates[readable > 0], trained[readable > 0])
        torch.testing.assert_close(good, alone)
    elif len(good):
        assert torch.equal(good, estimates[readable > 0] * trained[readable > 0])


def test_one_unreadable_reply_of_64_does_not_outweigh_the_batch() -> None:
    found = policy_advantages(*batch_with_unreadable(1, 150), normalise=True)

    sums = found.abs().sum(-1)
    assert float(sums[0]) == pytest.approx(1)
    assert 2 < float(sums[1:].mean()) < 3  # three tokens of unit variance


def test_nothing_reinforces_an_unreadable_reply() -> None:
    found = policy_advantages(*batch_with_unreadable(2, 4, reward=0.5), normalise=False)

    assert float(found[:2].abs().sum()) == 0


@pytest.mark.parametrize(
    ("measured", "factor"),
    [
        # Target .1: errors 0, +10 %, -10 %, and beyond 20 % held there; a tenth of it applied.
        *((0.1, 1.0), (0.11, 1.01), (0.09, 0.99), (0.5, 1.02), (0.0, 0.98)),
    ],
)
def test_the_kl_coefficient_moves_towards_its_target(measured: float, factor: float) -> None:
    assert adapt_coefficient(3.0, measured, 0.1) == pytest.approx(3.0 * factor)


def test_expected_reward_loss_by_hand() -> None:
    # Two confidences. The first reply states them with .5 and .3, and something else with .2:
    #   .5 * 1 + .3 * .2 + .2 * -1 = .36,  entropy of what is stated .5 ln 2 + .3 ln(10 / 3)
    # The second does not count.
    logprobs = tensor([[0.5, 0.3], [0.9, 0.1]]).log()
    rewards_of_all = tensor([[1.0, 0.2, -1.0], [5.0, 5.0, 5.0]])
    counts = tensor([1.0, 0.0])

    close(expected_reward_loss(logprobs, rewards_of_all, counts, 0.0), [-0.36, 0.0])
    doubt = 0.5 * log(2) + 0.3 * log(10 / 3)
    close(expected_reward_loss(logprobs, rewards_of_all, counts, 0.1), [-0.36 - 0.1 * doubt, 0.0])


def test_sampling_estimates_the_gradient_of_the_expected_reward() -> None:
    # E[R grad log pi] over 200,000 samples against the gradient of the sum.
    torch.manual_seed(0)
    logits = torch.randn(1, 11, requires_grad=True)
    rewards_of_all = torch.randn(1, 12)
    (exact,) = torch.autograd.grad(
        expected_reward_loss(logits.log_softmax(-1), rewards_of_all, tensor([1.0]), 0.0), logits
    )
    samples = torch.multinomial(logits.detach().softmax(-1)[0], 200_000, replacement=True)
    counts = torch.bincount(samples, minlength=11) / 200_000
    estimate = -(counts * rewards_of_all[0, :11] * logits.log_softmax(-1)[0]).sum()
    (sampled,) = torch.autograd.grad(estimate, logits)

    torch.testing.assert_close(sampled, exact, atol=5e-3, rtol=0)
