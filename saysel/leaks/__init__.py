"""Evaluation questions that also occur in another split."""
