"""Tables as Markdown and LaTeX, for papers and issues."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

Rows = Sequence[Sequence[str]]

#: What LaTeX reads as something else, and how it is written instead.
LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"−": "$-$", "–": "--", "·": r"$\cdot$", "✓": r"\checkmark{}", "✗": r"$\times$"},
    **{"↑": r"$\uparrow$", "↓": r"$\downarrow$", "≈": r"$\approx$"},
}


def markdown(header: Sequence[str], rows: Rows, left: Collection[int] = (0,)) -> str:
    """A table of GitHub's Markdown.

    Args:
        left: indices of the columns that are aligned to the left; the others to the right.
    """
    rule = ["---" if column in left else "---:" for column in range(len(header))]
    lines = [header, rule, *rows]
    return "".join("| " + " | ".join(_markdown(text) for text in line) + " |\n" for line in lines)


def latex(header: Sequence[str], rows: Rows, left: Collection[int] = (0,)) -> str:
    """A `tabular` with the rules of the package booktabs; check marks need amssymb."""
    columns = "".join("l" if column in left else "r" for column in range(len(header)))
    body = "".join(" & ".join(_latex(text) for text in row) + r" \\" + "\n" for row in rows)
    head = " & ".join(_latex(text) for text in header)
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}"
        "\\bottomrule\n\\end{tabular}\n"
    )


def _markdown(text: str) -> str:
    text = " ".join(text.split())
    return text if re.fullmatch(r"-+:?", text) else re.sub(r"([\\|*_`<\[])", r"\\\1", text)


def _latex(text: str) -> str:
    return "".join(LATEX.get(mark, mark) for mark in " ".join(text.split()))
