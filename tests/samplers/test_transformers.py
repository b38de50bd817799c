from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.errors import DataError
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
    chat = tokenizer.apply_chat_template(PROMPTS[0], add_generation_prompt=True, return_dict=True)[
        "input_ids"
    ]
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


def test_a_generation_tells_why_it_ended(small_model: ModelRef) -> None:
    (samples,) = sample(small_model, n=200, prompts=PROMPTS[:1], max_tokens=60)

    assert {one.finish_reason for one in samples} == {"length", "stop"}
    assert all(one.finish_reason == "stop" for one in samples if one.tokens < 60)
    assert all(one.cut == (one.finish_reason == "length") for one in samples)


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


COMPLETIONS = ["in the barn", "", "I do not know, it may be anywhere", "the globe"]


def test_logprobs_are_those_of_a_plain_forward_pass(small_model: ModelRef) -> None:
    model, tokenizer = hf.load_model(small_model), hf.load_tokenizer(small_model)
    for size in (1, 10, 512):
        found = TransformersSampler(batch_size=size).logprobs(small_model, PROMPTS, COMPLETIONS)

        for prompt, completion, scores in zip(PROMPTS, COMPLETIONS, found, strict=True):
            asked = tokenizer.apply_chat_template(
                prompt, add_generation_prompt=True, return_dict=True
            )["input_ids"]
            reply = tokenizer(completion, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                logits = model(torch.tensor([asked + reply])).logits[0].log_softmax(-1)
            expected = [
                float(logits[len(asked) - 1 + place, token]) for place, token in enumerate(reply)
            ]
            assert scores == pytest.approx(expected, abs=1e-4)


def test_logprobs_of_what_was_sampled_add_up_to_its_own(small_model: ModelRef) -> None:
    tokenizer = hf.load_tokenizer(small_model)
    # A reply cut short has no end token; its text gives the same tokens again.
    samples = sample(small_model, n=8, max_tokens=4, prompts=PROMPTS[:1])[0]
    whole = [
        one
        for one in samples
        if len(tokenizer(one.text, add_special_tokens=False)["input_ids"]) == one.tokens == 4
    ]
    assert whole

    scores = TransformersSampler().logprobs(
        small_model, PROMPTS[:1] * len(whole), [one.text for one in whole]
    )

    for one, found in zip(whole, scores, strict=True):
        assert sum(found) == pytest.approx(one.logprob, abs=1e-3)


def test_no_logprobs_of_nothing(small_model: ModelRef) -> None:
    assert TransformersSampler().logprobs(small_model, [], []) == []
    assert TransformersSampler().logprobs(small_model, PROMPTS[:1], [""]) == [[]]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_and_device_map_reach_the_model(attention: str, small_model: ModelRef) -> None:
    ref = replace(small_model, attention=attention, device_map="auto", dtype="bfloat16")
    model = hf.load_model(ref)

    assert model.config._attn_implementation == attention
    assert model.dtype == torch.bfloat16
    assert len(sample(ref, n=2)) == len(PROMPTS)


def test_an_attention_that_is_not_there_is_one_line(small_model: ModelRef) -> None:
    with pytest.raises(DataError, match="cannot be loaded") as caught:
        hf.load_model(replace(small_model, attention="nothing"))
    assert "\n" not in str(caught.value)
