"""What the framework reads from a sampler besides its samples, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import saysel
from saysel import registry, testing
from saysel.costs import ledger
from saysel.costs.usage import Usage
from saysel.interfaces import Prompt, Sampler
from saysel.records import Generation, ModelRef
from saysel.samplers.openai import OpenAISampler
from tests.support import end_to_end
from tests.support.api_server import Model, Server

RECIPE = """\
name: third
model: {use: remote, name: small}
source: {use: witness, train: 4, heldout: 8}
sample: third
evaluate: {estimators: [verbalized], metrics: [accuracy]}
"""


class ThirdPartySampler(Sampler):
    """Asks a server of its own and says nothing about what that costs."""

    remote = True

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        return iter([[Generation("1", 1)] * n for _ in prompts])


class BoastfulSampler(ThirdPartySampler):
    """Claims to keep a ledger."""

    metered = True

    def reply_limit(self) -> int:
        return 8


class SpendthriftSampler(BoastfulSampler):
    """Notes what it spends and spends all the same."""

    def sample(self, model: ModelRef, *rest: Any) -> Iterator[list[Generation]]:
        with closing(ledger.current().connect()) as connection:
            connection.record(model.path, Usage(1, 1), 0.5)
        return super().sample(model, *rest)


class OddSampler(ThirdPartySampler):
    """Has no room for a reply."""

    def reply_limit(self) -> int:
        return 0


class VagueSampler(ThirdPartySampler):
    """Promises log-probabilities."""

    def gives_logprobs(self) -> bool:
        return True


@saysel.hookimpl
def saysel_samplers() -> dict[str, str]:
    return {"third": f"{__name__}:ThirdPartySampler"}


@pytest.fixture
def third_party(tmp_path: Path) -> Iterator[Path]:
    """A recipe with the sampler, which is installed."""
    registry.current.cache_clear()
    registry.current().add(sys.modules[__name__], "third", "1.0")
    path = tmp_path / "third.yaml"
    path.write_text(RECIPE)
    yield path
    registry.current.cache_clear()


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        (BoastfulSampler(), "must write its requests into the ledger"),
        (SpendthriftSampler(), "a request beyond max_cost must raise"),
        (OddSampler(), "reply_limit must be None or at least 1"),
        (VagueSampler(), "gives_logprobs says True"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_test_kit_notices(sampler: Sampler, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        testing.check_sampler(sampler, ModelRef("small"))


def test_a_sampler_of_a_third_party_keeps_its_contract_without_a_ledger() -> None:
    testing.check_sampler(ThirdPartySampler(), ModelRef("small"))


def test_the_defaults_of_the_contract() -> None:
    sampler = ThirdPartySampler()

    assert not sampler.metered and not sampler.gives_logprobs()
    assert (sampler.reply_limit(), sampler.choices_per_request()) == (None, 1)
    assert sampler.served_model() is None


def test_what_a_sampler_that_asks_servers_says() -> None:
    sampler = OpenAISampler(model="judge", max_tokens=9, max_per_request=5)

    assert sampler.metered and not sampler.gives_logprobs()
    assert (sampler.reply_limit(), sampler.choices_per_request()) == (9, 5)
    assert sampler.served_model() == "judge"


def test_max_cost_refuses_a_sampler_that_does_not_report_what_it_spends(
    third_party: Path, tmp_path: Path
) -> None:
    (tmp_path / "prices.yaml").write_text("small: [1, 1]")
    limit = ("--set", "max_cost=1", "--set", f"prices={tmp_path / 'prices.yaml'}")
    for command in ("check", "run"):
        result = end_to_end.invoke(command, third_party, *limit)
        assert result.exit_code == 2, result.output
        assert "the sampler 'third' asks a server without reporting" in result.output
    assert "asks small: 8 requests" in end_to_end.invoke("check", third_party).output


def test_a_served_model_is_what_prices_are_looked_up_for(tmp_path: Path) -> None:
    with Server(Model()) as server:
        path = tmp_path / "judge.yaml"
        path.write_text(
            RECIPE.replace("sample: third", "sample: openai").replace(
                "evaluate:",
                f"judge: {{use: llm, sampler: {{use: openai, model: strict, base_url: "
                f"'{server.url}'}}}}\nevaluate:",
            )
        )
        said = end_to_end.invoke("check", path).output

    assert "evaluate-base-verbalized asks small: 8 requests" in said
    assert "evaluate-base-verbalized asks strict: 8 requests" in said
