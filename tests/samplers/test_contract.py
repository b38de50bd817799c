"""What the framework reads from a sampler in addition to its samples, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from saysel import registry, testing
from saysel.interfaces import Sampler
from saysel.records import ModelRef
from saysel.samplers.openai import OpenAISampler
from tests.support import end_to_end
from tests.support.third_party_samplers import UnmeteredSampler

RECIPE = """\
name: served
model: {use: remote, name: small}
source: {use: witness, train: 4, heldout: 8}
sample: {use: openai, base_url: "http://127.0.0.1:1/v1"}
evaluate: {estimators: [verbalized], metrics: [accuracy]}
"""


class OddSampler(UnmeteredSampler):
    """Has no room for a reply."""

    def reply_limit(self) -> int:
        return 0


class VagueSampler(UnmeteredSampler):
    """Promises log-probabilities."""

    def gives_logprobs(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (OddSampler(), "reply_limit must be None or at least 1"),
        (VagueSampler(), "gives_logprobs says True"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_test_kit_notices(sampler: Sampler, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        testing.check_sampler(sampler, ModelRef("small"))


def test_the_defaults_of_the_contract() -> None:
    sampler = UnmeteredSampler()

    assert not sampler.metered and not sampler.gives_logprobs()
    assert (sampler.reply_limit(), sampler.choices_per_request()) == (None, 1)
    assert sampler.served_model() is None


def test_what_a_sampler_that_asks_servers_says() -> None:
    sampler = OpenAISampler(model="judge", max_tokens=9, max_per_request=5)

    assert sampler.metered and not sampler.gives_logprobs()
    assert (sampler.reply_limit(), sampler.choices_per_request()) == (9, 5)
    assert sampler.served_model() == "judge"


@pytest.mark.parametrize("name", ["transformers", "vllm"])
def test_samplers_that_load_models_give_logprobs(name: str) -> None:
    sampler = registry.build("sampler", name)

    assert isinstance(sampler, Sampler) and sampler.gives_logprobs()
    assert sampler.reply_limit() == 256


def test_prices_are_looked_up_for_the_served_model(tmp_path: Path) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text(RECIPE)
    judge = "{use: llm, sampler: {use: openai, model: strict, base_url: 'http://127.0.0.1:1/v1'}}"

    output = end_to_end.invoke("check", path, "--set", f"judge={judge}").output

    assert "evaluate-base-verbalized asks small: 8 requests" in output
    assert "evaluate-base-verbalized asks strict: 8 requests" in output
