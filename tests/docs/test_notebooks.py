"""The notebooks are stored as their sources say, with outputs, and run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from docs.notebooks import build


def stored(source: Path) -> nbformat.NotebookNode:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def test_both_are_there() -> None:
    assert [path.stem for path in build.SOURCES] == ["quickstart", "score"]
    assert sorted(path.stem for path in build.HERE.glob("*.ipynb")) == ["quickstart", "score"]


@pytest.mark.parametrize("source", build.SOURCES, ids=lambda path: path.stem)
def test_what_is_stored_is_what_the_source_says(source: Path) -> None:
    found, expected = stored(source), build.notebook(source.read_text(encoding="utf-8"))

    assert [(cell.cell_type, cell.source) for cell in found.cells] == [
        (cell.cell_type, cell.source) for cell in expected.cells
    ], "stale: python docs/notebooks/build.py"
    nbformat.validate(found)


def check_outputs(made: nbformat.NotebookNode) -> None:
    """Every cell shows something, and no error, warning or path of a machine."""
    for cell in made.cells:
        if cell.cell_type == "code":
            assert cell.execution_count and cell.outputs
            for output in cell.outputs:
                assert output.output_type in ("execute_result", "display_data"), output
            assert "/tmp" not in str(cell.outputs) and "/home" not in str(cell.outputs)


@pytest.mark.parametrize("source", build.SOURCES, ids=lambda path: path.stem)
def test_every_cell_has_outputs_without_errors(source: Path) -> None:
    check_outputs(stored(source))


@pytest.mark.slow
@pytest.mark.parametrize("source", build.SOURCES, ids=lambda path: path.stem)
def test_it_runs(source: Path) -> None:
    made = build.executed(source.read_text(encoding="utf-8"))

    check_outputs(made)
    if source.stem == "score":  # shows no durations
        assert [cell.get("outputs") for cell in made.cells] == [
            cell.get("outputs") for cell in stored(source).cells
        ]
