"""What arrives at a stand-in for the hub, and what is refused."""

from __future__ import annotations

import io
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard, constants

import saysel
from saysel.storage import read_json
from tests.support.end_to_end import invoke
from tests.support.hub_server import HubServer, Repository


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that is empty; `HF_TOKEN` may write to it."""
    # huggingface_hub reads the environment when it is imported.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent/token")
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        yield server


def refused(code: int, *arguments: str | Path) -> str:
    result = invoke("export", *arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    (line,) = result.stderr.splitlines()
    assert "hf_" not in line.replace("hf_hub", "")
    return line


def metadata_of(card: bytes) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(card.decode().split("---\n")[1])
    return found


def test_a_model_is_pushed_with_its_card(hub: HubServer, tiny_run: Path) -> None:
    before = sorted(tiny_run.rglob("*"))
    result = invoke("export", tiny_run, "--push", "nora/mine", "--license", "mit")

    assert (result.exit_code, result.stdout) == (0, f"{hub.url}/nora/mine\n"), result.output
    assert result.stderr.splitlines()[0] == f"private model {hub.url}/nora/mine (new)"
    repository = hub.repositories["model", "nora/mine"]
    assert repository.private
    assert {"model.safetensors", "config.json", "saysel.json", "README.md"} < set(repository.files)
    for name in set(repository.files) - {".gitattributes"}:
        assert f"  upload     {name} (" in result.stderr
    (weights,) = tiny_run.glob("stages/train-ppo-*/model/model.safetensors")
    assert repository.files["model.safetensors"] == weights.read_bytes()
    # Neither the token nor a folder of this machine.
    for content in (*repository.files.values(), result.output.encode()):
        assert b"hf_writer" not in content and str(tiny_run.parent).encode() not in content
    assert sorted(tiny_run.rglob("*")) == before


def test_the_card_has_the_measured_values_as_the_hub_reads_them(
    hub: HubServer, tiny_run: Path
) -> None:
    assert invoke("export", tiny_run, "--push", "nora/mine").exit_code == 0

    card = ModelCard(hub.repositories["model", "nora/mine"].files["README.md"].decode())
    assert card.data.model_name == "tiny" and card.data.license == "unknown"
    rows = read_json(tiny_run / "report" / "metrics.json")["rows"]
    (measured,) = [row["metrics"] for row in rows if row["model"] == "ppo"]
    told = {one.metric_type: one for one in card.data.eval_results}
    assert "accuracy" in told and "brier" in measured
    for metric, result in told.items():
        assert result.metric_value == measured[metric]["value"]
        assert result.dataset_name == "witness, 16 questions (heldout)"
        assert result.metric_name.endswith(" (verbalized)")


def test_predictions_are_a_data_set(hub: HubServer, tiny_run: Path) -> None:
    result = invoke("export", tiny_run, "--predictions", "--push", "lab/said", "--public")

    assert result.stdout == f"{hub.url}/datasets/lab/said\n", result.output
    assert f"public data set {hub.url}/datasets/lab/said (new)" in result.stderr
    repository = hub.repositories["dataset", "lab/said"]
    assert not repository.private
    assert set(repository.files) == {".gitattributes", "README.md", "predictions.parquet"}
    rows = pq.read_table(io.BytesIO(repository.files["predictions.parquet"])).to_pylist()
    known = saysel.Run(tiny_run).predictions
    assert len(rows) == len(known) == 64
    assert [{key: row[key] for key in known[0]} for row in rows] == known
    card = DatasetCard(repository.files["README.md"].decode())
    assert card.data.to_dict()["configs"][0]["data_files"][0]["path"] == "predictions.parquet"
    assert "## Scores" in card.text and "| ppo | verbalized | 16 (heldout) |" in card.text


def test_the_run_may_be_on_shared_storage(
    hub: HubServer, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_run, tmp_path / "drive" / "run")
    monkeypatch.setenv("SAYSEL_CACHE", str(tmp_path / "cache"))

    address = f"file://{tmp_path}/drive/run"
    result = invoke("export", address, "--predictions", "--push", "lab/said")

    assert result.stdout == f"{hub.url}/datasets/lab/said\n", result.output
    assert "predictions.parquet" in hub.repositories["dataset", "lab/said"].files


def test_pushing_again_uploads_only_what_changed(hub: HubServer, tiny_run: Path) -> None:
    push = (tiny_run, "--push", "nora/mine")
    invoke("export", *push)
    repository = hub.repositories["model", "nora/mine"]
    repository.files["picture.png"] = b"of a user"
    uploads = list(hub.uploads)

    again = invoke("export", *push)
    assert again.exit_code == 0 and "upload " not in again.stderr
    assert "  unchanged  model.safetensors\n" in again.stderr
    assert len(repository.commits) == 1 and hub.uploads == uploads
    changed = invoke("export", *push, "--license", "mit")
    assert changed.stderr.count("  upload ") == 1
    assert repository.commits[1:] == [["README.md"]] and hub.uploads == uploads
    assert metadata_of(repository.files["README.md"])["license"] == "mit"
    assert "picture.png" in repository.files


def test_files_that_would_contradict_the_new_ones_are_deleted(
    hub: HubServer, tiny_run: Path
) -> None:
    adapter = {name: b"old" for name in ("adapter_config.json", "adapter_model.safetensors")}
    files = {**adapter, "saysel.json": b"{}", "picture.png": b"of a user"}
    hub.repositories["model", "nora/mine"] = Repository(True, files)

    result = invoke("export", tiny_run, "--push", "nora/mine")

    assert result.exit_code == 0, result.output
    for name in adapter:
        assert f"  delete     {name}\n" in result.stderr
    kept = hub.repositories["model", "nora/mine"].files
    assert not set(adapter) & set(kept) and {"picture.png", "config.json"} <= set(kept)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "there is no token: run hf auth login, or set HF_TOKEN"),
        ("hf_unknown", "the hub does not accept the token"),
        ("hf_reader", "the token may only read"),
        ("hf_narrow", "the token may not write to this repository"),
    ],
)
def test_tokens_that_cannot_write(
    token: str, reason: str, hub: HubServer, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)

    result = invoke("export", tiny_run, "--push", "nora/mine")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith(f"--push nora/mine: {reason}")
    assert not token or token not in result.output
    assert not hub.repositories and not list(tiny_run.glob(".push-*"))


@pytest.mark.parametrize("name", ["mine", "nora/my/mine", "nora/", "nora/mi ne", "/x"])
def test_malformed_names(name: str, hub: HubServer, tiny_run: Path) -> None:
    told = refused(2, tiny_run, "--push", name)
    assert told.startswith(f"--push {name}: write it as OWNER/NAME")


def test_a_name_that_the_hub_forbids(hub: HubServer, tiny_run: Path) -> None:
    told = refused(2, tiny_run, "--push", "nora/a..b")
    assert told == "--push nora/a..b: Cannot have -- or .. in repo_id: 'nora/a..b'."


def test_repositories_that_are_not_pushed_to(hub: HubServer, tiny_run: Path) -> None:
    told = refused(2, tiny_run, "--push", "paul/mine")
    assert told.endswith("can push to nora, lab only: --push nora/mine")

    hub.repositories["model", "nora/other"] = Repository(True, {"config.json": b"{}"})
    hub.repositories["model", "nora/open"] = Repository(False, {"saysel.json": b"{}"})
    hub.repositories["dataset", "nora/shut"] = Repository(True, {"README.md": b""})
    told = refused(2, tiny_run, "--push", "nora/other")
    assert told == f"{hub.url}/nora/other has other content: name another repository"
    assert "/nora/open is public: add --public" in refused(2, tiny_run, "--push", "nora/open")
    shut = (tiny_run, "--predictions", "--push", "nora/shut", "--public")
    assert "/datasets/nora/shut is private: omit --public" in refused(2, *shut)
    assert not hub.uploads


def test_a_license_that_the_hub_does_not_know(hub: HubServer, tiny_run: Path) -> None:
    result = invoke("export", tiny_run, "--push", "nora/mine", "--license", "my own")

    assert result.exit_code == 2
    assert "Invalid metadata in README.md" in result.stderr.splitlines()[-1]
    assert '"license" must be one of' in result.stderr


def test_a_hub_that_fails_and_repeats_the_token(hub: HubServer, tiny_run: Path) -> None:
    hub.failing = 500, "internal error of {token}"
    told = refused(1, tiny_run, "--push", "nora/mine")
    assert told == f"--push nora/mine: {hub.url} failed (internal error of TOKEN): try again later"
    hub.failing = 400, "no {token}"
    told = refused(2, tiny_run, "--push", "nora/mine")
    assert told == "--push nora/mine: the hub refuses: no TOKEN"


def test_no_network(hub: HubServer, tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", nowhere)
        told = refused(1, tiny_run, "--push", "nora/mine")
    assert told.startswith(f"--push nora/mine: {nowhere} cannot be reached (")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    told = refused(2, tiny_run, "--push", "nora/mine")
    assert told == "--push nora/mine: HF_HUB_OFFLINE is set: unset it"


def test_an_adapter_of_a_local_base_is_refused(hub: HubServer, tmp_path: Path) -> None:
    from saysel.errors import UsageError
    from saysel.export.hub import open_repository

    (tmp_path / "adapter_config.json").write_text(f'{{"base_model_name_or_path": "{tmp_path}"}}')
    repository = open_repository("nora/mine", "model", public=False)
    with pytest.raises(UsageError, match=r"where others cannot load it: .* with --merge"):
        repository.changes(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    assert repository.changes(tmp_path).upload == ["adapter_config.json"]


def test_options_that_exclude_each_other(tiny_run: Path, tmp_path: Path) -> None:
    assert refused(2, tiny_run, "--public") == "--public needs --push OWNER/NAME"
    told = refused(2, tiny_run, "--to", tmp_path, "--push", "nora/mine")
    assert told.startswith("--to writes to a directory")
