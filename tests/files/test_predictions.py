from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import DataError, UsageError
from saysel.files import load_predictions
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Format
from saysel.judges.match import MatchJudge
from saysel.records import Prediction
from saysel.registry import build

ROWS: list[dict[str, Any]] = [
    {"id": "a", "confidence": 0.9, "correct": 1, "answer": "Paris", "gold": "Paris"},
    {"id": "b", "confidence": None, "correct": 0, "answer": "Rome", "gold": "Oslo"},
    {"id": "c", "confidence": 0.25, "correct": None, "answer": "Bern", "gold": "the Bern"},
]


def written(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file; `None` is an empty cell or null."""
    path = folder / f"predictions.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def read_predictions(path: Path, columns: Any = None, **options: Any) -> list[Prediction]:
    return load_predictions(path, columns, **options).predictions


def text(folder: Path, content: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same(tmp_path: Path, kind: str) -> None:
    found = read_predictions(written(tmp_path, kind, ROWS))

    assert [(p.question_id, p.answer, p.confidence, p.correct) for p in found] == [
        ("a", "Paris", 0.9, 1.0),
        ("b", "Rome", None, 0.0),
        ("c", "Bern", 0.25, None),
    ]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("id,confidence,correct", "x,0.5,1"),
        ("question_id,conf,is_correct", "x,.5,True"),
        ("Question ID,Probability,Is Correct", "x,50%,yes"),
        ("QID,stated-confidence,Correctness", "x,5e-1,1.0"),
    ],
)
def test_usual_names_and_spellings_are_known(tmp_path: Path, header: str, cells: str) -> None:
    (one,) = read_predictions(text(tmp_path, f"{header}\n{cells}\n"))

    assert (one.question_id, one.confidence, one.correct) == ("x", 0.5, 1.0)


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = text(tmp_path, "n,p,ok,confidence\n7,0.1,0,0.9\n")

    found = load_predictions(path, {"id": "n", "confidence": "p", "correct": "ok"})

    assert (found.predictions[0].question_id, found.predictions[0].confidence) == ("7", 0.1)
    assert found.columns == {"id": "n", "confidence": "p", "correct": "ok"}


def test_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    found = read_predictions(text(tmp_path, "confidence,correct\n0.1,0\n0.2,1\n"))

    assert [p.question_id for p in found] == ["1", "2"]


@pytest.mark.parametrize("nothing", ["", "null", "NaN", "None", "n/a", " "])
def test_no_confidence_is_none(tmp_path: Path, nothing: str) -> None:
    (one,) = read_predictions(text(tmp_path, f"id,confidence,correct\nx,{nothing},1\n"))

    assert one.confidence is None


def test_nan_in_json_and_a_key_that_is_not_there_are_no_confidence(tmp_path: Path) -> None:
    lines = '{"confidence": NaN, "correct": true}\n\n{"correct": false}\n'

    found = read_predictions(text(tmp_path, lines, "x.jsonl"))

    assert [(p.confidence, p.correct) for p in found] == [(None, 1.0), (None, 0.0)]


# ------------------------------------------------------------------------------------- scale


def test_percent_and_tenths_need_a_scale(tmp_path: Path) -> None:
    percent = text(tmp_path, "confidence,correct\n0,1\n73,1\n100,0\n")
    tenths = text(tmp_path, "confidence,correct\n7,1\n10,0\n", "tenths.csv")

    with pytest.raises(DataError) as error:
        read_predictions(percent)
    assert str(error.value) == (
        f"{percent}, line 3: 'confidence' is 73, outside 0 to 1 (2 of 3 rows are): if it is "
        "percent, use --scale 100"
    )
    with pytest.raises(DataError, match="if it is tenths, use --scale 10; if it is percent, "):
        read_predictions(tenths)
    assert [p.confidence for p in read_predictions(percent, scale=100)] == [0.0, 0.73, 1.0]
    assert [p.confidence for p in read_predictions(tenths, scale=10)] == [0.7, 1.0]


@pytest.mark.parametrize(("stated", "scale"), [("-0.1", 1), ("101", 1), ("11", 10), ("-1", 100)])
def test_what_no_usual_scale_explains_is_refused(tmp_path: Path, stated: str, scale: float) -> None:
    path = text(tmp_path, f"confidence,correct\n{stated},1\n")

    with pytest.raises(DataError, match=r"line 2: .* outside 0 to .*: fix the rows"):
        read_predictions(path, scale=scale)


def test_a_percent_sign_says_its_scale_itself(tmp_path: Path) -> None:
    path = text(tmp_path, "confidence,correct\n40%,1\n40,1\n")

    assert [p.confidence for p in read_predictions(path, scale=100)] == [0.4, 0.4]


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_is_above_zero(tmp_path: Path, scale: float) -> None:
    with pytest.raises(UsageError, match="--scale must be above 0"):
        read_predictions(tmp_path / "x.csv", scale=scale)


# ----------------------------------------------------------------------------------- judging


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_answers_are_judged_without_a_column_of_correctness(tmp_path: Path, kind: str) -> None:
    rows = [{key: row[key] for key in ("id", "confidence", "answer", "gold")} for row in ROWS]

    found = read_predictions(written(tmp_path, kind, rows))

    assert [p.correct for p in found] == [1.0, 0.0, 1.0]


def test_a_judge_that_was_asked_for_overrules_the_column(tmp_path: Path) -> None:
    found = read_predictions(written(tmp_path, "csv", ROWS), judge=MatchJudge())

    assert [p.correct for p in found] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("gold", "correct"),
    [
        (["Roma", "Rome"], 1.0),
        ('["Roma", "Rome"]', 1.0),
        ("Rome", 1.0),
        ('["Rome"', 1.0),  # no JSON: a text like any other, and punctuation is nothing
        ("['Roma', 'Rome']", 1.0),  # as pandas writes a list
        ("['Roma' 'Rome']", 1.0),  # as numpy shows an array
        ({"text": ["Roma", "Rome"], "answer_start": [1, 5]}, 1.0),  # as SQuAD
        ("[0, 1]", 0.0),
        ("[{{1}}]", 0.0),
        (["Paris"], 0.0),
    ],
)
def test_accepted_answers_are_a_text_or_a_list(
    tmp_path: Path, gold: object, correct: float
) -> None:
    rows = [{"confidence": 0.5, "answer": "Rome", "gold": gold}]

    (one,) = read_predictions(written(tmp_path, "jsonl", rows))

    assert one.correct == correct


def test_an_interval_is_one_accepted_answer(tmp_path: Path) -> None:
    rows = [{"confidence": 0.5, "answer": "0", "gold": "[0, 1]"}]

    assert load_predictions(written(tmp_path, "jsonl", rows)).questions["1"].answers == ("[0, 1]",)


@pytest.mark.parametrize(
    ("row", "correct"),
    [
        ({"answer": "", "gold": "Rome"}, 0.0),
        ({"answer": "Rome", "gold": "Rome"}, 0.0),  # a declined reply has no answer
        ({"answer": "", "gold": "unanswerable"}, 1.0),
        ({"correct": None}, 0.0),
        ({"correct": "yes"}, 1.0),
    ],
)
def test_declined_replies(tmp_path: Path, row: dict[str, object], correct: float) -> None:
    rows = [
        {**row, "confidence": 0.5, "declined": "yes"},
        {**row, "confidence": 0.5, "declined": None},
    ]

    declined, other = load_predictions(written(tmp_path, "jsonl", rows)).predictions

    assert (declined.declined, declined.answer, declined.confidence) == (True, None, None)
    assert declined.correct == correct
    assert (other.declined, other.confidence) == (False, 0.5)


@pytest.mark.parametrize("grade", ["NOT_ATTEMPTED", "not attempted", "Declined"])
def test_a_grade_may_say_that_the_model_did_not_answer(tmp_path: Path, grade: str) -> None:
    rows = [{"confidence": 0.4, "correct": grade}, {"confidence": 0.4, "correct": "INCORRECT"}]

    declined, wrong = load_predictions(written(tmp_path, "csv", rows)).predictions

    assert (declined.declined, declined.correct, declined.confidence) == (True, 0.0, None)
    assert (wrong.declined, wrong.correct, wrong.confidence) == (False, 0.0, 0.4)


def test_a_format_says_which_replies_of_a_file_decline(tmp_path: Path) -> None:
    rows = [
        {"output": "Answer: I don't know", "gold": "Rome"},
        {"output": "Answer: Rome Confidence: 9", "gold": "Rome"},
    ]
    format = SaySelfFormat(decline="I don't know")

    declined, right = load_predictions(written(tmp_path, "jsonl", rows), format=format).predictions

    assert (declined.declined, declined.correct) == (True, 0.0)
    assert (right.declined, right.confidence, right.correct) == (False, 0.9, 1.0)


def test_a_column_named_as_declined_must_say_yes_or_no(tmp_path: Path) -> None:
    path = written(tmp_path, "jsonl", [{"confidence": 0.5, "correct": 1, "state": "maybe"}])

    with pytest.raises(DataError, match="line 1: 'state' must say whether the reply declines"):
        load_predictions(path, {"declined": "state"})


def test_no_answer_is_wrong(tmp_path: Path) -> None:
    found = read_predictions(text(tmp_path, "confidence,answer,gold\n0.5,,Rome\n"))

    assert found[0].correct == 0.0


def test_whole_replies_are_read_by_a_format(tmp_path: Path) -> None:
    rows = [
        {
            "question": "Capital of Italy?",
            "answer": "Rome",
            "response": "Answer: Rome Confidence: 9",
        },
        {
            "question": "Capital of Peru?",
            "answer": "Lima",
            "response": "Answer: Cuzco Confidence: 3",
        },
        {"question": "Capital of Chad?", "answer": "N'Djamena", "response": "I don't know."},
    ]

    found = load_predictions(written(tmp_path, "csv", rows), format=build("format", "sayself"))  # type: ignore[arg-type]

    assert [(p.answer, p.confidence, p.correct) for p in found.predictions] == [
        ("Rome", 0.9, 1.0),
        ("Cuzco", 0.3, 0.0),
        (None, None, 0.0),
    ]
    assert found.questions["2"].prompt == "Capital of Peru?"
    assert found.columns["gold"] == "answer"


def test_the_shards_of_a_run_can_be_read(tiny_run: Path) -> None:
    (shard,) = (tiny_run / "stages").glob("evaluate-base-verbalized-*/part-*.parquet")

    found = read_predictions(shard)

    assert len(found) == 16
    assert all(p.correct is not None for p in found)
    assert all(p.tokens > 0 for p in found)


# ------------------------------------------------------------------------------------ trouble


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,correct\nx,1\n", "no column is recognised as 'confidence': name it with --column "),
        ("id,confidence\nx,1\n", "no column is recognised as 'correct': name it .* or let a judge"),
        ("confidence,answer\n1,x\n", "no column is recognised as 'gold': name it with --column"),
        ("conf,prob,correct\n1,1,1\n", "'conf' and 'prob' could both be the confidence: cho"),
        ("conf,answer,prediction\n1,x,x\n", "'answer' and 'prediction' could both be the answer"),
        ("id,qid,confidence,correct\n1,1,1,1\n", "'id' and 'qid' could both be the id"),
    ],
)
def test_columns_that_are_not_clear(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_predictions(text(tmp_path, content))


def test_what_is_not_needed_may_be_unclear(tmp_path: Path) -> None:
    path = text(tmp_path, "confidence,correct,answer,prediction\n0.5,1,x,y\n")

    assert read_predictions(path)[0].answer is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "confidence,correct\n0.5,1\nhigh,1\n", "line 3: 'confidence' must be a number"),
        ("x.csv", "confidence,correct\n0.5,7\n", "line 2: 'correct' must say whether"),
        ("x.csv", "confidence,correct\n0.5\n", "line 2: 1 value, but the header names 2"),
        ("x.csv", "confidence,correct\n0.5,1,2\n", "line 2: 3 values, but the header names 2"),
        ("x.csv", 'confidence,correct\n0.5,"1\n', "line 2: not CSV"),
        ("x.csv", "a,a\n0.5,1\n", "line 1: the header names 'a' twice"),
        ("x.csv", "confidence,correct\n", "the file has no rows"),
        ("x.csv", "", "the file has no rows"),
        ("x.csv", "id,confidence,correct\na,1,1\n,1,1\n", "line 3: 'id' is empty"),
        ("x.csv", "id,confidence,correct\na,1,1\na,1,1\n", "line 3: the id 'a' was in line 2"),
        ("x.csv", "confidence,answer,gold\n1,x,\n", "line 2: 'gold' is empty"),
        ("x.jsonl", '{"confidence": 1}\n{"conf', "line 2: not JSON"),
        ("x.jsonl", '{"confidence": 1, "correct": 1}\n[1]\n', "line 2: must be an object"),
        ("x.jsonl", '{"confidence": true, "correct": 1}', "line 1: 'confidence' must be a number"),
        (
            "x.jsonl",
            '{"confidence": [1], "correct": 1}',
            "line 1: 'confidence' is a list of length 1",
        ),
        ("x.jsonl", "[" * 100_000, "line 1: not JSON"),
        ("x.parquet", "PAR0", "not a Parquet file"),
        ("x.txt", "confidence", "the file has no rows"),
    ],
)
def test_broken_files_are_reported_in_one_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(DataError) as error:
        read_predictions(text(tmp_path, content, name))

    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_long_replies_are_read(tmp_path: Path) -> None:
    reply = "So it is. " * 20_000

    (one,) = read_predictions(text(tmp_path, f"confidence,correct,response\n0.5,1,{reply}\n"))

    assert one.response == reply


def test_a_label_is_not_a_verdict(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column is recognised as 'correct'"):
        read_predictions(text(tmp_path, "confidence,label\n0.5,1\n"))


def test_other_trouble_with_files(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"confidence,correct\n0.5,1\n\xe9,1\n")
    with pytest.raises(DataError, match=r"latin\.csv, line 3: not UTF-8"):
        read_predictions(tmp_path / "latin.csv")
    with pytest.raises(DataError, match="there is no such file"):
        read_predictions(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="this is a directory"):
        read_predictions(tmp_path)


def test_roles_and_columns_that_do_not_exist(tmp_path: Path) -> None:
    path = text(tmp_path, "confidence,correct\n1,1\n")
    with pytest.raises(UsageError, match=r"there is no role 'certainty'; use id, confidence, "):
        read_predictions(path, {"certainty": "confidence"})
    with pytest.raises(UsageError, match=r"has no column 'conf'; it has confidence, correct"):
        read_predictions(path, {"confidence": "conf"})
    with pytest.raises(UsageError, match=r"^--cluster nope: .* has no column 'nope'; it has "):
        read_predictions(path, {"cluster": "nope"})


# --------------------------------------------------------------------------------- properties


@given(data=st.data(), kind=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_what_is_written_is_read(
    data: st.DataObject, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [
        {
            "id": f"question {number}",
            "confidence": data.draw(st.none() | st.floats(0, 1)),
            "correct": data.draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        }
        for number in range(data.draw(st.integers(1, 5)))
    ]

    found = read_predictions(written(tmp_path_factory.mktemp("p"), kind, rows))

    assert [(p.question_id, p.confidence, p.correct) for p in found] == [
        tuple(row.values()) for row in rows
    ]


@given(content=st.binary(max_size=60) | st.text("0.1,\n\"{}:abc%'").map(str.encode))
@pytest.mark.parametrize(
    "name", ["x.csv", "x.tsv", "x.json", "x.jsonl", "x.parquet", "x.csv.gz", "x.xlsx"]
)
def test_any_file_at_all_is_read_or_refused_in_one_line(
    content: bytes, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    head = b"confidence,correct\n" if name == "x.csv" else b""
    path.write_bytes(head + content)
    try:
        found = read_predictions(path)
    except (DataError, UsageError) as error:
        assert str(error).startswith(str(path))
    else:
        assert all(p.confidence is None or 0 <= p.confidence <= 1 for p in found)


# ---------------------------------------------------------------------- spellings and roundings


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        *(("C", "I"), ("c", "i"), ("T", "F"), ("Y", "N"), ("yes", "no"), ("TRUE", "FALSE")),
        *(("correct", "incorrect"), ("CORRECT", "INCORRECT"), ("right", "wrong")),
        *(("pass", "fail"), ("1", "0"), ("100%", "0%"), ("1.0000000000000002", "-1e-17")),
    ],
)
def test_verdicts_in_the_words_of_graders(tmp_path: Path, right: str, wrong: str) -> None:
    path = text(tmp_path, f"confidence,correct\n0.5,{right}\n0.5,{wrong}\n")

    assert [p.correct for p in read_predictions(path)] == [1.0, 0.0]


@pytest.mark.parametrize("id", ["NA", "none", "null", "None", "nan", "N/A", "<NA>"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_id_may_be_any_word(tmp_path: Path, id: str, kind: str) -> None:
    rows = [{"id": name, "confidence": 0.5, "correct": 1} for name in (id, "ZA")]

    assert [p.question_id for p in read_predictions(written(tmp_path, kind, rows))] == [id, "ZA"]


@pytest.mark.parametrize(
    ("stated", "scale", "confidence"),
    [
        ("1.0000000000000002", None, 1.0),
        ("1.00000012", None, 1.0),  # 1 + the float32 epsilon
        ("-1e-17", None, 0.0),
        ("100.00000000000001", 100, 1.0),
        ("10.0000001", 10, 1.0),
    ],
)
def test_a_rounding_error_is_no_other_scale(
    tmp_path: Path, stated: str, scale: float | None, confidence: float
) -> None:
    path = text(tmp_path, f"confidence,correct\n{stated},1\n")

    assert read_predictions(path, scale=scale)[0].confidence == confidence


@given(numbers=st.lists(st.floats(-1, 150, width=32), min_size=1, max_size=6))
def test_advice_about_the_scale_never_shrinks_fractions(
    numbers: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = "\n".join(f"{number!r},1" for number in numbers)
    path = text(tmp_path_factory.getbasetemp(), f"confidence,correct\n{rows}\n")
    try:
        read_predictions(path)
    except DataError as error:
        advised = [int(scale) for scale in re.findall(r"--scale (\d+)", str(error))]
        assert not (advised and any(0 < number < 1 for number in numbers))
        assert all(max(numbers) <= scale for scale in advised)


def test_a_scale_that_would_shrink_fractions_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "confidence,correct\n0.9,1\n0.4,0\n1,1\n")

    for scale in (10, 100):
        with pytest.raises(DataError, match=f"omit --scale {scale}, which would divide them"):
            read_predictions(path, scale=scale)


@pytest.mark.parametrize(
    ("stated", "scale", "remark"),
    [
        ("90 0.8 75", 100, "1 of 3 rows .* such as 0.8, .* counts as 0.008"),
        ("9 0.8 0.7", 10, "2 of 3 rows .* counts as 0.08"),
        ("93.2 0.8 75", 100, None),  # percent with decimals
        ("90 0.8% 75", 100, None),
        ("90 0 1", 100, None),
    ],
)
def test_fractions_among_percent_are_named(
    tmp_path: Path, stated: str, scale: float, remark: str | None
) -> None:
    rows = "".join(f"{number},1\n" for number in stated.split())
    (tmp_path / "x.csv").write_text(f"confidence,correct\n{rows}")
    notes = load_predictions(tmp_path / "x.csv", scale=scale).notes
    assert len(notes) == (remark is not None)
    assert remark is None or re.search(remark, notes[0])


def test_a_decimal_comma_is_named(tmp_path: Path) -> None:
    path = text(tmp_path, "id;confidence;correct\nq1;0,9;1\n")

    with pytest.raises(DataError, match=r"line 2: 'confidence' has a decimal comma .* semicolon"):
        read_predictions(path)


def test_a_percent_sign_beyond_100_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: 'confidence' is 120%, outside 0 to 100%"):
        read_predictions(text(tmp_path, "confidence,correct\n120%,1\n"))


def test_correct_answer_is_the_accepted_one(tmp_path: Path) -> None:
    path = text(tmp_path, "confidence,answer,correct_answer\n0.5,Rome,rome\n0.5,Rome,Oslo\n")

    assert [p.correct for p in read_predictions(path)] == [1.0, 0.0]


def test_a_bar_divides_accepted_answers_as_in_question_files(tmp_path: Path) -> None:
    rows = "0.5,Rome,Roma|Rome\n"
    several = text(tmp_path, f"confidence,answer,answers\n{rows}")
    one = text(tmp_path, f"confidence,answer,gold\n{rows}", "one.csv")

    assert read_predictions(several)[0].correct == 1.0
    assert load_predictions(one).questions["1"].answers == ("Roma|Rome",)


def test_gold_answers_in_an_unknown_shape_are_refused(tmp_path: Path) -> None:
    rows = [{"confidence": 0.5, "answer": "Rome", "gold": {"label": "Rome"}}]

    with pytest.raises(DataError, match=r"jsonl, line 1: 'gold' must hold a text, .* with label"):
        read_predictions(written(tmp_path, "jsonl", rows))


# ------------------------------------------------------------------------------ optional columns


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tokens", ["An", "swer"]),
        ("tokens", "many"),
        ("tokens", -3),
        ("answer", ["a", "b"]),
        ("response", ["a", "b"]),
        ("response", {"role": "assistant"}),
        ("gold", {"label": "a"}),
        ("rationale", {"steps": 3}),
        ("finish_reason", ["stop", "stop"]),
    ],
)
def test_an_optional_column_stops_nothing_unless_it_was_named(
    tmp_path: Path, column: str, value: object
) -> None:
    rows = [{"confidence": 0.5, "correct": 1}, {"confidence": 0.5, "correct": 0, column: value}]
    path = written(tmp_path, "jsonl", rows)
    role = "output" if column == "response" else column

    found = load_predictions(path)

    assert [p.correct for p in found.predictions] == [1.0, 0.0]
    assert role not in found.columns
    (note,) = found.notes
    assert note.startswith(f"{path}, line 2: '{column}' must ")
    assert note.endswith("; the column is left out")
    with pytest.raises(DataError, match="line 2: "):
        load_predictions(path, {role: column})


def test_a_column_of_ids_that_is_empty_everywhere_is_left_out(tmp_path: Path) -> None:
    path = text(tmp_path, "id,confidence,correct\n,0.5,1\n,0.5,0\n")

    found = load_predictions(path)

    assert [p.question_id for p in found.predictions] == ["1", "2"]
    assert found.notes == (f"{path}: 'id' is empty in every row; the rows are numbered",)
    with pytest.raises(DataError, match="line 2: 'id' is empty"):
        load_predictions(path, {"id": "id"})


def test_an_answer_that_is_judged_is_one_text(tmp_path: Path) -> None:
    rows = [{"confidence": 0.5, "answer": ["Rome"], "gold": "Rome"}]
    assert read_predictions(written(tmp_path, "jsonl", rows))[0].correct == 1.0
    rows[0]["answer"] = ["Rome", "Oslo"]

    with pytest.raises(DataError, match="line 1: 'answer' must be the text of one reply: it holds"):
        read_predictions(written(tmp_path, "jsonl", rows))


# --------------------------------------------------------------------------------- whole replies

REPLY = "Answer: Rome\nConfidence: 90%"


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("jsonl", REPLY),
        ("jsonl", [REPLY]),
        ("jsonl", [[REPLY]]),
        ("parquet", [REPLY]),
        ("csv", json.dumps([REPLY])),
        ("csv", repr([REPLY])),
        ("csv", f"[{REPLY!r}]"),
    ],
)
def test_a_list_of_one_reply_is_that_reply(tmp_path: Path, kind: str, output: object) -> None:
    path = written(tmp_path, kind, [{"gold": "Rome", "filtered_resps": output}])

    (one,) = read_predictions(path, {"output": "filtered_resps"}, format=percent())

    assert (one.response, one.answer, one.confidence) == (REPLY, "Rome", 0.9)


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("jsonl", [REPLY, REPLY]),
        ("jsonl", [[REPLY, REPLY]]),
        ("jsonl", []),
        ("jsonl", {"role": "assistant", "content": REPLY}),
        ("csv", json.dumps([REPLY, REPLY])),
        ("csv", repr([REPLY, REPLY])),
    ],
)
def test_several_replies_are_refused(tmp_path: Path, kind: str, output: object) -> None:
    path = written(tmp_path, kind, [{"gold": "Rome", "resps": output}])

    with pytest.raises(DataError, match="'resps' must be the text of one reply: it holds"):
        read_predictions(path, {"output": "resps"}, format=percent())


def percent() -> Format:
    return build("format", "percent")  # type: ignore[return-value]


def test_a_reply_that_was_cut_is_read_as_cut(tmp_path: Path) -> None:
    rows = [
        {"gold": "Rome", "output": "Answer: Rome\nConfidence: 1", "finish_reason": reason}
        for reason in ("length", "stop")
    ]

    cut, whole = read_predictions(
        written(tmp_path, "jsonl", rows),
        format=build("format", "sayself"),  # type: ignore[arg-type]
    )

    assert (cut.confidence, whole.confidence) == (None, 0.1)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {},
            {"scale": 100, "format": percent()},
            "with --format, the format has its own",
        ),
        ({"confidence": "c"}, {"format": percent()}, "--column confidence=c: with --format, "),
        ({"answer": "answer"}, {"format": percent()}, "--column answer=answer: with --format, "),
        ({"rationale": "c"}, {"format": percent()}, "--column rationale=c: with --format, "),
        ({"correct": "c"}, {"judge": MatchJudge()}, "--column correct=…: with --judge, the judge"),
        ({"confidence": ("c", "d")}, {}, "has 'c' and 'd': name one column per"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    path = text(tmp_path, "answer,gold,output,c,d\na,a,Answer: a Confidence: 90%,0.5,0.5\n")

    with pytest.raises(UsageError) as caught:
        load_predictions(path, columns, **options)

    assert message in str(caught.value)


def test_of_several_names_for_a_role_a_file_has_one(tmp_path: Path) -> None:
    path = text(tmp_path, "p,correct\n0.5,1\n")

    assert load_predictions(path, {"confidence": ("q", "p")}).columns["confidence"] == "p"
    with pytest.raises(UsageError, match=r"--column confidence=q --column confidence=r: .* no col"):
        load_predictions(path, {"confidence": ("q", "r")})


def test_several_rows_of_a_question_need_a_cluster(tmp_path: Path) -> None:
    path = tmp_path / "several.csv"
    path.write_text("id,relation,confidence,correct\nq1,a,.9,1\nq1,a,.8,0\nq2,b,.7,1\n")
    with pytest.raises(DataError, match=r"the id 'q1' was in line 2 already.*--cluster id"):
        load_predictions(path)
    found = load_predictions(path, {"cluster": "id"})
    assert [p.question_id for p in found.predictions] == ["q1", "q1 (2)", "q2"]
    assert found.clusters == {"q1": "q1", "q1 (2)": "q1", "q2": "q2"}
    assert load_predictions(path, {"cluster": "relation"}).clusters["q1 (2)"] == "a"


def test_every_row_needs_its_cluster(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    path.write_text("id,relation,confidence,correct\nq1,a,.9,1\nq2,,.8,0\n")
    assert load_predictions(path).clusters == {}
    with pytest.raises(DataError, match=r"line 3: 'relation' is empty: with --cluster"):
        load_predictions(path, {"cluster": "relation"})
