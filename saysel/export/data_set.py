"""Predictions as a data set of the hub: what `datasets.load_dataset("OWNER/NAME")` reads.

DIR/data_set/README.md              the data set's card
DIR/data_set/predictions.parquet    a row per question, model and estimator
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from saysel import __version__
from saysel.export.measured import measured_table
from saysel.storage import encodable, write_atomically, write_text

if TYPE_CHECKING:
    from saysel.export import Evaluation

FILE = "predictions.parquet"
COLUMNS = {
    "model": "`base`, or the phase of training after which the model was asked",
    "estimator": "how answer and confidence were obtained",
    "question_id": "the question",
    "question": "its text",
    "answers": "the accepted answers",
    "answer": "the model's answer; null if none could be read",
    "rationale": "why it is as sure as it says",
    "confidence": "from 0 to 1; null if none could be read",
    "correct": "how correct the answer is, from 0 to 1; null if it could not be judged",
    "declined": "whether the model declined to answer",
    "tokens": "the response's length",
    "response": "the whole response",
}


def write_data_set(
    evaluated: Sequence[Evaluation],
    rows: Sequence[Mapping[str, Any]],
    directory: Path,
    license: str,
) -> list[Path]:
    """Write predictions with a card; returns the files.

    Args:
        rows: of `metrics.json`, those of the evaluations.
        license: identifier for the card, as the hub uses it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(list(_records(evaluated)), schema=_schema())
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / FILE, lambda file: pq.write_table(table, file))
    write_text(directory / "README.md", _card(evaluated, rows, license))
    return [directory / "README.md", directory / FILE]


def _schema() -> Any:
    import pyarrow as pa

    types = {"answers": pa.list_(pa.string()), "confidence": pa.float64(), "correct": pa.float64()}
    types |= {"declined": pa.bool_(), "tokens": pa.int64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in ("cell", *COLUMNS)])


def _records(evaluated: Sequence[Evaluation]) -> Iterator[dict[str, Any]]:
    for evaluation in evaluated:
        for prediction in evaluation.predictions:
            question = evaluation.questions[prediction.question_id]
            yield {
                "cell": evaluation.cell,
                "model": evaluation.phase,
                "estimator": evaluation.estimator,
                "question_id": question.id,
                "question": _text(question.prompt),
                "answers": [_text(answer) for answer in question.answers],
                "answer": _text(prediction.answer),
                "rationale": _text(prediction.rationale),
                "confidence": prediction.confidence,
                "correct": prediction.correct,
                "declined": prediction.declined,
                "tokens": prediction.tokens,
                "response": _text(prediction.response),
            }


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(text)


def _card(evaluated: Sequence[Evaluation], rows: Sequence[Mapping[str, Any]], license: str) -> str:
    run = evaluated[0].run
    recipes = [evaluation.recipe for evaluation in evaluated]
    asked = dict.fromkeys(f"`{one.source.use}` (split `{one.evaluate.split}`)" for one in recipes)
    metadata = {
        "license": license,
        "task_categories": ["question-answering"],
        "tags": ["saysel", "calibration", "confidence"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "predictions", "path": FILE}],
            }
        ],
    }
    columns = {"cell": "the cell of the matrix, empty without a matrix", **COLUMNS}
    parts = [
        f"---\n{yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)}---",
        f"# Predictions of {run}",
        f"What the models of the run `{run}` answered, and how sure they were, measured with "
        f"saysel {__version__} on questions of {', '.join(asked)}. A row is one question, asked of "
        "one model in one way.",
        "## Columns",
        "\n".join(f"- `{name}`: {meaning}" for name, meaning in columns.items()),
        "## Scores",
        *measured_table(rows),
        "## Licence",
        f"`{license}`. The questions have their own licence: check it before you redistribute "
        "them. Responses are generated text and may be wrong.",
    ]
    return "\n\n".join(parts) + "\n"
