"""`model.json` of a step's directory: where the model is that the step made."""

from __future__ import annotations

from pathlib import Path

from saysel.records import ModelRef
from saysel.storage.markers import read_record, verify, write_record

FILE = "model.json"


def write_model(run_directory: Path, directory: Path, model: ModelRef) -> None:
    """Record where a step's model is; paths inside the run are kept relative to it."""
    fields = dict(vars(model))
    for key in ("path", "adapter"):
        path = fields[key]
        if path is None or not Path(path).exists():  # a hub id
            continue
        if Path(path).resolve().is_relative_to(run_directory.resolve()):
            relative = Path(path).resolve().relative_to(run_directory.resolve())
            fields[key] = {"inside": str(relative)}
    write_record(directory / FILE, fields)


def read_model(run_directory: Path, directory: Path) -> ModelRef:
    """The model that a finished step made.

    Raises:
        DamagedFile: its files, or those of the base that it is an adapter of, are not what was
            written.
    """
    verify(directory)
    fields = read_record(directory / FILE)
    for key in ("path", "adapter"):
        if isinstance(fields[key], dict):
            relative = Path(fields[key]["inside"])
            verify(run_directory.joinpath(*relative.parts[:2]))  # stages/STEP
            fields[key] = str(run_directory / relative)
    return ModelRef(**fields)
