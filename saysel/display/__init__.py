"""Text for people: tables, numbers, durations, and lines for a terminal."""
