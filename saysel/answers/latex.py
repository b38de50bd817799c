r"""LaTeX as plain text: `\frac{3}{4}` is (3)/(4), `\boxed{42}` is 42.

Only what short answers use is read; what is not known stays as it is.
"""

from __future__ import annotations

import re

#: Braces within braces that are followed.
DEPTH = 12

WORDS = {
    **dict.fromkeys(("cdot", "times", "ast"), "*"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("emptyset", "varnothing"), "∅"),
    **dict.fromkeys(("left", "right", "displaystyle", "big", "Big", "limits", "quad", "qquad"), ""),
    **{"div": "/", "pm": "±", "infty": "∞", "cup": "∪", "cap": "∩", "in": "∈", "lt": "<"},
    **{"gt": ">", "circ": "°", "degree": "°", "pi": "π", "dots": "...", "ldots": "..."},
}
#: Commands whose argument is text.
TEXT = frozenset(("text", "textbf", "textit", "textrm", "mathrm", "mathbf", "mbox", "boxed"))
FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
DOLLARS = re.compile(r"\$\$?([^$]*[^$\s])\$\$?(?!\d)")
#: Braces that group, as opposed to those of a set.
BRACED = re.compile(r"[_^]\{|\{,\}")
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
NAMED = re.compile(r"\\[A-Za-z]+")
ROOT = re.compile(r" ?\[([^\]]{1,3})\]")
BOXED = re.compile(r"\\(?:boxed|fbox) ?\{")


def plain(text: str) -> str:
    """The text without LaTeX. Where something is boxed, what is boxed last."""
    if "\\" not in text and "$" not in text and "{" not in text:
        return text
    if boxes := list(BOXED.finditer(text)):
        text = _group(text, boxes[-1].end() - 1)[0]
    text = DOLLARS.sub(r"\1", text)
    if "\\" not in text and not BRACED.search(text):
        return text
    text = re.sub(r"\\begin\{[pbvB]?matrix\}(.*?)\\end\{[pbvB]?matrix\}", _matrix, text, flags=re.S)
    text = re.sub(r"\\[(),;:!\[\] ]|~", " ", text).replace("{,}", ",")
    return " ".join(_read(text).split())


def _matrix(match: re.Match[str]) -> str:
    return "matrix " + " ".join(re.split(r"\\\\|&", match[1]))


def _group(text: str, start: int) -> tuple[str, int]:
    """The argument at `start`, in braces or one character, and the index after it."""
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text):
        return "", start
    if text[start] == "\\" and (command := NAMED.match(text, start)):
        return command[0], command.end()
    if text[start] != "{":
        return text[start], start + 1
    depth = 0
    for end in range(start, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[start + 1 : end], end + 1
    return text[start + 1 :], len(text)


def _read(text: str, depth: int = 0) -> str:
    if depth > DEPTH:
        return text
    out: list[str] = []
    position = 0
    while position < len(text):
        if command := COMMAND.match(text, position):
            position = _command(command[1], text, command.end(), out, depth + 1)
        elif text[position] == "{":
            inside, position = _group(text, position)
            # Only powers and indices need their braces to be seen.
            bracketed = out[-1:] in (["^"], ["_"]) and len(inside) > 1
            inner = _read(inside, depth + 1)
            out.append(f"({inner})" if bracketed else inner)
        else:
            out.append(text[position])
            position += 1
    return "".join(out)


def _command(name: str, text: str, position: int, out: list[str], depth: int) -> int:
    """Append what a command stands for, and return the index after its arguments."""
    if name in FRACTIONS:
        above, position = _group(text, position)
        below, position = _group(text, position)
        whole = " " if out and out[-1][-1:].isdigit() else ""
        out.append(f"{whole}{_atom(_read(above, depth))}/{_atom(_read(below, depth))}")
    elif name == "sqrt":
        degree = ROOT.match(text, position)
        inside, position = _group(text, degree.end() if degree else position)
        radicand = _read(inside, depth)
        out.append(f"root({degree[1]},{radicand})" if degree else f"sqrt({radicand})")
    elif name in TEXT:
        inside, position = _group(text, position)
        out.append(f" {_read(inside, depth)} ")
    elif name in WORDS:
        # ^\circ is a degree sign, not a power.
        if WORDS[name] == "°" and out[-1:] == ["^"]:
            out.pop()
        out.append(WORDS[name])
    else:
        out.append(f" {name} " if len(name) > 3 else name)
    return position


def _atom(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"
