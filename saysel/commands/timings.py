"""`saysel plugins --timings`: what installed plugins cost each command that looks up a name.

Every distribution is measured in separate Python processes, which have imported of saysel what a
command has imported before it loads plugins. So no plugin pays for what another one has loaded,
and none gets it for free; where plugins share packages, the sum is an upper one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from saysel.display.tables import print_table
from saysel.display.terminal import echo
from saysel.registry import PluginModule, plugin_modules

#: Of so many processes the quickest counts: the others had to wait for disk or processor.
TRIES = 3

#: Packages that take long to import and belong inside the methods that need them.
HEAVY = frozenset(
    {
        *("accelerate", "anthropic", "bitsandbytes", "datasets", "jax", "matplotlib", "openai"),
        *("pandas", "peft", "pyarrow", "scipy", "sentence_transformers", "sklearn", "tensorflow"),
        *("torch", "transformers", "trl", "vllm"),
    }
)

#: Imports modules one after another, and prints for each: seconds, packages brought, problem.
MEASURE = """
import importlib, json, sys, time
sys.path[:] = json.loads(sys.argv[1])
import saysel.interfaces, saysel.registry, saysel.registry.claims

found = []
for module in sys.argv[2:]:
    known, problem = set(sys.modules), None
    start = time.perf_counter()
    try:
        importlib.import_module(module)
    except BaseException as error:
        problem = saysel.registry.claims.one_line(error)
    seconds = time.perf_counter() - start
    brought = {name.partition(".")[0] for name in set(sys.modules) - known}
    found.append([seconds, sorted(brought), problem])
print("\\n" + json.dumps(found))
"""


class Timing(NamedTuple):
    """What one hook module costs.

    Attributes:
        module: its name.
        seconds: to import it, with all that it imports and the modules before it did not.
        heavy: the packages of `HEAVY` that come with it, sorted.
        problem: why it cannot be imported, or `None`.
    """

    module: str
    seconds: float
    heavy: tuple[str, ...]
    problem: str | None


def print_timings() -> None:
    """Print what each plugin costs at start-up, the slowest first, and what to do about it."""
    by_owner = attrgetter("distribution", "version")
    measured = [
        (f"{distribution} {version}", measure(points))
        for (distribution, version), points in groupby(
            sorted(plugin_modules(), key=by_owner), by_owner
        )
    ]
    if not measured:
        echo("no plugins are installed")
        return
    measured.sort(key=lambda one: -total(one[1]))
    rows = []
    for owner, found in measured:
        rows += [
            (milliseconds(one.seconds), owner, one.module, one.problem or ", ".join(one.heavy))
            for one in sorted(found, key=lambda one: -one.seconds)
        ]
        if len(found) > 1:
            rows.append((milliseconds(total(found)), owner, f"all {len(found)} modules", ""))
    rows.append((milliseconds(sum(total(found) for _, found in measured)), "all plugins", "", ""))
    print_table(("ms", "from", "hook module", "heavy packages, or problem"), rows)
    careless = [one for _, found in measured for one in found if one.heavy]
    if careless:
        echo(
            f"\n{', '.join(one.module for one in careless)}: every command waits for these heavy "
            "packages; import them inside the methods that need them"
        )


def measure(points: Iterable[PluginModule]) -> list[Timing]:
    """The hook modules of one distribution, imported one after another as a command does it."""
    modules = [point.module for point in points]
    return min((_measured(modules) for _ in range(TRIES)), key=total)


def _measured(modules: Sequence[str]) -> list[Timing]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(sys.path), *modules],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:  # not an exception, which is caught: the process itself was ended
        problem = f"ends Python with exit code {done.returncode}"
        return [Timing(module, 0.0, (), problem) for module in modules]
    return [
        Timing(module, seconds, tuple(name for name in brought if name in HEAVY), problem)
        for module, (seconds, brought, problem) in zip(
            modules, json.loads(done.stdout.splitlines()[-1]), strict=True
        )
    ]


def total(found: Iterable[Timing]) -> float:
    return sum(one.seconds for one in found)


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"
