"""Which files of a run directory are copied, and which of them together.

recipe.yaml, manifest.json, report/…    fetched together; this part has the name ""
stages/STEP/…                           fetched together, when the step is looked at
cells/…, export/…                       not copied: other runs, and copies for other tools
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from saysel.errors import DamagedFile
from saysel.storage import DONE
from saysel.storage.atomic import CHECKSUM_SUFFIX
from saysel.storage.markers import CHECKPOINTS

STAGES = "stages"
LEFT_OUT = ("cells", "export")
#: The log, which grows line by line, and the ending of SQLite files.
LOG, DATABASE = "events.jsonl", ".sqlite"
#: What torch writes last into the checkpoint of a sharded model.
SHARDED = ".metadata"
#: Files of the working copy that the store does not have.
INDEX, OWNER, READING = ".mirror.jsonl", ".owner", ".reading.lock"
#: The folder of the store that says who works there.
LEASE = ".lease"


def part(name: str) -> str | None:
    """What is fetched together with a file: its step, or ""; `None` if it is not copied."""
    parts = name.split("/")
    if parts[0] in LEFT_OUT:
        return None
    return "/".join(parts[:2]) if parts[0] == STAGES else ""


def is_in(folder: str, name: str) -> bool:
    """Whether a file is in a folder, or for "" at the top outside the steps."""
    return name.startswith(f"{folder}/") if folder else part(name) == ""


def is_copied(name: str) -> bool:
    """Whether a file is part of the run: no lock, and nothing half-written."""
    path = PurePosixPath(name)
    if part(name) is None or any(folder.startswith(".") for folder in path.parts[:-1]):
        return False
    if path.name.startswith("."):
        return path.name.endswith(CHECKSUM_SUFFIX) or path.name == SHARDED
    return not path.name.endswith(("-wal", "-shm", "-journal"))


def is_live(name: str) -> bool:
    """Whether a file changes all the time."""
    return name == LOG or ("/" not in name and name.endswith(DATABASE))


def marker_last(name: str) -> tuple[bool, str]:
    """Sorts the marker of a step after its other files."""
    return name.endswith(f"/{DONE}"), name


def runs_below(stored: Iterable[str]) -> list[str]:
    """The folders of a store that are other runs, because a lease was held there."""
    inside = f"/{LEASE}/"
    return sorted({name.partition(inside)[0] for name in stored if inside in name})


def safe(stored: Iterable[str], address: str) -> None:
    """Make sure that no name leads out of the working copy.

    Raises:
        DamagedFile: one does.
    """
    for name in stored:
        if ".." in name.split("/") or name.startswith("/") or "\\" in name:
            what = "its name leads out of the run directory"
            raise DamagedFile(Path(address) / name, what, "delete it from the store")


def without(folders: Sequence[str], stored: Iterable[str]) -> list[str]:
    """The names that are in none of the folders."""
    inside = tuple(f"{folder}/" for folder in folders)
    return [name for name in stored if not name.startswith(inside)]


def local(root: Path, folder: str) -> Iterator[str]:
    """The files of the working copy that are in a folder, or for "" at the top outside the steps.

    Those of other runs below are left out.
    """
    for place, folders, files in os.walk(root / folder):
        here = Path(place).relative_to(root)
        if here != Path() and INDEX in files:
            folders.clear()
            continue
        folders[:] = [each for each in folders if is_in(folder, (here / each / "x").as_posix())]
        for file in files:
            name = (here / file).as_posix()
            if is_copied(name):
                yield name


def replaced_checkpoints(name: str, stored: Iterable[str], root: Path) -> list[str]:
    """Earlier checkpoints that a trainer has deleted here, once a newer one is complete."""
    step, between, _ = name.partition(f"/{CHECKPOINTS}/")
    if not between:
        return []
    inside = f"{step}{between}"
    return [each for each in stored if each.startswith(inside) and not (root / each).exists()]


def journals(path: Path) -> list[Path]:
    """What SQLite may have left next to a database, which belongs to its previous content."""
    endings = ("-wal", "-shm", "-journal") if path.name.endswith(DATABASE) else ()
    return [path.with_name(path.name + ending) for ending in endings]
