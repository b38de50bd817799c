"""From recipe text to a validated recipe; the packaged recipes."""
