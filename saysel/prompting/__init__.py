"""Asking another language model."""
