"""The model card: usage, measured calibration, data, training, and intended use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from saysel import __version__, hf
from saysel.export.measured import measured_table, model_index
from saysel.plan.stage import BASE, Cell, Stage
from saysel.records import ModelRef, Question
from saysel.report import read_metrics
from saysel.sources.hub import RemoteSource
from saysel.stages.evaluation import evaluation_sampler
from saysel.stages.train import TrainStage
from saysel.storage.models import read_model

INTENDED_USE = """\
Research on calibration, and applications that ask short questions like those above and use the \
confidence to decide when not to rely on the answer. The measured calibration applies to questions \
like those of the evaluation; for other questions, measure it before you rely on it. A high \
confidence is no proof, and the rationale is generated text: plausible, but not verified. Do not \
use the model where a wrong answer causes harm and is not checked."""


def card(run: Path, cell: Cell, step: Stage, ref: ModelRef, *, adapter: bool, license: str) -> str:
    """README.md of an exported model, in Markdown with the hub's metadata."""
    # The recipe's model, before any training.
    origin = read_model(run, cell.models()[BASE].directory_in(run))
    base = _base_on_hub(ref, origin)
    trained = cell.of(TrainStage)
    phases = trained[: 1 + trained.index(step)] if step in trained else []
    recipe = step.recipe
    rows = _measured(run, cell, step)
    parts = [
        _metadata(step, rows, base, adapter, license),
        f"# {recipe.name}",
        _introduction(ref.revision or origin.revision, base, phases),
        *([_local_base(ref)] if adapter and not base else []),
        "## Usage",
        "A reply contains the answer and a confidence, in the format of the training:",
        f"```text\n{_example(step)}\n```",
        f"```python\n{_code(step, ref, adapter)}\n```",
        "Or with saysel, which also separates answer, rationale and confidence: `saysel ask "
        'DIRECTORY "Your question?"`.',
        "## Calibration",
        *([rows] if isinstance(rows, str) else measured_table(rows)),
        "## Data",
        f"Questions of the source `{recipe.source.use}` with these options; the evaluation used "
        f"the split `{recipe.evaluate.split}`.",
        _source(step),
        "## Training",
        *([_phase(phase) for phase in phases] or ["None: this is the base model."]),
        "## Intended use",
        INTENDED_USE,
        "## Licence",
        f"`{license}`. The licences of the base model and of the data also apply to derived "
        "models: check both before you redistribute this model.",
    ]
    return "\n\n".join(parts) + "\n"


def _base_on_hub(ref: ModelRef, origin: ModelRef) -> str | None:
    """The hub's name of the base model; `None` if the base is a local directory."""
    return next((path for path in (ref.path, origin.path) if not hf.is_local(path)), None)


def _metadata(
    step: Stage, rows: list[dict[str, Any]] | str, base: str | None, adapter: bool, license: str
) -> str:
    """The metadata that the hub reads, as YAML."""
    source = step.recipe.source
    questions = source.repository if isinstance(source, RemoteSource) and source.on_hub() else None
    measured = [] if isinstance(rows, str) else [row for row in rows if row["model"] == step.model]
    metadata: dict[str, Any] = {
        "license": license,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["saysel", "calibration", "confidence"],
        **({"base_model": base} if base else {}),
        **({"datasets": [questions]} if questions else {}),
    }
    if measured:
        metadata["model-index"] = model_index(step.recipe.name, measured, questions or source.use)
    return f"---\n{yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)}---"


def _introduction(revision: str | None, base: str | None, phases: Sequence[TrainStage]) -> str:
    """What the model is and how it was made, in one sentence."""
    text = "A language model that answers and then states how sure it is"
    if phases:
        text += f", trained by {' and '.join(phase.model for phase in phases)}"
    text += f" with saysel {__version__}"
    if base:
        text += f" on {base}" + (f" at {revision}" if revision else "")
    return text + "."


def _local_base(ref: ModelRef) -> str:
    file = f", in the file `{ref.gguf}`" if ref.gguf else ""
    return (
        f"**The base model is not on the hub**: it was in `{hf.base_name(ref.path)}`{file}, which "
        "`adapter_config.json` names. If the base model is elsewhere, change the path there."
    )


def _source(step: Stage) -> str:
    """The options of the source; of a path only the file's name."""
    source = step.recipe.source.model_dump(mode="json", exclude={"use"})
    if source.get("path"):
        source["path"] = Path(source["path"]).name
    return _yaml(source)


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
    """Code that runs with transformers (and peft, for an adapter) in the model's directory."""
    max_tokens = evaluation_sampler(step.recipe).reply_limit() or 256
    tokenizer = hf.load_tokenizer(ref)
    if tokenizer.chat_template is None:
        prompt = [
            f"inputs = tokenizer({hf.render(tokenizer, _prompt(step))!r}, return_tensors='pt')"
        ]
    else:
        prompt = [
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
            *_loading_code(ref, adapter),
            *prompt,
            f"reply = model.generate(**inputs, max_new_tokens={max_tokens}, do_sample=False)",
            "print(tokenizer.decode(reply[0, inputs['input_ids'].shape[1]:], "
            "skip_special_tokens=True))",
        ]
    )


def _loading_code(ref: ModelRef, adapter: bool) -> list[str]:
    """Lines that load the model; transformers does not know that a base is a GGUF file."""
    if adapter and ref.gguf:
        return [
            "from peft import PeftModel",
            f"base = AutoModelForCausalLM.from_pretrained({hf.base_name(ref.path)!r}, "
            f"gguf_file={ref.gguf!r})",
            "model = PeftModel.from_pretrained(base, here)",
        ]
    return [
        *(["# Loads the base model too; requires peft."] if adapter else []),
        "model = AutoModelForCausalLM.from_pretrained(here)",
    ]


def _measured(run: Path, cell: Cell, step: Stage) -> list[dict[str, Any]] | str:
    """The rows of this model and of its base model; or why there are none."""
    if not (run / "report" / "metrics.json").is_file():
        return "Not measured: the run has no report yet."
    rows = [
        row
        for row in read_metrics(run)["rows"]
        if row["cell"] == cell.label and row["model"] in (BASE, step.model)
    ]
    if not any(row["model"] == step.model for row in rows):
        return "Not measured: the run's report does not have this model."
    # The card is about one cell.
    return [{**row, "cell": ""} for row in rows]


def _yaml(value: Any) -> str:
    return f"```yaml\n{yaml.safe_dump(value, sort_keys=False, allow_unicode=True)}```"
