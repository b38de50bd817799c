"""Executes the notebooks of this folder and stores them with their outputs.

    python docs/notebooks/build.py

A notebook is written as a Python file: `# %% [markdown]` begins text, whose lines are comments,
and `# %%` begins code.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).parent
SOURCES = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))
#: Seconds that one cell may take.
TIMEOUT = 900


def notebook(source: str) -> nbformat.NotebookNode:
    """The notebook that a Python file describes, without outputs."""
    made = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    _, *cells = source.split("# %%")
    for number, cell in enumerate(cells):
        kind, _, body = cell.partition("\n")
        if kind.strip() == "[markdown]":
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().split("\n")]
            made.cells.append(new_markdown_cell("\n".join(lines), id=f"cell-{number}"))
        else:
            made.cells.append(new_code_cell(body.strip(), id=f"cell-{number}"))
    return made


def executed(source: str) -> nbformat.NotebookNode:
    """The same notebook with outputs; it runs in a temporary folder.

    Raises:
        CellExecutionError: a cell fails.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    made = notebook(source)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(made, timeout=TIMEOUT, kernel_name="python3", resources=resources).execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # the time of the day
    return made


if __name__ == "__main__":
    for path in SOURCES:
        nbformat.write(executed(path.read_text(encoding="utf-8")), path.with_suffix(".ipynb"))
