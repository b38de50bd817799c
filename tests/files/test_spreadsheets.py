from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import DataError
from saysel.files import load_predictions
from saysel.files.tables import read_table
from saysel.sources.csv import CsvSource

pytest.importorskip("python_calamine")

Cell = str | float | bool | None
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(*sheets: Sequence[Sequence[Cell]], first_row: int = 1) -> bytes:
    """The smallest .xlsx with these sheets."""
    numbers = range(1, len(sheets) + 1)
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml" Type="{RELATIONS}/worksheet"/>'
        for n in numbers
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r" Target="xl/workbook.xml" '
            f'Type="{RELATIONS}/officeDocument"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{named}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}">{related}</Relationships>',
        )
        for number, rows in zip(numbers, sheets, strict=True):
            body = "".join(
                f'<row r="{r}">{"".join(cell(value, r, c) for c, value in enumerate(row))}</row>'
                for r, row in enumerate(rows, first_row)
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>',
            )
    return content.getvalue()


def cell(value: Cell, row: int, column: int) -> str:
    place = f"{chr(ord('A') + column)}{row}"
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    kind = ' t="b"' if isinstance(value, bool) else ""
    return f'<c r="{place}"{kind}><v>{value if not isinstance(value, bool) else int(value)}</v></c>'


ROWS: list[list[Cell]] = [
    ["id", "confidence", "correct", "answers"],
    [7, 0.9, True, "Paris|Lutetia"],
    [None, None, None, None],
    [8, None, 0, "Rome"],
]


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv", "x"])
def test_cells_are_read_like_a_csv_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(workbook(ROWS, [], first_row=3))

    table = read_table(tmp_path / name)

    assert table.rows == [
        {"id": "7", "confidence": "0.9", "correct": "True", "answers": "Paris|Lutetia"},
        {"id": "8", "confidence": "", "correct": "0", "answers": "Rome"},
    ]
    assert table.places == ["row 4", "row 6"]
    first, second = load_predictions(tmp_path / name).predictions
    assert (first.question_id, first.confidence, first.correct) == ("7", 0.9, 1.0)
    assert (second.question_id, second.confidence, second.correct) == ("8", None, 0.0)


def test_questions_are_read_from_a_workbook(tmp_path: Path) -> None:
    header, row = ["question", "answers", "split"], ["Who?", "Ann|Anna", "train"]
    (tmp_path / "x.xlsx").write_bytes(workbook([header, row]))

    (question,) = CsvSource(path=tmp_path / "x.xlsx").questions("train")

    assert (question.prompt, question.answers) == ("Who?", ("Ann", "Anna"))


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ([ROWS, ROWS], "2 sheets have cells (S1, S2): keep one, or save one as CSV"),
        ([[["a", "a"], [1, 2]]], "row 1: the header names 'a' twice"),
        ([[["a"], [1, "note"]]], "row 2: 'note' is in a column without a name"),
        ([[["a"]]], "the file has no rows"),
        ([[]], "the file has no rows"),
    ],
)
def test_a_workbook_that_is_no_table_is_refused(
    tmp_path: Path, sheets: list[list[list[Cell]]], message: str
) -> None:
    (tmp_path / "x.xlsx").write_bytes(workbook(*sheets))

    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "x.xlsx")

    assert message in str(caught.value) and "\n" not in str(caught.value)


@given(cut=st.integers(5, 1_500), flip=st.integers(0, 1_500))
def test_a_damaged_workbook_is_refused_in_one_line(
    cut: int, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(workbook(ROWS))
    content[max(flip % len(content), 4)] ^= 0xFF
    path = tmp_path_factory.getbasetemp() / "damaged.xlsx"
    path.write_bytes(bytes(content[:cut]) if cut % 2 else bytes(content))
    try:
        read_table(path)
    except DataError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
