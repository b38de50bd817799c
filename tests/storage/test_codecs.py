from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from saysel.records import Prediction
from saysel.storage.codecs import decode, encode, schema


@dataclass(frozen=True)
class Point:
    x: float
    label: str | None = None


@dataclass(frozen=True)
class Drawing:
    points: tuple[Point, ...]
    centre: Point | None
    sizes: tuple[int, ...] = ()
    visible: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def test_the_schema_of_a_new_record_follows_from_its_type_hints() -> None:
    point = pa.struct({"x": pa.float64(), "label": pa.string()})

    assert schema(Drawing) == pa.schema(
        {
            "points": pa.list_(point),
            "centre": point,
            "sizes": pa.list_(pa.int64()),
            "visible": pa.bool_(),
            "shares": pa.list_(pa.struct({"answer": pa.string(), "share": pa.float64()})),
            "notes": pa.string(),
        }
    )


@pytest.mark.parametrize(
    "drawing",
    [
        Drawing((), None),
        Drawing((Point(1.5), Point(2, "b")), Point(0, "c"), (3, 1), False, {"b": 1, "a": 0.5}),
        Drawing((Point(1.5),), None, notes={"nested": {"list": [1, None, "ä"]}}),
    ],
)
def test_a_new_record_is_read_as_it_was_written(drawing: Drawing) -> None:
    table = pa.Table.from_pylist([encode(drawing)], schema=schema(Drawing))

    read = decode(Drawing, table.to_pylist()[0])

    assert read == drawing
    assert list(read.shares) == list(drawing.shares)


def test_predictions_keep_the_columns_of_earlier_versions() -> None:
    text, number = pa.string(), pa.float64()

    assert schema(Prediction) == pa.schema(
        {
            "question_id": text,
            "response": text,
            "answer": text,
            "rationale": text,
            "confidence": number,
            "correct": number,
            "tokens": pa.int64(),
            "shares": pa.list_(pa.struct({"answer": text, "share": number})),
            "finish_reason": text,
            "distinct_texts": pa.int64(),
            "reply_counts": pa.struct(
                {
                    name: pa.int64()
                    for name in (
                        *("replies", "no_answer", "no_confidence", "cut", "empty"),
                        *("sampled", "same_text", "declined"),
                    )
                }
            ),
            "declined": pa.bool_(),
        }
    )


def test_a_field_that_cannot_be_stored_is_named() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(TypeError, match="complex'>: a record cannot have a field of this type"):
        schema(Odd)
