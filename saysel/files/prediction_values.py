"""The values of the columns of a table of predictions, read and checked row by row."""

from __future__ import annotations

import re

from saysel.errors import DataError
from saysel.files.accepted_answers import accepted_answers, written_in
from saysel.files.column_names import normalised
from saysel.files.table import Table
from saysel.files.values import absent, missing, parse_correctness, parse_number, parse_reply

#: How far above 1 or below 0 a number may be by rounding, as a share of the scale. float32 stores
#: 1 with an error of 1.2e-7.
ROUNDING = 1e-6
#: Grades of replies that decline, as in SimpleQA.
DECLINED = frozenset({"not_attempted", "declined", "abstained"})
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


# --------------------------------------------------------------------------------- whole columns


def ids(table: Table, column: str | None, clustered: bool = False) -> list[str]:
    """The rows' ids; without a column, their numbers from 1.

    Args:
        clustered: whether rows belong to clusters. An id may then occur several times; from the
            second time on it is followed by its count: `q7`, `q7 (2)`.

    Raises:
        DataError: a row has no id, or an id occurs twice without clusters.
    """
    if column is None:
        return [str(number) for number in range(1, len(table.rows) + 1)]
    row_of: dict[str, int] = {}
    counts: dict[str, int] = {}
    for index, row in enumerate(table.rows):
        value = row.get(column)
        if absent(value):
            raise DataError(f"{table.where(index)}: '{column}' is empty: every row needs its id")
        id = str(value)
        counts[id] = counts.get(id, 0) + 1
        if clustered and counts[id] > 1:
            id = f"{id} ({counts[id]})"
        if id in row_of:
            raise DataError(
                f"{table.where(index)}: the id '{id}' was in {table.places[row_of[id]]} already: "
                "intervals need one row per question; with several rows of a question, use "
                f"--cluster {column}; with several methods in a file, choose one with --where or "
                "compare them with --by"
            )
        row_of[id] = index
    return list(row_of)


def confidences(table: Table, column: str, scale: float) -> list[float | None]:
    """The rows' confidences in [0, 1]; `None` if none is stated.

    Args:
        scale: the number that stands for certainty.

    Raises:
        DataError: one is not a number, or outside 0 to `scale`; or all are fractions of 1 although
            the scale is larger.
    """
    confidences: list[float | None] = []
    unscaled: list[tuple[int, float]] = []  # row and number, without a percent sign
    for index, row in enumerate(table.rows):
        value = row.get(column)
        if missing(value):
            confidences.append(None)
            continue
        number = _number(table, index, column)
        if isinstance(value, str) and "%" in value:
            confidences.append(_share(number))
            if confidences[-1] is None:
                raise DataError(f"{table.where(index)}: '{column}' is {value}, outside 0 to 100%")
        else:
            unscaled.append((index, number))
            confidences.append(_share(number / scale))
    _check_fractions(table, column, [number for _, number in unscaled], scale)
    _check_range(table, column, unscaled, scale)
    return confidences


def _check_fractions(table: Table, column: str, numbers: list[float], scale: float) -> None:
    """Refuse a scale above 1 if all numbers are fractions of 1 already."""
    fractions = any(0 < number < 1 for number in numbers)
    if scale > 1 and fractions and max(numbers) <= 1 + ROUNDING:
        raise DataError(
            f"{table.name}: every '{column}' is at most 1 (the largest is {max(numbers):g}): omit "
            f"--scale {scale:g}, which would divide them by {scale:g}"
        )


def mixed_scales(table: Table, column: str, scale: float) -> str | None:
    """A remark if confidences look like fractions of 1 among whole numbers of a larger scale.

    A model that is asked for percent at times answers 0.9 instead of 90.
    """
    cells = [row.get(column) for row in table.rows]
    numbers = [parse_number(cell) for cell in cells if not (isinstance(cell, str) and "%" in cell)]
    stated = [number for number in numbers if number is not None]
    fractions = [number for number in stated if 0 < number < 1]
    if scale <= 1 or not fractions or any(n >= 1 and not n.is_integer() for n in stated):
        return None
    return (
        f"{table.name}: {len(fractions):,} of {len(table.rows):,} rows have a '{column}' between 0 "
        f"and 1, such as {fractions[0]:g}, and all others whole numbers: with --scale {scale:g} "
        f"it counts as {fractions[0] / scale:g}; if it is a fraction of 1, give all rows one scale"
    )


def _check_range(table: Table, column: str, stated: list[tuple[int, float]], scale: float) -> None:
    """Refuse numbers outside the scale, and suggest the scale that would fit."""
    outside = [(index, number) for index, number in stated if _share(number / scale) is None]
    if not outside:
        return
    numbers = [number for _, number in stated]
    index, number = outside[0]
    what = (
        f"{table.where(index)}: '{column}' is {number:.10g}, outside 0 to {scale:g} "
        f"({len(outside)} of {len(table.rows)} rows are)"
    )
    if scale != 1 or min(numbers) < 0 or max(numbers) > 100:
        raise DataError(
            f"{what}: fix the rows, or give the number that means certainty with --scale"
        )
    if any(0 < number < 1 for number in numbers):
        raise DataError(f"{what}, and others are fractions of 1: give all rows one scale")
    if max(numbers) < 2:
        raise DataError(f"{what}: fix the rows")
    if max(numbers) > 10:
        raise DataError(f"{what}: if it is percent, use --scale 100")
    raise DataError(f"{what}: if it is tenths, use --scale 10; if it is percent, --scale 100")


# ---------------------------------------------------------------------------------- single values


def cluster(table: Table, index: int, column: str) -> str:
    """The cluster that a row belongs to.

    Raises:
        DataError: the row has none.
    """
    value = table.rows[index].get(column)
    if absent(value):
        raise DataError(
            f"{table.where(index)}: '{column}' is empty: with --cluster, every row needs a cluster"
        )
    return str(value)


def correctness(table: Table, index: int, column: str) -> float | None:
    """The correctness of a row's answer, in [0, 1]; `None` if it is not stated.

    Raises:
        DataError: the value is neither right, wrong, nor a number from 0 to 1.
    """
    value = table.rows[index].get(column)
    if missing(value) or declined_by_grade(table, index, column):
        return None
    number = parse_correctness(value)
    share = None if number is None else _share(number)
    if share is None:
        raise DataError(
            f"{table.where(index)}: '{column}' must say whether the answer is correct: true or "
            f"false, correct or incorrect, or a number from 0 to 1 (got {_brief(value)})"
        )
    return share


def declined_by_grade(table: Table, index: int, column: str) -> bool:
    """Whether the column of the correctness says instead that the model did not answer."""
    value = table.rows[index].get(column)
    return isinstance(value, str) and normalised(value) in DECLINED


def declined(table: Table, index: int, column: str) -> bool:
    """Whether a row's reply declines to answer; an empty value says that it does not.

    Raises:
        DataError: the value is neither true nor false.
    """
    value = table.rows[index].get(column)
    number = 0.0 if missing(value) else parse_correctness(value)
    if number not in (0.0, 1.0):
        raise DataError(
            f"{table.where(index)}: '{column}' must say whether the reply declines to answer: true "
            f"or false, yes or no, 1 or 0 (got {_brief(value)})"
        )
    return bool(number)


def tokens(table: Table, index: int, column: str) -> int:
    """The number of tokens of a reply; 0 if it is not stated.

    Raises:
        DataError: the value is not a number of tokens.
    """
    value = table.rows[index].get(column)
    number = 0.0 if missing(value) else parse_number(value)
    if number is None or number < 0:
        raise DataError(
            f"{table.where(index)}: '{column}' must be a number of tokens, or empty "
            f"(got {_brief(value)})"
        )
    return round(number)


def reply(table: Table, index: int, column: str) -> str | None:
    """A text that a model wrote; a list of one text is that text.

    Raises:
        DataError: the value is a list of several texts, or an object.
    """
    return _reply(table, index, column, table.rows[index].get(column))


def whole_reply(table: Table, index: int, column: str) -> str | None:
    """A whole reply, which a text may show as a list: `['Answer: …']`.

    Raises:
        DataError: see `reply`.
    """
    value = table.rows[index].get(column)
    shown = isinstance(value, str) and value.lstrip().startswith("[") and written_in(value)
    return _reply(table, index, column, shown or value)


def gold(table: Table, index: int, column: str) -> tuple[str, ...]:
    """The accepted answers of a row.

    In delimited text, a bar separates several answers in a column whose name ends in `answers`, as
    in question files.

    Raises:
        DataError: see `saysel.files.accepted_answers.accepted_answers`.
    """
    several = table.delimited and column.strip().lower().endswith("answers")
    value = table.rows[index].get(column)
    return accepted_answers(value, column, table.where(index), "|" if several else None)


def _number(table: Table, index: int, column: str) -> float:
    value = table.rows[index].get(column)
    number = parse_number(value)
    if number is not None:
        return number
    where = f"{table.where(index)}: '{column}'"
    if isinstance(value, list):
        raise DataError(f"{where} is a list of length {len(value)}: write one row for each value")
    if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
        raise DataError(
            f"{where} has a decimal comma ({value!r}), as in files that are separated by a "
            "semicolon: save it with decimal points"
        )
    raise DataError(f"{where} must be a number, or empty if there is none (got {_brief(value)})")


def _share(number: float) -> float | None:
    """A number from 0 to 1 without its rounding error; `None` if it is outside."""
    return min(max(number, 0.0), 1.0) if -ROUNDING <= number <= 1 + ROUNDING else None


def _reply(table: Table, index: int, column: str, value: object) -> str | None:
    try:
        return parse_reply(value)
    except ValueError as error:
        raise DataError(
            f"{table.where(index)}: '{column}' must be the text of one reply: {error}"
        ) from None


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
