from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.errors import StageError
from saysel.hf.decoding import Decoding, MarkerTracker, StopTracker
from saysel.hf.generation import Reply, generate
from saysel.records import ModelRef

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma3_text", "gpt2")
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15], [20, 21, 22, 23]]
END = 1
GREEDY = Decoding(temperature=0, max_tokens=12)
DRAWN = Decoding(temperature=1, max_tokens=12)


@pytest.fixture(scope="module")
def tokenizer(small_model: ModelRef) -> Any:
    return hf.load_tokenizer(small_model)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> Any:
    return random_model(request.param)


def random_model(architecture: str, **options: Any) -> Any:
    """Two layers of random weights, spread widely enough for varied replies."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        architecture,
        vocab_size=400,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=128,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=END,
        **options,
    )
    return AutoModelForCausalLM.from_config(config).eval()


def replies(
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    n: int = 1,
    prompts: list[list[int]] = PROMPTS,
    ends: set[int] | None = None,
    seed: int = 0,
) -> list[list[Reply]]:
    generator = torch.Generator().manual_seed(seed)
    return generate(model, tokenizer, prompts, n, decoding, generator, ends or {END})


def logprob(model: Any, prompt: list[int], reply: list[int]) -> float:
    """By one plain forward pass over one text, without padding or cache."""
    with torch.inference_mode():
        logits = model(torch.tensor([[*prompt, *reply]])).logits[0].float()
    scores = logits.log_softmax(-1)[len(prompt) - 1 : -1]
    return float(scores.gather(1, torch.tensor(reply)[:, None]).sum())


def test_greedy_replies_are_those_of_transformers(model: Any, tokenizer: Any) -> None:
    ours = [reply.tokens for (reply,) in replies(model, tokenizer, GREEDY)]

    for prompt, reply in zip(PROMPTS, ours, strict=True):
        theirs = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=12,
        )
        assert reply == theirs[0, len(prompt) :].tolist()


def test_logprobs_are_those_of_a_plain_forward_pass(model: Any, tokenizer: Any) -> None:
    for decoding in (GREEDY, Decoding(temperature=0.7, max_tokens=12, top_k=50)):
        for prompt, samples in zip(PROMPTS, replies(model, tokenizer, decoding, 3), strict=True):
            for reply in samples:
                expected = logprob(model, prompt, reply.tokens)
                assert reply.logprob == pytest.approx(expected, abs=1e-4)


def test_token_logprobs_are_those_of_the_distribution_drawn_from(
    llama: Any, tokenizer: Any
) -> None:
    decoding = Decoding(0, max_tokens=8, top_k=50, marker="", temperature_after_marker=2)
    greedy = Decoding(0, max_tokens=8)

    for options, temperature in ((decoding, 2.0), (greedy, 1.0), (Decoding(0.5, 8), 0.5)):
        for reply in replies(llama, tokenizer, options, n=3, prompts=[[5, 6, 7]])[0]:
            with torch.inference_mode():
                logits = llama(torch.tensor([[5, 6, 7, *reply.tokens]])).logits[0, 2:-1].float()
            scores = (logits / temperature).log_softmax(-1)
            expected = scores.gather(1, torch.tensor(reply.tokens)[:, None])[:, 0].tolist()
            assert reply.token_logprobs == pytest.approx(expected, abs=1e-4)
            assert reply.temperatures == [temperature] * len(reply.tokens)


def test_samples_differ_and_seeds_repeat(model: Any, tokenizer: Any) -> None:
    first = replies(model, tokenizer, DRAWN, n=8, seed=1)

    assert [len(samples) for samples in first] == [8] * len(PROMPTS)
    assert any(len({tuple(one.tokens) for one in samples}) > 1 for samples in first)
    assert replies(model, tokenizer, DRAWN, n=8, seed=1) == first
    assert replies(model, tokenizer, DRAWN, n=8, seed=2) != first


def test_replies_that_end_early_leave_the_others_alone(model: Any, tokenizer: Any) -> None:
    unended = [reply for (reply,) in replies(model, tokenizer, GREEDY, ends={399})]
    assert all(reply.cut for reply in unended)
    whole = [reply.tokens for reply in unended]
    # Tokens that three of the four replies say at different places become ends.
    ends = {whole[0][1], whole[1][4], whole[2][7]}

    cut = [reply for (reply,) in replies(model, tokenizer, GREEDY, ends=ends)]

    for prompt, full, short in zip(PROMPTS, whole, cut, strict=True):
        stop = next((at for at, token in enumerate(full) if token in ends), len(full) - 1)
        assert short.tokens == full[: stop + 1]
        assert short.cut == (full[stop] not in ends)
        assert short.finish_reason == ("length" if short.cut else "stop")
        assert short.logprob == pytest.approx(logprob(model, prompt, short.tokens), abs=1e-4)
    assert min(len(reply.tokens) for reply in cut) < 12


def test_a_sliding_window_shorter_than_the_text(tokenizer: Any) -> None:
    model = random_model("mistral", sliding_window=4)
    (reply,) = replies(model, tokenizer, GREEDY, prompts=[PROMPTS[2]])[0]

    theirs = model.generate(torch.tensor([PROMPTS[2]]), do_sample=False, max_new_tokens=12)
    assert reply.tokens == theirs[0, len(PROMPTS[2]) :].tolist()


@pytest.fixture(scope="module")
def llama() -> Any:
    return random_model("llama")


def next_tokens(model: Any, tokenizer: Any, decoding: Decoding, n: int = 4000) -> Counter[int]:
    samples = replies(model, tokenizer, decoding, n=n, prompts=[[5, 6, 7]])[0]
    return Counter(reply.tokens[0] for reply in samples)


def chances(model: Any, temperature: float) -> torch.Tensor:
    with torch.inference_mode():
        logits = model(torch.tensor([[5, 6, 7]])).logits[0, -1].float()
    return (logits / temperature).softmax(-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_tokens_are_drawn_as_often_as_the_model_says(
    llama: Any, tokenizer: Any, temperature: float
) -> None:
    drawn = next_tokens(llama, tokenizer, Decoding(temperature, max_tokens=1))

    for token, chance in enumerate(chances(llama, temperature).tolist()):
        deviation = (chance * (1 - chance) / 4000) ** 0.5
        assert abs(drawn[token] / 4000 - chance) < 5 * deviation + 1e-3


def test_top_k_keeps_the_likeliest(llama: Any, tokenizer: Any) -> None:
    drawn = next_tokens(llama, tokenizer, Decoding(2.0, max_tokens=1, top_k=3))

    assert set(drawn) == set(chances(llama, 2.0).topk(3).indices.tolist())


def test_top_p_keeps_the_likeliest_up_to_its_mass(llama: Any, tokenizer: Any) -> None:
    ordered = chances(llama, 1.0).sort(descending=True)
    kept = int((ordered.values.cumsum(-1) < 0.3).sum()) + 1

    drawn = next_tokens(llama, tokenizer, Decoding(1.0, max_tokens=1, top_p=0.3))

    assert set(drawn) == set(ordered.indices[:kept].tolist())
    assert kept > 1


def test_tokens_after_the_marker_have_their_own_temperature(llama: Any, tokenizer: Any) -> None:
    (plain,) = replies(llama, tokenizer, GREEDY, prompts=[[5, 6, 7]])[0]
    # Text that the greedy reply completes with its fourth token, across two tokens.
    pieces = [tokenizer.decode([token]) for token in plain.tokens]
    marker = pieces[2] + pieces[3]
    marked = next(size for size in range(1, 5) if marker in "".join(pieces[:size]))
    decoding = Decoding(0, max_tokens=12, marker=marker, temperature_after_marker=1.0)

    samples = replies(llama, tokenizer, decoding, n=16, prompts=[[5, 6, 7]])[0]

    # A later marker moves `marker_end`, but sampling starts after the first one.
    assert min(reply.marker_end for reply in samples) == marked
    assert {tuple(reply.tokens[:marked]) for reply in samples} == {tuple(plain.tokens[:marked])}
    assert len({tuple(reply.tokens[marked:]) for reply in samples}) > 1


def test_the_last_of_two_markers_counts(tokenizer: Any) -> None:
    texts = ["so so. ", "so", " it", " is"]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    marks = MarkerTracker(tokenizer, "so", 1)
    alive = torch.tensor([0])

    places = []
    for token in [token for text in ids for token in text]:
        marks.append(alive, torch.tensor([token]))
        places.append(marks.marker_end[0])

    last = sum(map(len, ids[:2]))
    assert places[-1] == last and places[last:] == [last] * (len(places) - last)


def test_tokens_after_the_end_are_not_searched_for_the_marker(llama: Any, tokenizer: Any) -> None:
    drawn = replies(llama, tokenizer, Decoding(1, max_tokens=24), n=64, prompts=[[5]])[0]
    common = [token for token, _ in Counter(t for one in drawn for t in one.tokens).most_common(40)]
    marker = tokenizer.decode(common[:1])
    decoding = Decoding(1, max_tokens=24, marker=marker)

    # Many end early, and stay in the batch while others continue.
    drawn = replies(llama, tokenizer, decoding, n=64, prompts=[[5]], ends=set(common[1:]))[0]

    sizes = set()
    for reply in drawn:
        pieces = [tokenizer.decode([token]) for token in reply.tokens]
        places = [at for at in range(1, len(pieces) + 1) if marker in pieces[at - 1]]
        if places:
            assert reply.marker_end == places[-1]
        sizes.add(len(reply.tokens))
    assert len(sizes) > 5


def test_without_the_marker_all_tokens_are_greedy(llama: Any, tokenizer: Any) -> None:
    decoding = Decoding(0, max_tokens=12, marker="never written", temperature_after_marker=1.0)
    samples = replies(llama, tokenizer, decoding, n=4, prompts=[[5, 6, 7]])[0]

    assert {tuple(reply.tokens) for reply in samples} == {
        tuple(replies(llama, tokenizer, GREEDY, prompts=[[5, 6, 7]])[0][0].tokens)
    }
    assert all(reply.marker_end == len(reply.tokens) for reply in samples)


def test_an_empty_marker_ends_at_the_start(llama: Any, tokenizer: Any) -> None:
    decoding = Decoding(0, max_tokens=12, marker="", temperature_after_marker=1.0)
    samples = replies(llama, tokenizer, decoding, n=16, prompts=[[5, 6, 7]])[0]

    assert {reply.marker_end for reply in samples} == {0}
    assert len({reply.tokens[0] for reply in samples}) > 1


def test_the_temperature_after_the_marker_is_the_one_requested(llama: Any, tokenizer: Any) -> None:
    drawn = next_tokens(
        llama, tokenizer, Decoding(0.1, max_tokens=1, marker="", temperature_after_marker=2.0)
    )

    expected = chances(llama, 2.0)
    likeliest = int(expected.argmax())
    assert drawn[likeliest] / 4000 == pytest.approx(float(expected[likeliest]), abs=0.03)


def test_a_model_with_states_instead_of_keys_and_values_is_refused(tokenizer: Any) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("mamba", vocab_size=400, hidden_size=16, num_hidden_layers=1)
    model = AutoModelForCausalLM.from_config(config).eval()

    with pytest.raises(StageError, match="MambaForCausalLM keeps no cache of keys and values"):
        replies(model, tokenizer, GREEDY, n=2)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_reply_ends_with_the_text_that_stops_it(stop: int, tokenizer: Any) -> None:
    model = random_model("llama")
    (reply,) = replies(model, tokenizer, GREEDY, 1, PROMPTS[:1])[0]
    # Texts of one token, of two, and of the end of one with the beginning of the next.
    pieces = [tokenizer.decode([token]) for token in reply.tokens]
    begin = next(i for i in range(2, 10) if "".join(pieces[i : i + 2]).strip())
    text = "".join(pieces[begin : begin + 2])[-stop:]
    until = next(i for i in range(1, 13) if text in "".join(pieces[:i]).lstrip())

    decoding = Decoding(temperature=0, max_tokens=12, stop=text)
    (stopped,) = replies(model, tokenizer, decoding, 1, PROMPTS[:1])[0]

    assert stopped.tokens == reply.tokens[:until] and not stopped.cut
    assert stopped.logprob == pytest.approx(logprob(model, PROMPTS[0], stopped.tokens), abs=1e-4)


def test_white_space_before_a_reply_does_not_stop_it(tokenizer: Any) -> None:
    tracker = StopTracker(tokenizer, "\n\n", 2)
    texts = ["\n", "\n", "a", "\n", " ", "\n", "\n"]
    tokens = [tokenizer(text, add_special_tokens=False)["input_ids"][-1] for text in texts]
    ends = [
        tracker.append(torch.tensor([0]), torch.tensor([token])).item()
        for token in tokens
        if tokenizer.decode([token])
    ]

    assert ends[-1] and not any(ends[:-1])
    assert tracker.stopped == [True, False]
