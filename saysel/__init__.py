"""saysel teaches language models to say how sure they are, and why.

    import saysel

    run = saysel.run("quickstart")                    # train, evaluate, write the report
    run.scores["ppo:verbalized"]["brier"]             # a metric with its 95 % interval
    saysel.ask(run, "Nora says the lantern is in the cellar. Where is the lantern?")
    saysel.score("predictions.csv")                   # predictions made elsewhere
    saysel.compare("before.csv", "after.csv")

The functions are imported when they are first used; `import saysel` loads no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saysel.hookspecs import hookimpl

if TYPE_CHECKING:
    from saysel.api.asking import Answer, ask
    from saysel.api.checking import Check, check
    from saysel.api.comparing import compare
    from saysel.api.run_directory import Run
    from saysel.api.running import load_recipe, run
    from saysel.api.scoring import Scores, score

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Check",
    "Run",
    "Scores",
    "__version__",
    "ask",
    "check",
    "compare",
    "hookimpl",
    "load_recipe",
    "run",
    "score",
]

#: Where the names are that are imported on first use.
_LAZY = {
    "Answer": "saysel.api.asking",
    "Check": "saysel.api.checking",
    "Run": "saysel.api.run_directory",
    "Scores": "saysel.api.scoring",
    "ask": "saysel.api.asking",
    "check": "saysel.api.checking",
    "compare": "saysel.api.comparing",
    "load_recipe": "saysel.api.running",
    "run": "saysel.api.running",
    "score": "saysel.api.scoring",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
