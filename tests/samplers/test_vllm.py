"""The sampler `vllm` in this process, and `openai` against vLLM's own server.

Needs a build of vLLM: `make test-vllm` makes an environment with one for the CPU.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from saysel import hf, testing
from saysel.costs.ledger import Ledger
from saysel.errors import MissingExtra
from saysel.interfaces import Prompt
from saysel.records import ModelRef
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.remote import requester
from saysel.samplers.transformers import TransformersSampler
from saysel.samplers.vllm import VLLMSampler
from tests.support import end_to_end
from tests.support.api_server import Faults, Server
from tests.support.judge_model import check_judge_model, train_judge_model
from tests.support.model_server import run_server

needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="make test-vllm has vLLM")
PROMPTS: list[Prompt] = [
    [{"role": "user", "content": content}]
    for content in ("Where is the globe?", "Why?", "Nora says the lantern is in the barn. Where?")
]


def sampler(**options: object) -> VLLMSampler:
    return VLLMSampler(**{"max_tokens": 10, "max_length": 256, **options})


def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)

    with pytest.raises(MissingExtra, match=r'pip install "saysel\[vllm\]"'):
        VLLMSampler().check_installed()
    with pytest.raises(MissingExtra):
        list(VLLMSampler().sample(ModelRef("any"), PROMPTS, 1, 0))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model of random weights; vLLM's attention wants larger heads than the small one has."""
    from saysel.testing.examples import Steps, build, stories

    options = {"layers": 1, "width": 64, "heads": 2, "vocabulary": 400, "max_steps": 2}
    made = build("model", {"use": "scratch", **options})
    place = tmp_path_factory.mktemp("vllm")
    found: ModelRef = made.prepare(stories(), build("format", "sayself"), place, 0, Steps())
    return found


@pytest.fixture(scope="module")
def adapter(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """An adapter of random weights on top of it, large enough to say other things."""
    import torch
    from peft import LoraConfig, get_peft_model

    place = tmp_path_factory.mktemp("adapter")
    config = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(hf.load_model(model), config)
    torch.manual_seed(0)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.3)
    adapted.save_pretrained(place)
    return replace(model, adapter=str(place))


@needs_vllm
def test_it_keeps_its_contract(model: ModelRef) -> None:
    testing.check_sampler(sampler(), model)


@needs_vllm
def test_seeds_repeat_and_samples_differ(model: ModelRef) -> None:
    first = list(sampler().sample(model, PROMPTS, 5, 1))

    assert [len(samples) for samples in first] == [5] * 3
    assert all(len({one.text for one in samples}) > 1 for samples in first)
    again = list(sampler().sample(model, PROMPTS[1:], 5, 1))  # the other prompts do not matter
    assert [[one.text for one in many] for many in again] == [
        [one.text for one in many] for many in first[1:]
    ]
    other = list(sampler().sample(model, PROMPTS, 5, 2))
    assert [one.text for one in other[0]] != [one.text for one in first[0]]


@needs_vllm
def test_more_than_a_batch_of_tokens_to_read(model: ModelRef) -> None:
    """vLLM reads a prompt in parts where it does not fit; seeds have to survive that."""
    prompts: list[Prompt] = [
        [{"role": "user", "content": f"{word} " + "and the barn " * 20}]
        for word in ("Why?", "Where?", "Who?", "How?", "When?", "What?", "Which?", "Whose?")
    ]
    found = list(sampler().sample(model, prompts, 20, 0))

    assert [len(samples) for samples in found] == [20] * 8
    alone = list(sampler().sample(model, prompts[-1:], 20, 0))
    assert [one.text for one in alone[0]] == [one.text for one in found[-1]]


@needs_vllm
@pytest.mark.parametrize("adapted", [False, True], ids=["base", "adapter"])
def test_it_agrees_with_transformers(adapted: bool, model: ModelRef, adapter: ModelRef) -> None:
    ref = adapter if adapted else model
    ours = list(sampler(temperature=0).sample(ref, PROMPTS, 1, 0))
    plain = TransformersSampler(temperature=0, max_tokens=10)

    for (one,), (other,) in zip(ours, plain.sample(ref, PROMPTS, 1, 0), strict=True):
        assert (one.text, one.tokens) == (other.text, other.tokens)
        assert one.logprob == pytest.approx(other.logprob, abs=1e-2)
    completions = ["in the barn", "", "the globe"]
    scores = sampler().logprobs(ref, PROMPTS, completions)
    for score, expected in zip(scores, plain.logprobs(ref, PROMPTS, completions), strict=True):
        assert score == pytest.approx(expected, abs=1e-2)


@needs_vllm
def test_an_adapter_changes_what_is_said(model: ModelRef, adapter: ModelRef) -> None:
    texts = [
        [one.text for (one,) in sampler(temperature=0).sample(ref, PROMPTS, 1, 0)]
        for ref in (model, adapter, model)
    ]

    assert texts[0] == texts[2] != texts[1]


@needs_vllm
def test_a_run(model: ModelRef, tmp_path: Path) -> None:
    path = tmp_path / "vllm.yaml"
    path.write_text(f"""\
model: {{use: pretrained, path: {model.path}}}
source: {{use: witness, train: 4, heldout: 6}}
sample: {{use: vllm, max_tokens: 24, max_length: 256}}
evaluate: {{estimators: [verbalized, {{use: self_consistency, n: 3}}], metrics: [accuracy]}}
""")

    result = end_to_end.invoke("run", path, "--out", tmp_path / "run")

    assert result.exit_code == 0, result.output


@needs_vllm
def test_what_is_exported(model: ModelRef, tmp_path: Path) -> None:
    path = tmp_path / "trained.yaml"
    path.write_text(f"""\
model: {{use: pretrained, path: {model.path}}}
source: {{use: witness, train: 4, heldout: 6}}
sample: {{use: transformers, n: 2, max_tokens: 8}}
train: [{{use: sft, lora: {{r: 8}}, max_steps: 1}}]
""")
    done = end_to_end.invoke("run", path, "--smoke", "--until", "train", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    for name, more in (("adapter", []), ("merged", ["--merge"])):
        done = end_to_end.invoke("export", tmp_path / "run-smoke", "--to", tmp_path / name, *more)
        assert done.exit_code == 0, done.output

    adapted = replace(model, adapter=str(tmp_path / "adapter"))
    merged = ModelRef(str(tmp_path / "merged"), dtype="float32")
    said = [
        [one.text for (one,) in sampler(temperature=0).sample(ref, PROMPTS, 1, 0)]
        for ref in (adapted, merged)
    ]
    assert said[0] == said[1]


@pytest.fixture(scope="module")
def advising(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    return train_judge_model(model, tmp_path_factory.mktemp("adviser"))


@needs_vllm
def test_a_writer_and_a_judge(advising: ModelRef) -> None:
    check_judge_model(sampler={"use": "vllm", "max_tokens": 60}, model=advising.path)


# ------------------------------------------------------------------------------ over HTTP


@contextmanager
def served(model: ModelRef, said: Path) -> Iterator[str]:
    """Where vLLM's own server answers for the model."""
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model.path]
    with run_server([*command, "--max-model-len=1024", "--dtype=float32"], said) as place:
        yield place


@pytest.fixture(scope="module")
def url(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(model, tmp_path_factory.mktemp("server") / "said") as place:
        yield place


@needs_vllm
@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_over_http_n_samples_are_one_request(
    endpoint: str, url: str, model: ModelRef, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path, "sample-1")
    with ledger.opened():
        asked = OpenAISampler(base_url=url, max_tokens=10, endpoint=endpoint, with_logprobs=True)
        found = list(asked.sample(model, PROMPTS, 5, 0))

    assert ledger.totals()["requests"] == 3
    assert all(len({one.text for one in samples}) > 1 for samples in found)
    assert all(one.logprob is not None for samples in found for one in samples)


@needs_vllm
def test_over_http_it_agrees_with_transformers(url: str, model: ModelRef) -> None:
    options = {"temperature": 0, "max_tokens": 10}
    over = OpenAISampler(base_url=url, with_logprobs=True, **options)
    plain = TransformersSampler(**options).sample(model, PROMPTS, 1, 0)

    for (one,), (other,) in zip(over.sample(model, PROMPTS, 1, 0), plain, strict=True):
        assert one.text == other.text.rstrip("\ufffd")  # vLLM waits for the rest of a character
        assert one.logprob == pytest.approx(other.logprob, abs=1e-2)


@needs_vllm
def test_over_http_a_writer_and_a_judge(advising: ModelRef, tmp_path: Path) -> None:
    with served(advising, tmp_path / "said") as url:
        sampler = {"use": "openai", "base_url": url, "model": advising.path, "max_tokens": 60}
        check_judge_model(sampler=sampler)


@needs_vllm
def test_over_http_ten_thousand_samples_through_faults(
    url: str, model: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)
    prompts: list[Prompt] = [[{"role": "user", "content": f"Why {row}?"}] for row in range(10_000)]
    faults = Faults(url, 0.2)
    with Server(faults) as server, Ledger(tmp_path, "sample-1").opened():
        asked = OpenAISampler(
            base_url=server.url, max_tokens=2, timeout=10, retries=12, concurrency=64
        )
        found = list(asked.sample(model, prompts, 1, 0))

    assert all(made > 100 for made in faults.made.values()), faults.made
    assert [len(samples) for samples in found] == [1] * 10_000
    with sqlite3.connect(tmp_path / "responses.sqlite") as store:
        kept = store.execute("SELECT key, sample FROM responses").fetchall()
    assert len(set(kept)) == len(kept) == 10_000
