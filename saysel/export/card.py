"""The model card: what was measured, on what, with which data, and what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from saysel import __version__, hf
from saysel.display.numbers import number
from saysel.plan.stage import BASE, Cell, Stage
from saysel.records import ModelRef, Question
from saysel.report import read_metrics
from saysel.scoring import metric_info
from saysel.stages.train import TrainStage

#: Told of every model, as far as they were measured.
METRICS = ("accuracy", "ece", "smooth_ece", "brier", "auroc", "parse_rate", "distinct_confidences")


def card(run: Path, cell: Cell, step: Stage, ref: ModelRef, *, adapter: bool, license: str) -> str:
    """README.md of an exported model, in Markdown with the hub's metadata."""
    recipe = step.recipe
    # Only an adapter's reader needs to know where a base that is on no hub was.
    base = next(
        (name for name in (ref.path, getattr(recipe.model, "path", "")) if _on_hub(name)), None
    )
    trained = cell.of(TrainStage)
    phases = [one.model for one in trained[: 1 + trained.index(step)]] if step in trained else []
    metadata = {
        "license": license,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["saysel", "calibration", "confidence"],
        **({"base_model": base} if base else {}),
    }
    revision = ref.revision or getattr(recipe.model, "revision", None)
    source = recipe.source.model_dump(mode="json", exclude={"use"})
    if source.get("path"):
        source["path"] = Path(source["path"]).name
    parts = [
        f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---",
        f"# {recipe.name}",
        "A language model that answers and then says how sure it is"
        + (f", trained by {' and '.join(phases)}" if phases else "")
        + f" with saysel {__version__}"
        + (f" on {base}" if base else "")
        + (f" at {revision}." if base and revision else "."),
        *(
            [
                f"Its base is on no hub: it was in `{Path(ref.path).resolve()}`, which "
                "`adapter_config.json` names. Elsewhere, name there where the base is."
            ]
            if adapter and not base
            else []
        ),
        "## How to ask it",
        "The reply holds the answer and a confidence, in the format of the training:",
        f"```text\n{_example(step)}\n```",
        f"```python\n{_code(step, ref, adapter)}\n```",
        "## How far its confidence can be trusted",
        *_measured(run, cell, step),
        "## Data",
        f"Questions of the source `{recipe.source.use}`, with these options; the evaluation was on "
        f"the split `{recipe.evaluate.split}`.",
        _yaml(source),
        "## Training",
        *([_phase(one) for one in trained[: len(phases)]] or ["None: this is the base model."]),
        "## Intended use",
        "Research on calibration, and applications that ask short questions like those above and "
        "use the confidence to decide when not to rely on the answer. The confidence speaks of "
        "questions like those that were measured; elsewhere, measure before you trust it. A high "
        "confidence is no proof, and the self-reflection is text of a language model: plausible, "
        "not checked. Do not use it where a wrong answer does harm and nobody looks.",
        "## Licence",
        f"`{license}`. The licences of the base model and of the data hold for what was made of "
        "them: see to both before you pass this model on.",
    ]
    return "\n\n".join(parts) + "\n"


def _on_hub(name: str | None) -> bool:
    return bool(name) and not Path(str(name)).exists()


def _phase(step: TrainStage) -> str:
    """Name and options of a phase of training."""
    return f"{step.model}:\n\n{_yaml(step.trainer.model_dump(mode='json', exclude={'use'}))}"


def _example(step: Stage) -> str:
    format = step.recipe.format
    reply = format.render("the answer", "what it is unsure of", 0.7, "its reasoning.")
    return "\n".join(f"{m['role']}: {m['content']}" for m in _prompt(step)) + f"\nmodel: {reply}"


def _prompt(step: Stage) -> list[Any]:
    return list(step.recipe.format.prompt(Question("example", "Your question?", ("",))))


def _code(step: Stage, ref: ModelRef, adapter: bool) -> str:
    """Lines that run with transformers (and peft, for an adapter) in the model's directory."""
    longest = step.recipe.sample.reply_limit() or 256
    tokenizer = hf.load_tokenizer(ref)
    if tokenizer.chat_template is None:
        asked = [
            f"inputs = tokenizer({hf.render(tokenizer, _prompt(step))!r}, return_tensors='pt')"
        ]
    else:
        asked = [
            f"messages = {_prompt(step)!r}",
            "inputs = tokenizer.apply_chat_template("
            "messages, add_generation_prompt=True, return_tensors='pt', return_dict=True)",
        ]
    return "\n".join(
        [
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            'here = "."  # the directory of this file, or its name on the hub',
            "tokenizer = AutoTokenizer.from_pretrained(here)",
            *(["# Loads the base model too; needs the package peft."] if adapter else []),
            "model = AutoModelForCausalLM.from_pretrained(here)",
            *asked,
            f"reply = model.generate(**inputs, max_new_tokens={longest}, do_sample=False)",
            "print(tokenizer.decode(reply[0, inputs['input_ids'].shape[1]:], "
            "skip_special_tokens=True))",
        ]
    )


def _measured(run: Path, cell: Cell, step: Stage) -> list[str]:
    """The calibration table: this model and the one it was made of, every way of asking."""
    place = run / "report" / "metrics.json"
    if not place.is_file():
        return ["Not measured: the run has no report yet."]
    rows = [
        row
        for row in read_metrics(run)["rows"]
        if row["cell"] == cell.label and row["model"] in (BASE, step.model)
    ]
    if not any(row["model"] == step.model for row in rows):
        return ["Not measured: the run's report does not have this model."]
    keys = [key for key in METRICS if any(key in row["metrics"] for row in rows)]
    head = ["model", "asked by", "questions", *(metric_info(key).name for key in keys)]
    body = [
        [
            row["model"],
            row["estimator"],
            f"{row['n']:,} ({row['split']})",
            *(_value(row["metrics"].get(key), key) for key in keys),
        ]
        for row in rows
    ]
    lines = [f"- {metric_info(key).name}: {_meaning(key)}" for key in keys]
    return [
        "Measured by this run, with 95 % intervals over the questions:",
        _table(head, body),
        "\n".join(lines),
    ]


def _meaning(key: str) -> str:
    about = metric_info(key)
    return about.meaning + (
        "" if about.better == "neither" else f" {about.better.title()} is better."
    )


def _value(score: dict[str, float | None] | None, key: str) -> str:
    if score is None or score.get("value") is None:
        return "–"
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    counts = metric_info(key).counts
    text = number(float(value or 0), counts)
    if low is None or high is None:
        return text
    return f"{text} ({number(low, counts)} – {number(high, counts)})"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _yaml(value: Any) -> str:
    return f"```yaml\n{yaml.safe_dump(value, sort_keys=False, allow_unicode=True)}```"
