"""Reads what models write: replies without their thoughts, labelled fields, numbers on a scale.

Used by the formats and by the estimators that have prompts of their own. Everything here takes any
text, never raises, and takes time proportional to the length of the text.
"""
