"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., None]

overrides = click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Set one value of the recipe, e.g. train.1.reward=linear; may be given again.",
)

cell = click.option(
    "--cell",
    metavar="CELL",
    help="A cell of a matrix: its number, its label, or a unique part of its label, such as "
    "seed=1.",
)

cells = click.option(
    "--cell",
    "cells",
    metavar="CELL",
    multiple=True,
    help="A cell of a matrix run: its number, its label, or a unique part of its label; may be "
    "given again.  [default: all cells]",
)

_FILE_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--column",
        "columns",
        metavar="ROLE=NAME",
        multiple=True,
        help="The file's column for id, confidence, correct, answer, gold, output or question, "
        "where its name is not a usual one; may be given again.",
    ),
    click.option(
        "--where",
        metavar="COLUMN=VALUE",
        multiple=True,
        help="Use only the rows that have this value; may be given again.",
    ),
    click.option(
        "--scale",
        type=float,
        metavar="NUMBER",
        help="The confidence that means certainty: 100 for percent, 10 for tenths.  [default: 1]",
    ),
    click.option(
        "--format",
        metavar="NAME",
        help="Read answer and confidence from whole replies: sayself, percent, tags …",
    ),
    click.option(
        "--judge",
        metavar="NAME",
        help="Compare answers with gold by this judge, even if the file has a correctness.  "
        "[default: match, if the file has no correctness]",
    ),
    click.option(
        "--cluster",
        metavar="COLUMN",
        help="The file's column that groups rows which belong together, such as several rows of a "
        "question: intervals treat a group as one.",
    ),
    click.option(
        "--metric",
        "metrics",
        metavar="NAME",
        multiple=True,
        help="Compute this instead of the usual metrics; may be given again.",
    ),
)


def file_options(command: Command) -> Command:
    """The options that say how files of predictions are read, and what is computed."""
    for option in reversed(_FILE_OPTIONS):
        command = option(command)
    return command


def reading(
    columns: tuple[str, ...],
    where: tuple[str, ...],
    scale: float | None,
    format: str | None,
    judge: str | None,
    cluster: str | None,
    metrics: tuple[str, ...],
) -> dict[str, Any]:
    """The same options as keyword arguments of `saysel.score` and `saysel.compare`.

    Raises:
        UsageError: `--column` is not ROLE=NAME, `--where` not COLUMN=VALUE, or an option not YAML.
    """
    from saysel.errors import UsageError

    by_role: dict[str, list[str]] = {}
    for option in columns:
        role, equals, column = option.partition("=")
        if not (equals and role and column):
            raise UsageError(f"--column {option}: write it as ROLE=NAME, e.g. confidence=p_true")
        by_role.setdefault(role.strip(), []).append(column)
    values: dict[str, str] = {}
    for option in where:
        column, equals, value = option.partition("=")
        if not (equals and column):
            raise UsageError(f"--where {option}: write it as COLUMN=VALUE, e.g. filter=strict")
        values[column.strip()] = value
    return {
        "columns": by_role,
        "where": values,
        "scale": scale,
        "format": None if format is None else _component("format", format),
        "judge": None if judge is None else _component("judge", judge),
        "cluster": cluster,
        "metrics": [_component("metric", metric) for metric in metrics] or None,
    }


def _component(option: str, text: str) -> Any:
    """A name, or a mapping with options, as in a recipe."""
    from saysel.errors import UsageError
    from saysel.recipes.text import parse_yaml

    try:
        return parse_yaml(text)
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None
