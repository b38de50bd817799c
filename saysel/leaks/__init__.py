"""Held-out questions that also occur in another split."""
