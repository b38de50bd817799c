"""Writes a study: a page for each rater, the items for Label Studio, and the key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from saysel.errors import UsageError
from saysel.storage import write_text
from saysel.study import label_studio
from saysel.study.design import draw
from saysel.study.items import KEY, Study, write_key
from saysel.study.pages import default_consent, minutes, page
from saysel.study.writers import writers


@dataclass(frozen=True)
class NewStudy:
    """A study that has just been written, as text for the console.

    Attributes:
        study: its items.
        directory: where it is.
        pages: one per rater.
    """

    study: Study
    directory: Path
    pages: tuple[Path, ...]

    def __str__(self) -> str:
        study = self.study
        count, raters = len(study.items), len(self.pages)
        groups = [origin.group for origin in study.origins]
        return "\n".join(
            [
                f"{count} items for each of {raters} rater{'s' * (raters != 1)}, "
                f"about {minutes(study)} minutes:",
                *(f"  {groups.count(name)} {name}" for name in study.groups),
                "one page for each rater:",
                *(f"  {path}" for path in self.pages),
                f"not for raters: {self.directory / KEY}",
            ]
        )


def new_study(
    *runs: str,
    out: Path,
    per_model: int = 50,
    controls: int = 10,
    raters: int = 2,
    seed: int = 0,
    cell: str | None = None,
    consent: str | None = None,
) -> NewStudy:
    """Draw a study from runs and write it. The key is written last.

    Args:
        runs: run directories, or `RUN:MODEL`; see `saysel.study.writers.writers`.
        out: a directory that holds no study yet.
        per_model, controls, raters, seed: see `saysel.study.design.draw`.
        cell: see `saysel.study.writers.writers`.
        consent: what raters agree to before they begin; by default a text about this study.

    Raises:
        UsageError: there is a study already, or the runs have nothing to rate.
        DamagedFile: what a run stored has changed.
    """
    if (out / KEY).exists():
        raise UsageError(
            f"{out}: holds a study already, whose ratings depend on its key: name another "
            "directory with --out, or delete it"
        )
    study = draw(writers(runs, cell), per_model, controls, raters, seed)
    text = default_consent(study) if consent is None else consent
    pages = tuple(out / f"rater-{rater}.html" for rater in range(1, raters + 1))
    for rater, path in enumerate(pages, 1):
        write_text(path, page(study, rater, text))
    write_text(out / "label-studio" / "tasks.json", label_studio.tasks(study))
    write_text(out / "label-studio" / "interface.xml", label_studio.interface())
    write_key(study, out)
    return NewStudy(study, out, pages)
