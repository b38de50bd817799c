"""Parsing of replies: their visible text, labelled fields, numbers on a scale.

It is used by the formats and by the estimators that have their own prompts. All functions accept
any text, never raise, and take time proportional to the length of the text.
"""
