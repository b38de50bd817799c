"""What the columns of a file of predictions hold, row by row."""

from __future__ import annotations

import re

from saysel.errors import DataError
from saysel.files.accepted_answers import accepted_answers, written_in
from saysel.files.content import suffix
from saysel.files.tables import DELIMITED, DataFile
from saysel.files.values import absent, missing, number_in, reply_in, truth_in

#: How far above 1 or below 0 a number may be by rounding, as a share of the scale. float32 stores
#: 1 with an error of 1.2e-7.
ROUNDING = 1e-6
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


def ids(file: DataFile, column: str | None, clustered: bool = False) -> list[str]:
    """The rows' ids; without a column, their numbers from 1.

    Args:
        clustered: whether rows belong to clusters. Then an id may occur several times; from the
            second time on it is followed by its count: `q7`, `q7 (2)`.

    Raises:
        DataError: a row has no id, or without clusters one that was there before.
    """
    if column is None:
        return [str(number) for number in range(1, len(file.rows) + 1)]
    first: dict[str, int] = {}
    times: dict[str, int] = {}
    for index, row in enumerate(file.rows):
        value = row.get(column)
        if absent(value):
            raise DataError(f"{file.where(index)}: '{column}' is empty: every row needs its id")
        id = str(value)
        times[id] = times.get(id, 0) + 1
        if clustered and times[id] > 1:
            id = f"{id} ({times[id]})"
        if id in first:
            raise DataError(
                f"{file.where(index)}: the id '{id}' was in {file.places[first[id]]} already: "
                "intervals need one row per question; with several rows of a question, say "
                f"--cluster {column}"
            )
        first[id] = index
    return list(first)


def cluster(file: DataFile, index: int, column: str) -> str:
    """The cluster that a row belongs to.

    Raises:
        DataError: the row has none.
    """
    value = file.rows[index].get(column)
    if absent(value):
        raise DataError(
            f"{file.where(index)}: '{column}' is empty: with --cluster, every row needs its cluster"
        )
    return str(value)


def confidences(file: DataFile, column: str, scale: float) -> list[float | None]:
    """The rows' confidences in [0, 1]; `None` where none is stated.

    Args:
        scale: the number that stands for certainty.

    Raises:
        DataError: one is not a number, or outside of 0 to `scale`; or all are fractions of 1
            although the scale says otherwise.
    """
    found: list[float | None] = []
    plain: list[tuple[int, float]] = []  # without a percent sign: the scale counts
    for index, row in enumerate(file.rows):
        value = row.get(column)
        number = None if missing(value) else _number(file, index, column)
        if number is None:
            found.append(None)
        elif isinstance(value, str) and "%" in value:
            found.append(_share(number))
            if found[-1] is None:
                raise DataError(f"{file.where(index)}: '{column}' is {value}, outside of 0 to 100%")
        else:
            plain.append((index, number))
            found.append(_share(number / scale))
    _check_scale(file, column, plain, scale)
    return found


def _number(file: DataFile, index: int, column: str) -> float:
    value = file.rows[index].get(column)
    number = number_in(value)
    if number is not None:
        return number
    where = f"{file.where(index)}: '{column}'"
    if isinstance(value, list):
        raise DataError(f"{where} is a list of length {len(value)}: write one row for each value")
    if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
        raise DataError(
            f"{where} has a decimal comma ({value!r}), as in files that are separated by a "
            "semicolon: save it with decimal points"
        )
    raise DataError(f"{where} must be a number, or empty where there is none (got {_brief(value)})")


def _share(number: float) -> float | None:
    """A number from 0 to 1 without its rounding error; `None` where it is outside."""
    return min(max(number, 0.0), 1.0) if -ROUNDING <= number <= 1 + ROUNDING else None


def _check_scale(
    file: DataFile, column: str, stated: list[tuple[int, float]], scale: float
) -> None:
    """Refuse numbers that the scale does not explain, with the scale that would.

    Raises:
        DataError: see `confidences`.
    """
    outside = [(index, number) for index, number in stated if _share(number / scale) is None]
    numbers = [number for _, number in stated]
    fractions = any(0 < number < 1 for number in numbers)
    if scale > 1 and fractions and max(numbers) <= 1 + ROUNDING:
        raise DataError(
            f"{file.path}: every '{column}' is at most 1 (the largest is {max(numbers):g}): leave "
            f"out --scale {scale:g}, which would divide them by {scale:g}"
        )
    if not outside:
        return
    index, number = outside[0]
    what = (
        f"{file.where(index)}: '{column}' is {number:.10g}, outside of 0 to {scale:g} "
        f"({len(outside)} of {len(file.rows)} rows are)"
    )
    if scale != 1 or min(numbers) < 0 or max(numbers) > 100:
        raise DataError(f"{what}: fix the rows, or name the number that means certainty in --scale")
    if fractions:
        raise DataError(f"{what}, and others are fractions of 1: give all rows one scale")
    if max(numbers) < 2:
        raise DataError(f"{what}: fix the rows")
    if max(numbers) > 10:
        raise DataError(f"{what}: if it is percent, say --scale 100")
    raise DataError(f"{what}: if it is tenths, say --scale 10; if it is percent, --scale 100")


def correctness(file: DataFile, index: int, column: str) -> float | None:
    """Whether a row's answer is correct, in [0, 1]; `None` where nobody says.

    Raises:
        DataError: it is no verdict.
    """
    value = file.rows[index].get(column)
    if missing(value):
        return None
    number = truth_in(value)
    share = None if number is None else _share(number)
    if share is None:
        raise DataError(
            f"{file.where(index)}: '{column}' must say whether the answer is correct: true or "
            f"false, correct or incorrect, or a number from 0 to 1 (got {_brief(value)})"
        )
    return share


def tokens(file: DataFile, index: int, column: str) -> int:
    """How many tokens a reply took; 0 where nobody counted.

    Raises:
        DataError: it is not a number of tokens.
    """
    value = file.rows[index].get(column)
    number = 0.0 if missing(value) else number_in(value)
    if number is None or number < 0:
        raise DataError(
            f"{file.where(index)}: '{column}' must be a number of tokens, or empty "
            f"(got {_brief(value)})"
        )
    return round(number)


def reply(file: DataFile, index: int, column: str) -> str | None:
    """A text that a model wrote; a list of one text is that text.

    Raises:
        DataError: it is a list of several, or an object.
    """
    return _reply(file, index, column, file.rows[index].get(column))


def whole_reply(file: DataFile, index: int, column: str) -> str | None:
    """The same for a whole reply, which a cell of text may show as a list: `['Answer: …']`.

    Raises:
        DataError: see `reply`.
    """
    value = file.rows[index].get(column)
    shown = isinstance(value, str) and value.lstrip().startswith("[") and written_in(value)
    return _reply(file, index, column, shown or value)


def _reply(file: DataFile, index: int, column: str, value: object) -> str | None:
    try:
        return reply_in(value)
    except ValueError as error:
        raise DataError(
            f"{file.where(index)}: '{column}' must be the text of one reply: {error}"
        ) from None


def gold(file: DataFile, index: int, column: str) -> tuple[str, ...]:
    """The accepted answers.

    In a CSV file, a bar divides the cells of a column whose name ends in `answers`, as in question
    files.

    Raises:
        DataError: see `saysel.files.accepted_answers.accepted_answers`.
    """
    several = suffix(file.path) in DELIMITED and column.strip().lower().endswith("answers")
    value = file.rows[index].get(column)
    return accepted_answers(value, column, file.where(index), "|" if several else None)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
