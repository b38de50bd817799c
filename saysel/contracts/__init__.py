"""Checks that what components return keeps the contract of their kind."""
