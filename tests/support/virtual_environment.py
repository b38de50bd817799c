"""A virtual environment in which tests build and install packages.

It can import the packages of the running environment, so nothing is downloaded; packages installed
in it are visible only there.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import saysel

Done = subprocess.CompletedProcess[str]

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.5"
dependencies = ["saysel"]

[project.entry-points.saysel]
{module} = "{module}"
"""


class Environment:
    """A virtual environment on top of the running one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        pure = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        # `addsitedir` also follows the .pth files there, like that of an editable install.
        above = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        here = f"{Path(saysel.__file__).parent.parent}\n"
        (Path(pure) / "above.pth").write_text(here + above)

    def install(self, module: str, code: str) -> None:
        """Build and install a package of one module with pip."""
        project = self.folder / module
        project.mkdir()
        name = module.replace("_", "-")
        (project / "pyproject.toml").write_text(PROJECT.format(name=name, module=module))
        (project / f"{module}.py").write_text(code)
        self.install_projects(project)

    def install_projects(self, *projects: Path) -> None:
        """Build and install packages with pip."""
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
        done = self.run("-m", "pip", "install", *options, *map(str, projects), timeout=300)
        assert done.returncode == 0, done.stderr

    def run(self, *arguments: str, timeout: float = 120) -> Done:
        own = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env=own,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def saysel(self, *arguments: str, timeout: float = 120) -> Done:
        return self.run("-m", "saysel", *arguments, timeout=timeout)

    def recipe(self, text: str, name: str = "tiny.yaml") -> str:
        (self.folder / name).write_text(text)
        return name
