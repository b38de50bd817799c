"""Plugins and recipes to start from: their templates, and what writes them."""
