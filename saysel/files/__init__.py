"""Data files of other tools: tables, values, predictions."""
