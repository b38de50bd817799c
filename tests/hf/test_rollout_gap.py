from __future__ import annotations

import math

import pytest
import torch

from saysel.hf.generation import Reply
from saysel.hf.rollout_gap import DrawnTokens, importance_weights

REPLIES = [
    Reply([5, 6, 7], -3.0, 0, temperatures=[1.0, 0.7, 0.7], token_logprobs=[-1.0, -0.5, -2.0]),
    Reply([8], -1.0, 0, temperatures=[0.7], token_logprobs=[-0.25]),
]
#: By the policy that is trained, at temperature 0.7.
LOGPROBS = torch.tensor([[-9.0, -0.6, -0.5], [-0.25, -9.0, -9.0]])
TRAINED = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def test_weights_are_probability_ratios_up_to_the_limit() -> None:
    drawn = DrawnTokens.of(REPLIES, torch.device("cpu"))

    weights, figures = importance_weights(LOGPROBS, drawn, 0.7, TRAINED, limit=2.0)

    # The first token was drawn at another temperature; the last of the first row exceeds 2.
    expected = [[1.0, math.exp(-0.1), 2.0], [1.0, 1.0, 1.0]]
    assert weights.tolist() == [pytest.approx(row) for row in expected]
    assert figures["rollout_gap"] == pytest.approx((0.1 + 1.5 + 0) / 3)
    assert figures["truncated_weights"] == pytest.approx(1 / 3)


def test_tokens_that_are_not_trained_do_not_count() -> None:
    drawn = DrawnTokens.of(REPLIES, torch.device("cpu"))
    trained = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])

    weights, figures = importance_weights(LOGPROBS, drawn, 0.7, trained, limit=2.0)

    assert weights.tolist() == [[1.0] * 3] * 2
    assert figures == {"rollout_gap": 0.0, "truncated_weights": 0.0}


def test_replies_drawn_at_another_temperature_have_no_gap() -> None:
    drawn = DrawnTokens.of(REPLIES, torch.device("cpu"))

    weights, figures = importance_weights(LOGPROBS, drawn, 0.5, TRAINED, limit=2.0)

    assert weights.tolist() == [[1.0] * 3] * 2
    assert figures == {}


def test_impossible_tokens_keep_a_positive_weight() -> None:
    drawn = DrawnTokens.of(REPLIES[1:], torch.device("cpu"))

    weights, _ = importance_weights(torch.tensor([[-1e4]]), drawn, 0.7, torch.ones(1, 1), 2.0)

    assert torch.isfinite(weights.log()).all()
