"""Data from other tools: tables, accepted answers, predictions.

load_predictions           a file of predictions, with the questions that it knows
predictions_from_columns   the same for a data frame or a mapping of arrays
predictions_by             the same for the rows of several methods in one file, frame or mapping
read_table                 the rows of a file: CSV, JSON, Parquet, spreadsheets, logs of other tools
accepted_answers           the accepted answers in a column, in any shape that data sets use
"""

from saysel.files.accepted_answers import accepted_answers
from saysel.files.predictions import (
    Predictions,
    load_predictions,
    predictions_by,
    predictions_from_columns,
)
from saysel.files.table import Table
from saysel.files.tables import read_table

__all__ = [
    "Predictions",
    "Table",
    "accepted_answers",
    "load_predictions",
    "predictions_by",
    "predictions_from_columns",
    "read_table",
]
