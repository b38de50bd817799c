"""Writes the parts of the documentation that come from the code, so that they stay correct.

    python docs/generate.py            fills every generated block of every page
    python docs/generate.py --check    writes nothing; exit code 1 if a page is stale

A block is the text between `<!-- generated: WHAT -->` and `<!-- end generated -->`; WHAT is one
of the functions in `BLOCKS` with its arguments.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from saysel import errors, hookspecs, interfaces, records, registry
from saysel.cli import cli
from saysel.commands.plugin_tables import option_row
from saysel.faithfulness.measures import MEASURES
from saysel.hf.hidden_states import LOGITS_PER_CHUNK
from saysel.interfaces import KINDS, Component
from saysel.plan.memory import ModelSize, estimate_memory
from saysel.recipes.elicit import Elicit
from saysel.recipes.evaluate import Evaluate
from saysel.recipes.faithfulness import Faithfulness, Grader
from saysel.recipes.paths import model_in
from saysel.recipes.recipe import Recipe, Report, load
from saysel.registry import builtins

ROOT = Path(__file__).parent.parent
#: Tokens of a prompt in the estimates of memory.
PAPER_PROMPT = 80
BLOCK = re.compile(
    r"^(?P<begin><!-- generated: (?P<what>[^>]+?) -->\n)(?P<body>.*?)"
    r"^(?P<end><!-- end generated -->)$",
    re.DOTALL | re.MULTILINE,
)


def pages() -> list[Path]:
    """Every page of the documentation, including those in the root folder."""
    inside = sorted((ROOT / "docs").rglob("*.md"))
    return [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SKILL.md")), *inside]


def filled(text: str) -> str:
    """The text of a page with every generated block up to date.

    Raises:
        ValueError: a block has an unknown name or no end.
    """
    if f"\n{text}".count("\n<!-- generated: ") != len(BLOCK.findall(text)):
        raise ValueError("a generated block has no end")

    def fill(match: re.Match[str]) -> str:
        name, *arguments = match["what"].split()
        if name not in BLOCKS:
            raise ValueError(f"unknown generated block '{name}'; known are {', '.join(BLOCKS)}")
        return f"{match['begin']}{BLOCKS[name](*arguments)}\n{match['end']}"

    return BLOCK.sub(fill, text)


# ------------------------------------------------------------------------------------ blocks


def definition(*names: str) -> str:
    """The source of classes of `saysel.interfaces` or `saysel.records`."""
    return fence("python", "\n\n\n".join(source(name) for name in names))


def plugin(name: str) -> str:
    """The plugin in the docstring of an interface, by its kind or its class."""
    docstring = inspect.getdoc(KINDS.get(name) or getattr(interfaces, name)) or ""
    code = docstring.partition("```python\n")[2].partition("\n```")[0]
    file = "sayselfile.py" if name in KINDS else f"{name.lower()}.py"  # a page has one sayselfile
    return fence(f"python {file}", code.replace("'''", '"""'))


def hook(kind: str) -> str:
    """The hook of one kind."""
    return fence("python", signature(f"saysel_{kind}s"))


def hooks() -> str:
    """Every hook with its docstring."""
    every = [name for name in vars(hookspecs) if name.startswith("saysel_")]
    return fence("python", "\n\n\n".join(signature(name, documented=True) for name in every))


def components(kind: str) -> str:
    """The built-in components of one kind: docstring and options of each."""
    names = sorted(getattr(builtins, f"saysel_{kind}s")())
    return "\n\n".join(component(kind, name) for name in names)


def component(kind: str, name: str) -> str:
    found = registry.find(kind, name)
    parts = [f"### `{name}`", inspect.getdoc(found) or "", options(found)]
    if old := [old for old, new in builtins.saysel_renamed().get(kind, {}).items() if new == name]:
        parts.insert(1, f"Renamed from {', '.join(f'`{each}`' for each in old)}.")
    for key, field in found.model_fields.items():
        inside = model_in(field.annotation)
        if inside is not None and not issubclass(inside, Component):
            parts += [f"Options inside `{key}`:", options(inside)]
    return "\n\n".join(parts)


def recipe(name: str) -> str:
    """The text of a packaged recipe."""
    return fence("yaml recipe", registry.recipe(name).read_text(encoding="utf-8"))


def recipe_keys() -> str:
    """The keys of a recipe, then those of its sections that are not components."""
    unnamed = "| `name` | text | required |"  # in a mapping only: a file has a name
    keys = options(Recipe, "key")
    assert unnamed in keys
    parts = [keys.replace(unnamed, "| `name` | text | the file's name |")]
    for title, model in (
        ("elicit", Elicit),
        ("evaluate", Evaluate),
        ("evaluate.faithfulness", Faithfulness),
        ("evaluate.faithfulness.grader", Grader),
        ("report", Report),
    ):
        parts += [f"Keys inside `{title}`:", options(model, "key")]
    return "\n\n".join(parts)


def usage(*command: str) -> str:
    """The output of `--help` for the program, a command or a subcommand."""
    found: click.Command = cli
    context = click.Context(cli, info_name="saysel", terminal_width=80, **cli.context_settings)
    for name in command:
        assert isinstance(found, click.Group)
        inner = found.get_command(context, name)
        assert inner is not None, name
        found = inner
        context = click.Context(found, info_name=name, parent=context)
    return fence("text", found.get_help(context))


def error_types() -> str:
    """The expected errors with their exit codes."""
    found = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.SayselError)
    ]
    return table(
        ("error", "exit code", "meaning"),
        [
            (f"`{error.__name__}`", str(error.exit_code), first_line(error))
            for error in sorted(found, key=lambda error: error.exit_code)
        ],
    )


def kinds() -> str:
    """One line per kind: its page, its purpose and its built-in components."""
    return table(
        ("kind", "what it is", "built in"),
        [
            (
                f"[{kind}](reference/{kind}.md)",
                first_line(interface),
                ", ".join(f"`{name}`" for name in sorted(getattr(builtins, f"saysel_{kind}s")())),
            )
            for kind, interface in KINDS.items()
        ],
    )


def measures() -> str:
    """One line per measure of faithfulness."""
    return table(
        ("measure", "better", "meaning"),
        [
            (f"`{name}`", "–" if better == "neither" else better, meaning)
            for name, (better, meaning) in MEASURES.items()
        ],
    )


def memory() -> str:
    """Estimated memory of the paper's phases for two models, with and without checkpointing."""
    models = {
        "Mistral-7B": ModelSize(32, 4096, 14336, 1024, 32000, tied=False),
        "Qwen3-8B": ModelSize(36, 4096, 12288, 1024, 151936, False, normalises_queries=True),
    }
    rows = []
    for name, model in models.items():
        for trainer in load("sayself-mistral-7b").train:
            size = replace(
                trainer.pass_size(PAPER_PROMPT),
                rank=64,
                reference_copy=False,
                max_logits=LOGITS_PER_CHUNK,  # older versions of TRL compute all
            )
            for checkpointed in (False, True):
                needed = estimate_memory(model, size, accelerated=checkpointed)
                parts = (needed.weights, needed.trained, needed.activations, needed.logits)
                values = [f"{part / 1e9:.1f}" for part in (*parts, needed.total)]
                rows.append((name, f"`{trainer.use}`", "yes" if checkpointed else "no", *values))
    header = ("model", "phase", "checkpointed", "weights", "trained", "activations", "logits")
    return table((*header, "sum"), rows)


BLOCKS: dict[str, Callable[..., str]] = {
    "components": components,
    "definition": definition,
    "errors": error_types,
    "help": usage,
    "hook": hook,
    "hooks": hooks,
    "kinds": kinds,
    "measures": measures,
    "memory": memory,
    "plugin": plugin,
    "recipe": recipe,
    "recipe-keys": recipe_keys,
}

# ------------------------------------------------------------------------------------- parts


def source(name: str) -> str:
    """The source of a class of `saysel.interfaces` or `saysel.records`, without its example."""
    module = interfaces if hasattr(interfaces, name) else records
    text = inspect.getsource(getattr(module, name)).rstrip()
    text = re.sub(r"\n\n    ```python\n.*?\n    ```\n", "\n", text, flags=re.DOTALL)
    return re.sub(r'("""[^"\n]+)\n    """', r'\1"""', text, count=1)


def signature(name: str, documented: bool = False) -> str:
    """A hook's signature, optionally with its docstring."""
    function = getattr(hookspecs, name)
    arguments = inspect.signature(function)
    body = f'\n    """{inspect.getdoc(function)}"""' if documented else " ..."
    return f"def {name}{str(arguments).replace(chr(39), '')}:{body}"


def options(model: type[BaseModel], head: str = "option") -> str:
    """The options of a component or section as a table."""
    lines = []
    for name, field in model.model_fields.items():
        if name == "use":
            continue
        key, kind, default, description, limits = map(cell, option_row(name, field))
        if default and not field.is_required():
            default = f"`{default}`"
        lines.append((f"`{key}`", kind, default, description, limits))
    if not lines:
        return "It has no options."
    rows = table((head, "type", "default", "description", "range"), lines)
    bases = [base for base in model.__mro__ if issubclass(base, interfaces.Options)]
    old_names = {old: new for base in bases for old, new in base.renamed.items()}
    renamed = ", ".join(f"`{new}` (was `{old}`)" for old, new in old_names.items())
    return f"{rows}\n\nRenamed: {renamed}." if renamed else rows


def cell(text: str) -> str:
    """Text escaped for a table cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def main(arguments: Sequence[str]) -> int:
    stale = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        wanted = filled(text)
        if text != wanted:
            stale += 1
            print(f"{page.relative_to(ROOT)}: stale" + ("" if arguments else ", updated"))
            if not arguments:
                page.write_text(wanted, encoding="utf-8")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
