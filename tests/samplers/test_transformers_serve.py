"""The sampler `openai` against a server that this project did not write: `transformers serve`.

It accepts requests with n > 1 but returns one choice. A rationale writer and a judge use it too,
about a model that it loads when it is first asked for.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saysel import testing
from saysel.costs.ledger import Ledger
from saysel.records import ModelRef
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.remote import requester
from tests.support import end_to_end
from tests.support.api_server import Faults, Server
from tests.support.judge_model import check_judge_model, train_judge_model
from tests.support.model_server import run_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The model as the server has to have it: it samples only where the model's own file says."""
    place = Path(shutil.copytree(small_model.path, tmp_path_factory.mktemp("served") / "model"))
    config = place / "generation_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "do_sample": True}))
    return ModelRef(str(place))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is, once it is ready."""
    program = Path(sys.executable).with_name("transformers")
    said = tmp_path_factory.mktemp("serve") / "said"
    with run_server([program, "serve"], said, HF_HUB_OFFLINE="1", **end_to_end.THREADS) as place:
        yield place


def test_it_keeps_its_contract(url: str, served: ModelRef) -> None:
    testing.check_sampler(OpenAISampler(base_url=url, max_tokens=8), served)


def test_n_samples_are_n_different_requests(url: str, served: ModelRef, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1")
    with ledger.opened():
        sampler = OpenAISampler(base_url=url, max_tokens=8)
        (found,) = sampler.sample(served, [[{"role": "user", "content": "Why?"}]], 6, 0)

    assert len({one.text for one in found}) > 1
    assert all(1 <= one.tokens <= 8 for one in found)
    assert ledger.totals()["requests"] == 6


def test_completions(url: str, served: ModelRef) -> None:
    sampler = OpenAISampler(base_url=url, max_tokens=8, endpoint="completions")
    ((one,),) = sampler.sample(served, [[{"role": "user", "content": "Where is"}]], 1, 0)

    assert 1 <= one.tokens <= 8


def test_faults_in_front_of_it(
    url: str, served: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)
    prompts = [[{"role": "user", "content": f"Why {row}?"}] for row in range(40)]
    faults = Faults(url, 0.2)
    with Server(faults) as server, Ledger(tmp_path, "sample-1").opened():
        sampler = OpenAISampler(base_url=server.url, max_tokens=4, timeout=10, retries=12)
        found = list(sampler.sample(served, prompts, 4, 0))

    assert sum(faults.made.values()) > 10
    assert [len(samples) for samples in found] == [4] * 40
    with sqlite3.connect(tmp_path / "responses.sqlite") as store:
        kept = store.execute("SELECT key, sample FROM responses").fetchall()
    assert len(set(kept)) == len(kept) == 160


def test_a_run(url: str, served: ModelRef, tmp_path: Path) -> None:
    path = tmp_path / "served.yaml"
    path.write_text(f"""\
model: {{use: remote, name: {served.path}}}
source: {{use: witness, train: 4, heldout: 6}}
sample: {{use: openai, base_url: "{url}", max_tokens: 24}}
evaluate: {{estimators: [verbalized, {{use: self_consistency, n: 3}}], metrics: [accuracy]}}
""")

    result = end_to_end.invoke("run", path, "--out", tmp_path / "run")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "report" / "metrics.json").is_file()


def test_a_writer_and_a_judge(url: str, small_model: ModelRef, tmp_path: Path) -> None:
    model = train_judge_model(small_model, tmp_path / "adviser").path

    check_judge_model(sampler={"use": "openai", "base_url": url, "model": model, "max_tokens": 60})
