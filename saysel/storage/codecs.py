"""Records to Parquet rows and back, derived from the type hints of their dataclasses.

str, int, float, bool       a column of that type
X | None                    the column of X, with nulls
tuple[X, ...]               a list
a dataclass or TypedDict    a struct
Mapping[str, float]         a list of {answer, share}: Parquet's own maps lose their order
Mapping[str, Any]           a text of JSON
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from typing_extensions import get_type_hints, is_typeddict

if TYPE_CHECKING:
    import pyarrow as pa

Record = TypeVar("Record")


class Codec(NamedTuple):
    """How values of a type are stored.

    Attributes:
        type: the type of the column.
        encode, decode: between a value and what the column holds; `None`: they are the same.
    """

    type: pa.DataType
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None


def schema(record: type[Any]) -> pa.Schema:
    """The Parquet schema of a record type."""
    import pyarrow as pa

    return pa.schema(list(codec(record).type))


def readable_as(record: type[Any], stored: pa.Schema) -> bool:
    """Whether a file with a schema holds such records, or those of an earlier version.

    An earlier version may lack fields that have a default now, also in a record inside a record.
    """
    return list(stored) == list(_as_stored(record, stored))


def _as_stored(record: type[Any], stored: Iterable[pa.Field]) -> Iterator[pa.Field]:
    """The fields of a record without those that the stored ones lack and that have a default."""
    import pyarrow as pa

    hints, columns = get_type_hints(record), {field.name: field for field in stored}
    for field, column in zip(fields(record), schema(record), strict=True):
        if column.name not in columns:
            if field.default is MISSING and field.default_factory is MISSING:
                yield column
            continue
        inner = _record_in(hints[field.name])
        if inner is not None and pa.types.is_struct(columns[column.name].type):
            parts = _as_stored(inner, columns[column.name].type)
            column = column.with_type(pa.struct(list(parts)))
        yield column


def _record_in(hint: Any) -> type[Any] | None:
    """The dataclass that a type hint is, or is unless `None`; `None` for any other hint."""
    choices = get_args(hint) if type(None) in get_args(hint) else (hint,)
    return next(
        (choice for choice in choices if isinstance(choice, type) and is_dataclass(choice)), None
    )


def encode(record: Any) -> dict[str, Any]:
    """A record as a Parquet row."""
    encoder = codec(type(record)).encode
    assert encoder is not None
    row: dict[str, Any] = encoder(record)
    return row


def decode(record: type[Record], row: dict[str, Any]) -> Record:
    """The record that a Parquet row was written from."""
    decoder = codec(record).decode
    assert decoder is not None
    value: Record = decoder(row)
    return value


def codec(hint: Any) -> Codec:
    """The codec of a type hint.

    Raises:
        TypeError: there is none; see the list above.
    """
    return _derived(hint)


@cache
def _derived(hint: Any) -> Codec:
    import pyarrow as pa

    scalars = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in scalars:
        return Codec(scalars[hint])
    if origin is Literal:
        return codec(type(arguments[0]))
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is type(None):
        return _optional(codec(arguments[0]))
    if origin is tuple and arguments[1:] == (...,):
        return _tuple(codec(arguments[0]))
    if hint == Mapping[str, float]:
        return _shares()
    if origin is Mapping:
        return Codec(pa.string(), lambda value: json.dumps(value, ensure_ascii=False), json.loads)
    if is_typeddict(hint):
        return Codec(_struct(hint))
    if is_dataclass(hint):
        return _dataclass(cast("type[Any]", hint))
    raise TypeError(f"{hint}: a record cannot have a field of this type")


def _optional(inner: Codec) -> Codec:
    def present(function: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
        return function and (lambda value: None if value is None else function(value))

    return Codec(inner.type, present(inner.encode), present(inner.decode))


def _tuple(inner: Codec) -> Codec:
    import pyarrow as pa

    encode, decode = inner.encode, inner.decode
    return Codec(
        pa.list_(inner.type),
        encode and (lambda values: [encode(value) for value in values]),
        (lambda values: tuple(map(decode, values))) if decode else tuple,
    )


def _shares() -> Codec:
    import pyarrow as pa

    return Codec(
        pa.list_(pa.struct({"answer": pa.string(), "share": pa.float64()})),
        lambda shares: [{"answer": answer, "share": share} for answer, share in shares.items()],
        lambda pairs: {pair["answer"]: pair["share"] for pair in pairs},
    )


def _struct(record: type[Any]) -> pa.StructType:
    import pyarrow as pa

    return pa.struct({name: codec(hint).type for name, hint in get_type_hints(record).items()})


def _dataclass(record: type[Any]) -> Codec:
    codecs = {name: codec(hint) for name, hint in get_type_hints(record).items()}
    encoders = {name: field.encode for name, field in codecs.items() if field.encode}
    decoders = {name: field.decode for name, field in codecs.items() if field.decode}

    def encode(value: Any) -> dict[str, Any]:
        row = dict(vars(value))
        row.update((name, encoder(row[name])) for name, encoder in encoders.items())
        return row

    def decode(row: dict[str, Any]) -> Any:
        # A field that a newer version has added is missing, and keeps its default.
        decoded = {name: decode(row[name]) for name, decode in decoders.items() if name in row}
        return record(**{**row, **decoded})

    return Codec(_struct(record), encode, decode)
