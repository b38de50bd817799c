"""The import contracts of `pyproject.toml` hold, and name the rule that an import breaks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "300", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "code", "rule", "reason"),
    [
        (
            "judges/planted.py",
            "def judge():\n    import saysel.stages.sample\n",
            "A module imports only from lower layers",
            "saysel.judges is not allowed to import saysel.stages",
        ),
        (
            "judges/planted.py",
            "from saysel.formats.tags import TagsFormat\n",
            "a component no component of another kind",
            "saysel.judges is not allowed to import saysel.formats",
        ),
        (
            "answers/planted.py",
            "import torch\n",
            "Heavy and optional libraries are imported only by",
            "saysel.answers.planted -> torch",
        ),
        (
            "planted.py",
            "",
            "A module imports only from lower layers",
            "saysel.planted",
        ),
    ],
    ids=["component imports a stage", "component imports another", "library", "no layer"],
)
def test_a_violation_names_the_rule(
    tmp_path: Path, module: str, code: str, rule: str, reason: str
) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.yaml", "*.template")
    shutil.copytree(ROOT / "saysel", tmp_path / "saysel", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "saysel" / module).write_text(code)

    result = lint_imports(tmp_path)

    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert rule in output and reason in output, output
