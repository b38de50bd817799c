from __future__ import annotations

from typing import Any

import pytest
import torch

from saysel import hf
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef
from saysel.samplers.transformers import TransformersSampler

PROMPTS: list[Prompt] = [
    [{"role": "user", "content": content}]
    for content in (
        "Where is the globe?",
        "Why?",
        "Nora says the lantern is in the barn. Where?",
        "So",
    )
]


def sample(
    model: ModelRef, n: int = 1, prompts: list[Prompt] = PROMPTS, seed: int = 0, **options: Any
) -> list[list[Generation]]:
    sampler = TransformersSampler(**{"max_tokens": 10, **options})
    return list(sampler.sample(model, prompts, n, seed))


def test_answers_come_in_the_order_of_the_prompts(small_model: ModelRef) -> None:
    together = sample(small_model, temperature=0, batch_size=2)

    for prompt, samples in zip(PROMPTS, together, strict=True):
        ((alone,),) = sample(small_model, temperature=0, prompts=[prompt])
        assert samples[0].text == alone.text
        assert samples[0].logprob == pytest.approx(alone.logprob, abs=1e-3)


def test_a_generation_tells_its_tokens_and_logprob(small_model: ModelRef) -> None:
    model, tokenizer = hf.load_model(small_model), hf.load_tokenizer(small_model)
    chat = tokenizer.apply_chat_template(PROMPTS[0], add_generation_prompt=True)["input_ids"]
    with torch.no_grad():
        written = model.generate(torch.tensor([chat]), do_sample=False, max_new_tokens=10)[0]
        logits = model(written[None]).logits[0, len(chat) - 1 : -1]
    reply = written[len(chat) :]

    ((found,), *_) = sample(small_model, temperature=0)

    assert found.text == tokenizer.decode(reply, skip_special_tokens=True)
    assert found.tokens == len(reply)
    expected = logits.log_softmax(-1).gather(1, reply[:, None]).sum()
    assert found.logprob == pytest.approx(float(expected), abs=1e-3)


def test_seeds_repeat(small_model: ModelRef) -> None:
    first = sample(small_model, n=3, seed=1)

    assert sample(small_model, n=3, seed=1) == first
    assert sample(small_model, n=3, seed=2) != first
    assert len({one.text for one in first[0]}) == 3


def test_more_samples_than_fit_side_by_side(small_model: ModelRef) -> None:
    found = sample(small_model, n=5, batch_size=2)

    assert [len(samples) for samples in found] == [5] * len(PROMPTS)


def test_a_reply_ends_at_its_limit(small_model: ModelRef) -> None:
    found = sample(small_model, n=8, max_tokens=3)

    assert max(one.tokens for samples in found for one in samples) == 3


def test_no_prompts_give_nothing(small_model: ModelRef) -> None:
    assert sample(small_model, prompts=[]) == []


def test_results_come_as_they_finish(small_model: ModelRef) -> None:
    sampler = TransformersSampler(max_tokens=2, batch_size=1)

    first = next(sampler.sample(small_model, PROMPTS, 1, 0))

    assert len(first) == 1


def test_a_model_without_a_chat_template_gets_plain_text(small_model: ModelRef) -> None:
    tokenizer = hf.load_tokenizer(small_model)
    assert hf.render(tokenizer, PROMPTS[0]) == "<|user|>Where is the globe?<|assistant|>"
    tokenizer.chat_template = None

    chat: Prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert hf.render(tokenizer, chat) == "Be brief.\n\nWhy?\n\n"
