"""Rows of an evaluation log of Inspect: `.eval`, a zip archive, or `.json`.

One row per sample and epoch. Columns of the sample are `id`, `epoch`, `input`, `target`, `output`,
`stop_reason`, `tokens`, `error` and `metadata.KEY`. A score of the scorer `S` gives `S` (its value)
or `S.KEY` (the values of a mapping), `S.answer`, `S.explanation` and `S.metadata.KEY`. The letters
for correct, incorrect, partial and no answer become 1, 0, 0.5 and 0.

Inspect has no field for a confidence. It is looked for under its usual names in three places, and
the first that has one counts: the names of scorers, the keys of their values, and the keys of their
metadata.

Source: `EvalLog`, `EvalSample` and `Score` in `inspect_ai.log` and `inspect_ai.scorer`, and the
layout of the archive in `inspect_ai.log._recorders` (log version 2, inspect_ai 0.3.285).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from saysel.errors import DataError
from saysel.files.archives import Archive
from saysel.files.column_names import NAMES, normalised
from saysel.files.content import decoded
from saysel.files.json_rows import check_characters, json_in
from saysel.files.values import missing, parse_correctness
from saysel.records import CUT

Row = dict[str, Any]

#: A sample is one member, or several below one prefix if it is large.
SAMPLE = re.compile(r"samples/.+_epoch_\d+(\.json|/sample\.json)", re.DOTALL)
ATTACHMENT = "attachment://"
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
#: Stop reasons of a reply that was cut off.
CUT_OFF = frozenset({"max_tokens", "model_length"})
#: Where a value of a score is, in the order in which a confidence is looked for.
VALUE, KEY, METADATA, OTHER = range(4)


def is_log_archive(archive: Archive) -> bool:
    """Whether a zip archive is a log."""
    return not {"header.json", "_journal/start.json"}.isdisjoint(archive.names)


def is_log(content: object) -> bool:
    """Whether the content of a JSON file is a log."""
    return isinstance(content, dict) and {"version", "status", "eval"} <= set(content)


def samples_in(archive: Archive) -> Iterator[Any]:
    """The samples of a log, one at a time.

    Raises:
        DataError: the archive is damaged, or a sample is not JSON.
    """
    for name in filter(SAMPLE.fullmatch, archive.names):
        sample = _json(archive, name)
        metadata = name.removesuffix("sample.json") + "metadata.json"
        if isinstance(sample, dict) and name.endswith("/sample.json") and metadata in archive.names:
            sample["metadata"] = _json(archive, metadata)
        yield sample


def log_rows(samples: Iterable[Any], path: Path) -> tuple[list[Row], dict[str, tuple[str, ...]]]:
    """A row per sample in the order of epochs and ids, and the columns that could play a role.

    Raises:
        DataError: a sample is malformed, or there is none that did not fail.
    """
    rows: list[Row] = []
    places: dict[str, tuple[int, str]] = {}
    for number, sample in enumerate(samples, 1):
        try:
            row = _of_sample(sample)
            for name, place, key, value in _of_scores(sample):
                row[name] = value
                places[name] = (place, key)
        except (TypeError, KeyError, AttributeError, IndexError, ValueError) as error:
            raise DataError(
                f"{path}, sample {number}: not a sample of an Inspect log ({error!r:.80})"
            ) from None
        rows.append(row)
    if not rows:
        raise DataError(f"{path}: this Inspect log has no samples")
    if all(row["error"] for row in rows):
        raise DataError(f"{path}: every sample failed ({rows[0]['error']!s:.120})")
    rows.sort(key=lambda row: (row["epoch"], isinstance(row["id"], str), row["id"]))
    return rows, _roles(rows, places)


def _of_sample(sample: Mapping[str, Any]) -> Row:
    if not isinstance(sample["id"], str | int):
        raise TypeError(f"id: {sample['id']!r:.40}")
    attachments = sample.get("attachments") or {}
    output = sample.get("output") or {}
    choice: Mapping[str, Any] = next(iter(output.get("choices") or ()), {})
    reason = choice.get("stop_reason")
    completion = output.get("completion") or _text((choice.get("message") or {}).get("content"))
    error = sample.get("error") or {}
    row = {
        "id": sample["id"],
        "epoch": int(sample["epoch"]),
        "input": _attached(_input(sample.get("input")), attachments),
        "target": sample.get("target"),
        "output": _attached(completion, attachments),
        "stop_reason": CUT if reason in CUT_OFF else reason,
        "tokens": (output.get("usage") or {}).get("output_tokens"),
        "error": error.get("message"),
    }
    return row | {f"metadata.{key}": value for key, value in (sample.get("metadata") or {}).items()}


def _of_scores(sample: Mapping[str, Any]) -> Iterator[tuple[str, int, str, Any]]:
    """Column, place, key and value of everything that the scores of a sample contain."""
    for scorer, score in (sample.get("scores") or {}).items():
        value = score["value"]
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield f"{scorer}.{key}", KEY, key, _grade(item)
        else:
            yield scorer, VALUE, scorer, _grade(value)
        for key in ("answer", "explanation"):
            if score.get(key) is not None:
                yield f"{scorer}.{key}", OTHER, key, score[key]
        for key, item in (score.get("metadata") or {}).items():
            yield f"{scorer}.metadata.{key}", METADATA, key, item


def _roles(rows: list[Row], places: Mapping[str, tuple[int, str]]) -> dict[str, tuple[str, ...]]:
    def called(role: str, *of: int) -> tuple[str, ...]:
        return tuple(
            n for n, (at, key) in places.items() if at in of and normalised(key) in NAMES[role]
        )

    confidence = called("confidence", VALUE) or called("confidence", KEY)
    confidence = confidence or called("confidence", METADATA)
    grades = [n for n, (place, _) in places.items() if place == VALUE and n not in confidence]
    grades += called("correct", KEY)
    answers = [n for n, (at, key) in places.items() if at == OTHER and key == "answer"]
    return {
        "confidence": confidence,
        "correct": tuple(n for n in grades if all(_is_correctness(row.get(n)) for row in rows)),
        "answer": tuple(n for n in answers if n.removesuffix(".answer") not in confidence),
        "rationale": called("rationale", METADATA),
    }


def _is_correctness(value: object) -> bool:
    number = parse_correctness(value)
    return missing(value) or (number is not None and 0 <= number <= 1)


def _grade(value: object) -> object:
    return LETTERS.get(value, value) if isinstance(value, str) else value


def _input(value: Any) -> str:
    """The text of an input: a text, or the last message of the user."""
    if isinstance(value, str) or value is None:
        return value or ""
    asked = [message for message in value if message.get("role") == "user"] or value
    return _text(asked[-1]["content"]) if asked else ""


def _text(content: Any) -> str:
    """The text of a message's content: a text, or a list of parts."""
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


def _attached(text: str, attachments: Mapping[str, str]) -> str:
    """A text that a log keeps once, as an attachment."""
    return attachments.get(text.removeprefix(ATTACHMENT), text)


def _json(archive: Archive, name: str) -> Any:
    place = Path(f"{archive.path}, {name}")
    text = decoded(archive.read(name), place)
    value = json_in(text, place, 1)
    if "\\ud" in text.lower():
        check_characters(value, str(place))
    return value
