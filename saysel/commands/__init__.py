"""The commands, one file each: options, and a call of the Python API whose result is printed.

At the top a file imports click and nothing heavy; `--help` imports all of them.
"""
