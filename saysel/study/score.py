"""Scores what raters have rated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saysel.errors import UsageError
from saysel.scoring.bootstrap import RESAMPLES
from saysel.study.findings import findings
from saysel.study.items import read_key
from saysel.study.rater_checks import by_rater, notes
from saysel.study.ratings import read_ratings
from saysel.study.report import StudyScores


def score_study(
    directory: Path,
    files: Sequence[Path],
    *,
    smallest: float = 0.5,
    resamples: int = RESAMPLES,
) -> StudyScores:
    """The scores of a study from the files of its raters.

    Args:
        directory: of the study, with its key.
        files: what the raters have downloaded, or Label Studio has exported.
        smallest: the smallest difference between two writers that matters, in points.
        resamples: of the bootstrap.

    Raises:
        UsageError: the directory has no key, or nothing has been rated.
        DataError: see `saysel.study.ratings.read_ratings`.
    """
    study = read_key(directory)
    ratings = read_ratings(files, study)
    if not ratings:
        raise UsageError(f"{', '.join(map(str, files))}: nothing has been rated yet")
    found = findings(study, ratings, smallest=smallest, resamples=resamples)
    found += by_rater(study, ratings)
    about = notes(study, ratings, found)
    return StudyScores(study, tuple(ratings), smallest, tuple(found), tuple(about))
