"""Models that plain transformers loads, with what was measured of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import saysel
from saysel import hf
from saysel.records import ModelRef
from saysel.storage import finish, finished, read_json
from tests.support.end_to_end import invoke

LORA = "train=[{use: sft, lora: {r: 4}, max_steps: 2, batch_size: 8, learning_rate: 1e-2}, "
LORA += "{use: ppo, steps: 1, batch_size: 4, max_tokens: 32, learning_rate: 1e-2}]"
#: The evaluated models' replies may be longer than those of the sample stage.
LONGER = "evaluate.sampler={use: transformers, max_tokens: 40}"
ASKED = "Nora says the globe is in the barn. Where is the globe?"


def logits(ref: ModelRef) -> torch.Tensor:
    model, tokenizer = hf.load_model(ref), hf.load_tokenizer(ref)
    ids = torch.tensor(hf.encode(tokenizer, [[{"role": "user", "content": ASKED}]]))
    with torch.no_grad():
        return model(ids).logits


def card_of(directory: Path) -> tuple[dict[str, object], str]:
    """Metadata and text of a model card."""
    _, metadata, text = (directory / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(metadata), text


def run_the_code_of(directory: Path) -> str:
    """What the card's own lines print, in a process that has no saysel."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", card_of(directory)[1], re.DOTALL | re.MULTILINE)
    assert "saysel" not in code
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['saysel'] = None\n{code}"],
        cwd=directory,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lora_run(tiny_recipe: Path, tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose last model is an adapter."""
    run = tmp_path_factory.mktemp("lora") / "run"
    result = invoke("run", tiny_recipe, "--out", run, "--set", LORA, "--set", LONGER)
    assert result.exit_code == 0, result.output
    return run


def trained(run: Path) -> Path:
    (place,) = run.glob("stages/train-ppo-*/model")
    return place


@pytest.mark.slow
def test_a_whole_model(tiny_run: Path, tmp_path: Path) -> None:
    result = invoke("export", tiny_run, "--to", tmp_path / "deep" / "mine")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'deep' / 'mine'}\n"

    exported = tmp_path / "deep" / "mine"
    assert torch.equal(logits(ModelRef(str(exported))), logits(ModelRef(str(trained(tiny_run)))))
    assert run_the_code_of(exported).strip()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["mine"]


@pytest.mark.slow
def test_an_adapter_and_the_same_merged(lora_run: Path, tmp_path: Path) -> None:
    adapter, merged = tmp_path / "adapter", tmp_path / "merged"
    assert invoke("export", lora_run, "--to", adapter).exit_code == 0
    done = invoke("export", lora_run, "--to", merged, "--merge", "--license", "apache-2.0")
    assert done.exit_code == 0, done.output

    (base,) = lora_run.glob("stages/model-*/model")
    expected = logits(ModelRef(str(base), adapter=str(trained(lora_run))))
    assert not torch.allclose(expected, logits(ModelRef(str(base))), atol=1e-3)
    assert torch.allclose(logits(ModelRef(str(base), adapter=str(adapter))), expected, atol=1e-5)
    assert torch.allclose(logits(ModelRef(str(merged))), expected, atol=1e-4)
    assert not (adapter / "config.json").exists() and not (merged / "adapter_config.json").exists()
    assert all(path.is_file() for path in adapter.iterdir())
    # What transformers makes of either, without saysel, is the same reply.
    assert run_the_code_of(adapter) == run_the_code_of(merged)
    assert "max_new_tokens=40, " in card_of(merged)[1]
    assert card_of(adapter)[0]["library_name"] == "peft"
    assert card_of(merged)[0]["library_name"] == "transformers"
    assert card_of(merged)[0]["license"] == "apache-2.0"
    assert str(lora_run) not in card_of(merged)[1]
    # The base is on no hub: the card and PEFT's configuration say where it was.
    assert f"it was in `{base.resolve()}`" in card_of(adapter)[1]
    settings = read_json(adapter / "adapter_config.json")
    assert settings["base_model_name_or_path"] == str(base.resolve())


@pytest.mark.slow
def test_an_exported_adapter_is_asked_from_anywhere(
    lora_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke("export", lora_run, "--to", tmp_path / "adapter").exit_code == 0
    expected = invoke("ask", lora_run, ASKED)
    monkeypatch.chdir(tmp_path)

    said = invoke("ask", "adapter", ASKED)

    assert (said.exit_code, said.stderr) == (0, ""), said.output
    assert said.stdout == expected.stdout
    settings = tmp_path / "adapter" / "adapter_config.json"
    content = read_json(settings)
    for base, told in (
        (str(tmp_path / "moved"), f"{tmp_path / 'moved'}: there is no such model directory"),
        (None, "adapter_config.json names no base"),
    ):
        settings.write_text(json.dumps({**content, "base_model_name_or_path": base}))
        said = invoke("ask", "adapter", ASKED)
        assert said.exit_code == 2 and told in said.stderr, said.output


@pytest.mark.slow
def test_an_export_is_asked_in_the_format_of_its_training(
    tiny_recipe: Path, tiny_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    other = ("--set", "format={use: percent, instruction: ''}", "--set", "evaluate.temperature=0.5")
    made = invoke(
        "run",
        tiny_recipe,
        "--out",
        run,
        *other,
        "--set",
        "train=[{use: sft, max_steps: 1, batch_size: 4}]",
    )
    assert made.exit_code == 0, made.output
    assert invoke("export", run, "--to", tmp_path / "mine").exit_code == 0

    settings = read_json(tmp_path / "mine" / "saysel.json")
    assert settings["format"]["use"] == "percent" and settings["temperature"] == 0.5
    assert invoke("ask", tmp_path / "mine", ASKED).stdout == invoke("ask", run, ASKED).stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "export the model again"),
        ("[]", "export the model again"),
        ('{"format": "sayself"}', "export the model again"),
        (
            '{"format": {"use": "nobody"}, "temperature": 0, "max_tokens": 9, "base": {}}',
            "no format is called 'nobody'",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(
    content: str, reason: str, small_model: ModelRef, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(small_model.path, tmp_path / "mine"))
    (model / "saysel.json").write_text(content)

    said = invoke("ask", model, ASKED)

    assert said.exit_code == 2, said.output
    (line,) = said.stderr.splitlines()
    assert reason in line


@pytest.mark.slow
def test_an_adapter_of_a_gguf_file(tiny_recipe: Path, tiny_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    from tests.support.gguf_file import write_gguf

    (built,) = tiny_run.glob("stages/model-*/model")
    write_gguf(built, tmp_path / "small.gguf")
    model = f"model={{use: pretrained, path: {tmp_path}, gguf: small.gguf}}"
    made = invoke("run", tiny_recipe, "--out", tmp_path / "run", "--set", model, "--set", LORA)
    assert made.exit_code == 0, made.output
    assert invoke("export", tmp_path / "run", "--to", tmp_path / "adapter").exit_code == 0
    assert invoke("export", tmp_path / "run", "--to", tmp_path / "merged", "--merge").exit_code == 0

    expected = logits(
        ModelRef(str(tmp_path), adapter=str(trained(tmp_path / "run")), gguf="small.gguf")
    )
    assert torch.allclose(logits(ModelRef(str(tmp_path / "merged"))), expected, atol=1e-4)
    assert run_the_code_of(tmp_path / "adapter") == run_the_code_of(tmp_path / "merged")
    assert f"it was in `{tmp_path}`, in the file `small.gguf`" in card_of(tmp_path / "adapter")[1]
    asked = invoke("ask", tmp_path / "run", ASKED).stdout
    for exported in ("adapter", "merged"):
        assert invoke("ask", tmp_path / exported, ASKED).stdout == asked


@pytest.mark.slow
def test_a_model_without_a_chat_template_is_asked_in_plain_text(
    tiny_copy: Path, tmp_path: Path
) -> None:
    model = trained(tiny_copy)
    record = finished(model.parent)
    assert record is not None
    (model / "chat_template.jinja").unlink()
    finish(model.parent, record)  # as if the model had been trained without one
    assert invoke("export", tiny_copy, "--to", tmp_path / "mine").exit_code == 0

    assert "apply_chat_template" not in card_of(tmp_path / "mine")[1]
    assert run_the_code_of(tmp_path / "mine").strip()


@pytest.mark.slow
def test_the_card_contains_the_scores(tiny_run: Path, tmp_path: Path) -> None:
    assert invoke("export", tiny_run, "--to", tmp_path / "mine").exit_code == 0
    metadata, text = card_of(tmp_path / "mine")

    assert metadata["license"] == "unknown" and "saysel" in str(metadata["tags"])
    rows = [
        row
        for row in read_json(tiny_run / "report" / "metrics.json")["rows"]
        if row["model"] in ("base", "ppo")
    ]
    table = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    head, body = table[0], table[2:]
    names = [[f"| {r['model']}", r["estimator"].replace("_", r"\_")] for r in rows]  # in Markdown
    assert [line[:2] for line in body] == names
    for line, row in zip(body, rows, strict=True):
        brier = row["metrics"]["brier"]
        told = line[head.index("Brier")].removesuffix(" |")
        if brier["value"] is not None:
            assert told.startswith(f"{brier['value']:.3f} ({brier['low']:.3f} – ")
        assert line[2] == "16 (heldout)"
    for part in ("## Data", "`witness`", "heldout: 16", "## Training", "\nppo:\n", "reward:"):
        assert part in text
    for part in ("## Intended use", "## Licence", "Confidence: 7"):
        assert part in text


@pytest.mark.slow
def test_the_card_of_an_unfinished_run_says_so(tiny_copy: Path, tmp_path: Path) -> None:
    (tiny_copy / "report" / "metrics.json").unlink()
    assert invoke("export", tiny_copy, "--to", tmp_path / "mine").exit_code == 0

    assert "Not measured: the run has no report yet." in card_of(tmp_path / "mine")[1]


@pytest.mark.slow
def test_what_cannot_be_exported(tiny_copy: Path, tmp_path: Path) -> None:
    def refused(*arguments: str | Path) -> str:
        result = invoke("export", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        (line,) = result.stderr.splitlines()
        return line

    assert "not a run directory" in refused(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    told = refused(tiny_copy, "--to", tmp_path / "full")
    assert "is not empty: name another directory" in told
    told = refused(tiny_copy, "--predictions", "--merge")
    assert "--predictions exports none: leave one of them out" in told
    for done in tiny_copy.glob("stages/*/done.json"):
        done.unlink()
    assert "the run has not made a model yet" in refused(tiny_copy, "--to", tmp_path / "new")
    recipe = (tiny_copy / "recipe.yaml").read_text()
    (tiny_copy / "recipe.yaml").write_text(recipe.replace("matrix: {}", "matrix: {seed: [0, 1]}"))
    assert "has 2 cells" in refused(tiny_copy, "--to", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "tiny"]


def test_a_hub_id_in_a_run_directory_is_no_path_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = "{name: mine, source: witness, model: {use: pretrained, path: org/name}}"
    (tmp_path / "mine.yaml").write_text(recipe)
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert invoke("run", "../mine.yaml", "--out", ".", "--until", "model").exit_code == 0

    assert saysel.Run(tmp_path / "run").last_model()[1] == ModelRef("org/name")


@pytest.mark.parametrize("name", ["org/name", "org/name/small.gguf"])
def test_a_model_of_the_hub_is_not_exported(name: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    recipe = f"{{name: mine, source: witness, model: {{use: pretrained, path: {name}}}}}"
    (tmp_path / "mine.yaml").write_text(recipe)
    assert invoke("run", tmp_path / "mine.yaml", "--out", run, "--until", "model").exit_code == 0

    result = invoke("export", run)

    assert result.exit_code == 2
    assert result.stderr == f"{run}: its model is {name}, unchanged: there is nothing to export\n"
    assert json.loads((run / "manifest.json").read_text())
