"""The paper's recipe, on tiny models of each architecture: nothing is left out, all is smaller."""

from __future__ import annotations

import json
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from saysel import testing
from saysel.formats.sayself import SaySelfFormat
from saysel.rationales.llm import LlmRationaleWriter
from saysel.recipes.extends import packaged
from saysel.recipes.recipe import Recipe, load
from saysel.records import ModelRef, Question
from saysel.sources.hotpotqa import HotpotQASource
from saysel.storage import read_json
from saysel.testing import clusters
from tests.recipes.families import TEMPLATES, build
from tests.support import killed_run
from tests.support.end_to_end import events, invoke, stages_started
from tests.support.killed_run import KillPoint
from tests.support.memorizing_model import memorize
from tests.support.scripted_sampler import scripted_sampler

RECIPES = ["sayself-mistral-7b", "sayself-llama-3.1-8b", "sayself-qwen2.5-7b", "sayself-qwen3-0.6b"]
TOWNS = ("Velm", "Tarro", "Orrin", "Quell")
DOUBT = "I mix up two towns here."


def test_every_recipe_of_the_paper_is_here() -> None:
    assert [name for name in packaged() if name.startswith("sayself")] == sorted(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_check_passes_and_reads_no_question(name: str) -> None:
    result = invoke("check", name)

    assert result.exit_code == 0, result.output
    assert f"{name}: no problems" in result.output
    assert "9,000,000 responses" in result.output
    assert "2,112 steps" in result.output and "47 steps" in result.output


@pytest.mark.parametrize("name", RECIPES)
def test_the_published_values(name: str) -> None:
    recipe = load(name).resolved()
    sft, ppo = recipe["train"]

    def of(part: dict[str, Any], *keys: str) -> list[Any]:
        return [part[key] for key in keys]

    assert of(recipe["sample"], "n", "temperature") == [100, 1.2]
    assert of(recipe["cluster"], "use", "model", "threshold", "drop_singletons") == [
        *("embedding", "hkunlp/instructor-large", 0.9, True)
    ]
    assert recipe["source"]["use"] == "hotpotqa"
    assert of(recipe["source"]["limits"], "rl", "heldout") == [3000, 1000]
    assert recipe["target"]["use"] == "correct_cluster"
    assert sft["lora"] == {"r": 64, "alpha": 16, "dropout": 0.1}
    assert of(sft, "learning_rate", "batch_size", "epochs", "warmup", "max_length") == [
        *(7e-5, 128, 3, 0.03, 400)
    ]
    assert recipe["model"]["dtype"] == "bfloat16"
    assert of(ppo, "learning_rate", "mini_batch_size", "epochs", "top_k", "max_tokens") == [
        *(1e-5, 8, 2, 50, 150)
    ]
    assert of(ppo, "scale_rewards", "whiten", "mask", "questions") == [
        *(True, True, "confidence", "rl")
    ]
    assert ppo["reward"]["use"] == "quadratic"
    assert abs(ppo["steps"] * ppo["batch_size"] - 3000) < ppo["batch_size"]
    assert recipe["evaluate"]["temperature"] == 0.7


@pytest.fixture(scope="module")
def hotpot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions in HotpotQA's schema about towns that are nowhere."""
    rng = random.Random(0)
    rows = [
        {"_id": f"q{n}", "question": f"Which town is past hill {n}?", "answer": rng.choice(TOWNS)}
        for n in range(40)
    ]
    path = tmp_path_factory.mktemp("hotpot") / "hotpot.json"
    path.write_text(json.dumps(rows))
    return path


@pytest.fixture(scope="module")
def writer(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that writes the same rationale whatever it is asked."""
    script = scripted_sampler([DOUBT] * 4)
    items = [
        (Question(town, f"Which town is past hill {n}?", (town,)), clusters({town: 2, "no": 1 + n}))
        for n, town in enumerate(TOWNS)
    ]
    LlmRationaleWriter(sampler=script, certain=None).write(items)
    lessons = [(prompt, DOUBT) for prompt in script.asked[0][1]]
    return memorize(small_model, lessons, tmp_path_factory.mktemp("writer"))


def lesson_replies(recipe: Recipe, question: Question, rng: random.Random) -> list[str]:
    """What a model that half knows would say: the right town, and another."""
    wrong = rng.choice([town for town in TOWNS if town not in question.answers])
    return [
        SaySelfFormat().render(town, "I may mix up two towns.", confidence, "I recall a hill.")
        for town, confidence in ((question.answers[0], 0.7), (wrong, 0.3))
    ]


def adapters(run: Path) -> dict[str, dict[str, bytes]]:
    """The weights that each phase trained, to the bit."""
    places = sorted((run / "stages").glob("train-*/model/adapter_model.safetensors"))
    assert len(places) == 2
    return {
        place.parents[1].name: {name: a.tobytes() for name, a in load_file(place).items()}
        for place in places
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "family"),
    [*zip(RECIPES, ("Mistral", "Llama", "Qwen2", "Qwen3"), strict=True), (RECIPES[0], "Gemma")],
)
def test_from_questions_to_report(
    name: str,
    family: str,
    hotpot: Path,
    writer: ModelRef,
    small_model: ModelRef,
    minilm: str,
    tmp_path: Path,
) -> None:
    assert family in TEMPLATES
    recipe, rng = load(name), random.Random(0)
    questions = [q for q, _ in HotpotQASource(path=hotpot).candidates("train")]
    lessons = [
        (recipe.format.prompt(question), reply)
        for question in questions
        for reply in lesson_replies(recipe, question, rng)
    ]
    # It is random, then learns to reply in the format: of noise, nothing could be learned.
    model = memorize(
        build(family, small_model, tmp_path / "raw"), lessons, tmp_path / "base", 120, 2
    )
    chosen = {
        "model.path": model.path,
        "model.dtype": "float32",
        "source.path": hotpot,
        "source.shares": "{train: 0.4, rl: 0.2, dev: 0.1, heldout: 0.3}",
        "source.limits": "{train: 16, rl: 8, heldout: 8}",
        "leaks": "allow",
        "sample.n": 6,
        "sample.max_tokens": 48,
        "cluster.model": minilm,
        "cluster.instruction": '""',
        "cluster.embed": "answer",
        "rationale.model": writer.path,
        "rationale.sampler.max_tokens": 40,
        "rationale.sampler.temperature": 0,
        "train.0.batch_size": 8,
        "train.0.max_steps": 2,
        "train.1.steps": 2,
        "train.1.batch_size": 8,
        "train.1.max_tokens": 48,
        "train.1.checkpoint_every": 1,
        "evaluate.estimators.1.n": 3,
    }
    out = tmp_path / "run"
    command: list[str | Path] = ["run", name, "--out", out]
    command += [f"--set={path}={value}" for path, value in chosen.items()]

    first = invoke(*command, "--until", "target")
    assert first.exit_code == 0, first.output
    undisturbed, said = tmp_path / "undisturbed", tmp_path / "said"
    shutil.copytree(out, undisturbed)
    told = len(events(out))
    killed = KillPoint("train-ppo", "checkpoint.pt", after=True)
    assert killed_run.run_command(said, *command, at=killed) == -signal.SIGKILL, said.read_text()
    # It continued after the target: sampled, clustered and labelled once.
    assert stages_started(out, told) == ["train-sft", "train-ppo"]
    told = len(events(out))
    assert killed_run.run_command(said, *command) == 0, said.read_text()

    # It continued after the checkpoint, with the same weights.
    assert stages_started(out, told)[0] == "train-ppo"
    assert [e["step"] for e in events(out)[told:] if e["event"] == "training"] == [2]
    command[3] = undisturbed
    assert killed_run.run_command(said, *command, "--until", "train") == 0, said.read_text()
    assert adapters(out) == adapters(undisturbed)
    command[3] = out
    stages = read_json(out / "manifest.json")["stages"]
    assert stages["target"]["examples"] >= 4
    assert stages["rationale"]["missing"] == 0
    (shard,) = (out / "stages").glob("rationale-*/part-*.parquet")
    assert DOUBT in {row["text"] for row in pq.read_table(shard).to_pylist()}
    # Both phases trained adapters on the unchanged model, in the family's own architecture.
    for phase in ("sft", "ppo"):
        (place,) = (out / "stages").glob(f"train-{phase}-*/model/adapter_config.json")
        assert read_json(place)["base_model_name_or_path"] == model.path
        assert read_json(place)["r"] == 64
    testing.model_checks.check_model_ref(
        ModelRef(model.path, adapter=str(place.parent), dtype="float32")
    )
    rows = {
        (row["model"], row["estimator"]): row["metrics"]
        for row in read_json(out / "report" / "metrics.json")["rows"]
    }
    assert set(rows) == {
        *((model, "verbalized") for model in ("base", "sft", "ppo")),
        ("base", "self_consistency"),
    }
    assert rows["ppo", "verbalized"]["parse_rate"]["value"] > 0
    assert "nothing to do" in invoke(*command).output
