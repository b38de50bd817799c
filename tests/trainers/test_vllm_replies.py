"""Replies of a policy in training, sampled by vLLM.

Needs a build of vLLM: `make test-vllm` makes an environment with one for the CPU.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from saysel import hf
from saysel.errors import StageError
from saysel.hf.decoding import Decoding
from saysel.hf.rollout_gap import DrawnTokens, importance_weights
from saysel.hf.vllm_replies import VLLMReplies
from saysel.interfaces import Prompt
from saysel.models.scratch import ScratchModel
from saysel.records import ModelRef
from saysel.testing import Data, Steps
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.lora import Lora
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.two_arms import FORMAT, TwoArms

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="make test-vllm has vLLM")

PROMPTS: list[Prompt] = [[{"role": "user", "content": f"sun {n}?"}] for n in range(4)]
LORA = Lora(r=4, alpha=8, dropout=0)


class Case(NamedTuple):
    model: ModelRef
    lora: Lora | None


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that speaks the format; vLLM's attention needs heads of 32 or more."""
    options = {"layers": 1, "width": 64, "heads": 2, "vocabulary": 300, "epochs": 4}
    scratch = ScratchModel(
        **options,
        batch_size=32,
        confidences=tuple(tenths / 10 for tenths in range(11)),
        practice=0,
        learning_rate=1e-2,
    )
    return scratch.prepare(TwoArms(), FORMAT, tmp_path_factory.mktemp("model"), 0, Steps())


@pytest.fixture(scope="module")
def untied(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The same model with an output layer of other weights than the embeddings."""
    lm = hf.load_model(model)
    lm.config.tie_word_embeddings = False
    lm.lm_head.weight = torch.nn.Parameter(lm.lm_head.weight.detach().clone())
    directory = tmp_path_factory.mktemp("untied")
    hf.save(lm, hf.load_tokenizer(model), directory)
    return replace(model, path=str(directory))


@pytest.fixture(params=["adapter", "all weights"])
def case(request: pytest.FixtureRequest, model: ModelRef, untied: ModelRef) -> Case:
    return Case(model, LORA) if request.param == "adapter" else Case(untied, None)


def trainable(model: ModelRef, lora: Lora | None, noise: float = 0.1) -> Any:
    """A policy whose weights differ by noise from those of the model."""
    torch.manual_seed(0)
    policy = hf.load_trainable(model, lora.config() if lora else None).eval()
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                weight.add_(noise * torch.randn_like(weight))
    return policy


def test_replies_are_those_of_the_current_weights(case: Case, tmp_path: Path) -> None:
    model, lora = case
    tokenizer = hf.load_tokenizer(model)
    prompts = hf.encode(tokenizer, PROMPTS)
    engine = VLLMReplies(model, tmp_path / "weights", 0.3, 128)
    policy = trainable(model, lora)
    greedy = Decoding(0, max_tokens=12)
    ends = hf.end_tokens(policy, tokenizer)

    found = []
    for _ in range(2):  # the second time, the weights have changed again
        generator = torch.Generator().manual_seed(0)
        arguments = (prompts, 1, greedy, generator, ends)
        ours = hf.generate(policy, tokenizer, *arguments)
        theirs = engine.generate(policy, *arguments)
        assert [[r.tokens for r in row] for row in theirs] == [
            [r.tokens for r in row] for row in ours
        ]
        assert [[(r.cut, r.marker_end) for r in row] for row in theirs] == [
            [(r.cut, r.marker_end) for r in row] for row in ours
        ]
        for (one,), (other,) in zip(theirs, ours, strict=True):
            assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=2e-2)
        found.append([row[0].tokens for row in theirs])
        with torch.no_grad():
            for weight in policy.parameters():
                if weight.requires_grad:
                    weight.add_(0.3 * torch.randn_like(weight))
    assert found[0] != found[1]
    assert not (tmp_path / "weights").exists()


def test_tokens_after_the_marker_have_their_own_temperature(
    model: ModelRef, tmp_path: Path
) -> None:
    lm, tokenizer = trainable(model, LORA, noise=0), hf.load_tokenizer(model)
    prompts = hf.encode(tokenizer, PROMPTS)
    marker = FORMAT.confidence_marker
    decoding = Decoding(0, max_tokens=40, marker=marker, temperature_after_marker=0.7)
    ends = hf.end_tokens(lm, tokenizer)
    engine = VLLMReplies(model, tmp_path / "weights", 0.3, 128)

    def sample(seed: int) -> list[list[hf.Reply]]:
        generator = torch.Generator().manual_seed(seed)
        return engine.generate(lm, prompts, 8, decoding, generator, ends)

    replies = sample(0)

    (greedy,) = hf.generate(
        lm, tokenizer, prompts[:1], 1, Decoding(0, 40, marker=marker), torch.Generator(), ends
    )
    start = greedy[0].marker_end
    assert {reply.marker_end for reply in replies[0]} == {start}
    assert {tuple(reply.tokens[:start]) for reply in replies[0]} == {
        tuple(greedy[0].tokens[:start])
    }
    assert len({tuple(reply.tokens[start:]) for reply in replies[0]}) > 2
    flat = [reply for row in replies for reply in row]
    for reply in flat:
        size = len(reply.tokens)
        assert reply.temperatures == [1.0] * start + [0.7] * (size - start)
    # The policy gives these tokens the probabilities that vLLM reports.
    scores = torch.full((len(flat), max(len(reply.tokens) for reply in flat)), 0.0)
    for row, (prompt, reply) in enumerate(
        zip([prompt for prompt in prompts for _ in range(8)], flat, strict=True)
    ):
        with torch.inference_mode():
            logits = lm(torch.tensor([[*prompt, *reply.tokens]])).logits[0].float()
        logits = logits[len(prompt) - 1 : -1] / 0.7
        tokens = torch.tensor(reply.tokens)[:, None]
        scores[row, : len(reply.tokens)] = logits.log_softmax(-1).gather(1, tokens)[:, 0]
    drawn = DrawnTokens.of(flat, torch.device("cpu"))
    _, figures = importance_weights(scores, drawn, 0.7, torch.ones_like(scores), 2.0)
    assert figures["rollout_gap"] < 0.02
    assert [[r.tokens for r in row] for row in sample(0)] == [
        [r.tokens for r in row] for row in replies
    ]
    assert sample(1) != replies


def test_shared_embeddings_cannot_be_handed_over_on_a_cpu(model: ModelRef, tmp_path: Path) -> None:
    engine = VLLMReplies(model, tmp_path / "weights", 0.3, 128)

    with pytest.raises(StageError, match="on a CPU keeps the old output layer"):
        engine.generate(trainable(model, None), [[5, 6]], 1, Decoding(0, 4), torch.Generator(), {1})


def test_ppo(case: Case, two_arms: Data, tmp_path: Path) -> None:
    model, lora = case
    trainer = PPOTrainer(
        steps=3,
        batch_size=16,
        mini_batch_size=8,
        max_tokens=40,
        top_k=0,
        learning_rate=1e-2,
        lora=lora,
        vllm={"max_length": 128},
    )

    trained = trainer.train(model, two_arms, tmp_path)

    assert len(two_arms.figures) == 3
    for step in two_arms.figures:
        assert step["parse_rate"] > 0.5
        assert 0 <= step["rollout_gap"] < 0.02
        assert step["truncated_weights"] == 0
    assert trained != model


def test_grpo(model: ModelRef, two_arms: Data, tmp_path: Path) -> None:
    trainer = GRPOTrainer(
        steps=2,
        batch_size=16,
        replies=4,
        max_tokens=40,
        learning_rate=1e-3,
        lora=LORA,
        vllm={"max_length": 128},
    )

    trained = trainer.train(model, two_arms, tmp_path)

    assert trained.adapter is not None
    for step in two_arms.figures:
        assert step["parse_rate"] > 0.5
        assert 0 <= step["rollout_gap"] < 0.02
        assert step["truncated_weights"] == 0
