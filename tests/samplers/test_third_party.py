"""`max_cost` and the samplers of plugins: what cannot be counted is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from saysel import registry, testing
from saysel.costs.ledger import Ledger
from saysel.errors import ContractError
from saysel.interfaces import Sampler
from saysel.judges.llm import LlmJudge
from saysel.models.remote import RemoteModel
from saysel.rationales.llm import LlmRationaleWriter
from saysel.recipes.faithfulness import Grader
from saysel.records import Cluster, Meaning, ModelRef, Reflection
from saysel.stages.grade import grades
from saysel.testing import question, responses
from tests.support import end_to_end, third_party_samplers
from tests.support.api_server import Model, Reply, Request, Server
from tests.support.third_party_samplers import (
    RecordingSampler,
    UnmeteredSampler,
    UnrecordedSampler,
    WrappingSampler,
)
from tests.support.virtual_environment import Environment

RECIPE = """\
name: plugin
model: {use: remote, name: small}
source: {use: witness, train: 4, heldout: 8}
sample: {use: openai, base_url: "http://127.0.0.1:1/v1", n: 4}
target: largest_cluster
max_cost: 1
prices: prices.yaml
evaluate: {estimators: [verbalized], metrics: [accuracy]}
"""
#: Where a recipe can name a sampler: settings, with SAMPLER in its place.
PLACES = {
    "sample": ["sample=SAMPLER"],
    "evaluate.sampler": ["evaluate.sampler=SAMPLER"],
    "judge": ["judge={use: llm, model: strict, sampler: SAMPLER}"],
    "rationale": [
        "rationale={use: llm, model: strict, sampler: SAMPLER}",
        "train=[sft]",
        "model={use: pretrained, path: small}",
        "evaluate.sampler=transformers",
    ],
    "grader": [
        "evaluate.faithfulness={grader: {model: {use: remote, name: strict}, sampler: SAMPLER}}"
    ],
}
REFUSALS = {
    "unmetered": "the sampler 'unmetered' does not record what it spends",
    "unlimited": "the sampler 'unlimited' does not limit its replies",
}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe with `max_cost` and the prices of its models."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.yaml").write_text("small: [1, 1]\nstrict: [1, 1]")
    path = tmp_path / "plugin.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def plugin() -> Iterator[None]:
    """The samplers, as a plugin of this process."""
    registry.current.cache_clear()
    registry.current().add(third_party_samplers, "third-party", "1.0")
    yield
    registry.current.cache_clear()


def settings(place: str, sampler: str) -> list[str]:
    pairs = (("--set", setting.replace("SAMPLER", sampler)) for setting in PLACES[place])
    return [argument for pair in pairs for argument in pair]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sampler", REFUSALS)
@pytest.mark.usefixtures("plugin")
def test_max_cost_refuses_a_sampler_whose_cost_is_not_known(
    sampler: str, place: str, recipe: Path
) -> None:
    for command in ("check", "run"):
        result = end_to_end.invoke(command, recipe, *settings(place, sampler))

        assert result.exit_code == 2, result.output
        assert f"max_cost is set, and {REFUSALS[sampler]}" in result.output
    assert not list(recipe.parent.rglob("events.jsonl"))


@pytest.mark.usefixtures("plugin")
def test_max_cost_refuses_it_inside_another_sampler(recipe: Path) -> None:
    sampler = "{use: wrapping, inner: unmetered}"

    result = end_to_end.invoke("check", recipe, *settings("judge", sampler))

    assert result.exit_code == 2
    assert f"max_cost is set, and {REFUSALS['unmetered']}" in result.output


@pytest.mark.usefixtures("plugin")
def test_without_max_cost_it_is_used(recipe: Path) -> None:
    result = end_to_end.invoke("run", recipe, "--set", "sample=unmetered", "--set", "max_cost=null")

    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("plugin")
def test_a_run_stops_at_the_first_reply_that_was_not_recorded(recipe: Path) -> None:
    log = recipe.parent / "calls.log"
    sampler = f"{{use: unrecorded, log: {log}}}"

    result = end_to_end.invoke("run", recipe, "--set", f"sample={sampler}")

    assert result.exit_code != 0
    assert "sampler 'unrecorded' claims to be metered, but has not recorded" in result.output
    assert len(log.read_text().splitlines()) == 1


def judge(sampler: Sampler) -> None:
    LlmJudge(sampler=sampler, model="strict").judge([(question(), "Oslo")])


def write_rationale(sampler: Sampler) -> None:
    replies = responses("Paris", "Oslo")
    clusters = [Cluster("q", (row,), reply, 0.5) for row, reply in enumerate(replies)]
    LlmRationaleWriter(sampler=sampler, model="strict").write([(question(), clusters)])


def grade(sampler: Sampler) -> None:
    grader = Grader(model=RemoteModel(name="strict"), sampler=sampler)
    meanings = (Meaning(("Paris",), 0.5, True), Meaning(("Oslo",), 0.5, False))
    reflection = Reflection("q", "…", "Paris", "I am not sure.", 1.0, 9, 10, meanings)
    grades(grader, ModelRef("strict"), {"q": question(id="q")}, [reflection], 0)


def sample(sampler: Sampler) -> None:
    list(sampler.sample(ModelRef("strict"), [[{"role": "user", "content": "Why?"}]], 1, 0))


@pytest.mark.parametrize("ask", [judge, write_rationale, grade, sample])
def test_replies_that_were_not_recorded_are_refused_wherever_they_are_used(
    ask: Callable[[Sampler], None], tmp_path: Path
) -> None:
    recording = RecordingSampler(use="recording")
    unrecorded = UnrecordedSampler(use="unrecorded")
    with Ledger(tmp_path, "stage-1", max_cost=9.0).opened():
        for sampler in (unrecorded, WrappingSampler(inner=unrecorded)):
            with pytest.raises(ContractError, match="'unrecorded' claims to be metered"):
                ask(sampler)
        ask(recording)
    with Ledger(tmp_path, "stage-2").opened():
        ask(unrecorded)  # without a limit nothing has to be counted


def test_stored_responses_need_no_request(recipe: Path) -> None:
    """A second run with the same store records nothing and is not refused for it."""

    async def answer(request: Request) -> Reply:
        whole = json.loads((await Model()(request)).body)
        whole["choices"][0]["message"]["content"] = "Answer: the barn\nConfidence: 7"
        return Reply(body=json.dumps(whole).encode())

    with Server(answer) as server:
        options = ["--set", f"sample.base_url={server.url}", "--set", "sample.store=shared.sqlite"]
        for out in ("one", "two"):
            result = end_to_end.invoke("run", recipe, *options, "--out", recipe.parent / out)
            assert result.exit_code == 0, result.output

    assert len(server.requests) == 8


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (UnrecordedSampler(), "must record its requests to 'small' in the ledger"),
        (RecordingSampler(), "a request beyond max_cost must raise"),
        (third_party_samplers.UnlimitedSampler(), "a metered sampler needs a reply_limit"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_test_kit_notices(sampler: Sampler, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        testing.check_sampler(sampler, ModelRef("small"))


def test_the_test_kit_accepts_an_unmetered_sampler() -> None:
    testing.check_sampler(UnmeteredSampler(), ModelRef("small"))


@pytest.mark.slow
def test_an_installed_plugin_is_refused_the_same_way(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    code = Path(third_party_samplers.__file__).read_text(encoding="utf-8")
    environment.install("third_party", code)
    (tmp_path / "prices.yaml").write_text("small: [1, 1]\nstrict: [1, 1]")
    recipe = environment.recipe(RECIPE)

    def run(sampler: str, arguments: Sequence[str]) -> str:
        done = environment.saysel("run", recipe, *arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr + done.stdout

    assert REFUSALS["unmetered"] in run("unmetered", settings("judge", "unmetered"))
    assert "'unrecorded' claims to be metered" in run("", settings("sample", "unrecorded"))
