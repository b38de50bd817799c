"""Equality of mathematical expressions: x + 1 is 1 + x, 2√2 is √8, (1, 2] is not [1, 2].

An expression is evaluated at three fixed, arbitrary points (identity testing by Schwartz and
Zippel), exactly if only + - * / and integer powers occur. Nothing is executed or simplified; the
cost is bounded by the length of the text, its depth and the size of its numbers. The library
math-verify parses more, but its time limits need signals, which do not work in threads, and without
them a reply such as 9^(9^9) hangs the process.
"""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256

from saysel.answers.normalise import fold

Number = Fraction | complex
Values = tuple[Number, ...]

#: Maximum number of characters, depth of brackets, exponent, and number of bits of a number.
MAX_LENGTH, MAX_DEPTH, MAX_EXPONENT, MAX_BITS = 200, 20, 200, 4_000
POINTS = 3
FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    **{name: getattr(cmath, name) for name in ("sqrt", "sin", "cos", "tan", "log", "exp")},
    **{"ln": cmath.log, "arcsin": cmath.asin, "arccos": cmath.acos, "arctan": cmath.atan},
}
CONSTANTS = {"pi": math.pi, "π": math.pi}
RELATIONS = ("<=", ">=", "!=", "=", "<", ">", "≤", "≥", "≠")
PIECE = re.compile(
    r"\s*(<=|>=|!=|\*\*|\d+\.\d+|\.\d+|\d+|[a-z]+|π|[-+*/^()\[\]{},=<>≤≥≠±√∞∪])", re.ASCII
)
#: A text without any of these is words or a number.
OPERATOR = re.compile(
    r"[-+*/^=<>≤≥≠±√∪]|(?<![a-z])(?:sqrt|pi)(?![a-z])|π|[(\[{][^()\[\]{}]*,[^()\[\]{}]*[)\]}]"
)
#: A score, a range, a date, or a designation such as F-16 or 3-D: not a subtraction.
HYPHENATED = re.compile(r"\d[\d.,]*\s?[-–]\s?\d[\d.,]*|[A-Z]-?\d+|\d+-[A-Z]|\d+(?:[-/]\d+){2,}")


class Unreadable(Exception):
    """The text is not an expression, or exceeds a bound."""


@lru_cache(maxsize=65_536)
def canonical(text: str) -> str | None:
    """A text that is the same for equal expressions; `None` if the text is not an expression.

    Args:
        text: with LaTeX and scientific notation already converted.
    """
    text = text.strip().rstrip(".")
    if len(text) > MAX_LENGTH or HYPHENATED.fullmatch(text):
        return None
    folded = fold(text).replace("·", "*")
    if len(folded) > MAX_LENGTH or not OPERATOR.search(folded):
        return None
    try:
        return _Reader(_pieces(folded)).whole()
    except (Unreadable, OverflowError, ZeroDivisionError, ValueError, RecursionError):
        return None


def _pieces(text: str) -> list[str]:
    text = text.replace("√", "sqrt").rstrip()
    # Two letters are a product only if something else shows that this is mathematics.
    clear = re.search(r"[\d^=<>]", text) is not None
    pieces: list[str] = []
    position = 0
    while position < len(text):
        match = PIECE.match(text, position)
        if match is None:
            raise Unreadable
        piece, position = match[1], match.end()
        if (
            piece.isalpha()
            and piece not in FUNCTIONS
            and piece not in CONSTANTS
            and piece != "root"
        ):
            if len(piece) > 1 and not (clear and len(piece) == 2):
                raise Unreadable
            pieces.extend(piece)
        else:
            pieces.append({"**": "^", "≤": "<=", "≥": ">=", "≠": "!="}.get(piece, piece))
    return pieces


class _Reader:
    """A recursive-descent parser; every rule returns the values at the points."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self.position = 0
        self.depth = 0

    def peek(self) -> str:
        return self.pieces[self.position] if self.position < len(self.pieces) else ""

    def take(self) -> str:
        self.position += 1
        return self.pieces[self.position - 1] if self.position <= len(self.pieces) else ""

    def expect(self, piece: str) -> None:
        if self.take() != piece:
            raise Unreadable

    def whole(self) -> str:
        parts = [self.part()]
        while self.peek() == "∪":
            self.take()
            parts.append(self.part())
        if self.peek():
            raise Unreadable
        return " ∪ ".join(sorted(parts))

    def part(self) -> str:
        start = self.position
        try:
            return self.relations()
        except Unreadable:
            self.position, self.depth = start, 0
            return self.bracketed()

    def bracketed(self) -> str:
        """A pair, an interval or a set: brackets with values between commas."""
        left = self.take()
        if left not in ("(", "[", "{"):
            raise Unreadable
        items = [self.item()]
        while self.peek() == ",":
            self.take()
            items.append(self.item())
        right = self.take()
        if right not in (")", "]", "}") or (left == "{") != (right == "}"):
            raise Unreadable
        if left == "{":
            items = sorted(set(items))
        elif len(items) == 1:
            raise Unreadable
        return f"{left}{', '.join(items)}{right}"

    def item(self) -> str:
        sign = self.take() if self.peek() in ("+", "-") and self._before_infinity() else ""
        if self.peek() == "∞":
            self.take()
            return f"{sign.replace('+', '')}∞"
        return written(self.sum())

    def _before_infinity(self) -> bool:
        return self.position + 1 < len(self.pieces) and self.pieces[self.position + 1] == "∞"

    def relations(self) -> str:
        sides, signs = [self.sum()], []
        while self.peek() in RELATIONS:
            signs.append(self.take())
            sides.append(self.sum())
        if not signs:
            return written(sides[0])
        return " & ".join(
            sorted(_relation(*each) for each in zip(sides, signs, sides[1:], strict=False))
        )

    def sum(self) -> Values:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable
        total = self.signed()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            total = tuple(a + sign * b for a, b in zip(total, self.product(), strict=True))
        self.depth -= 1
        return total

    def signed(self) -> Values:
        if self.peek() not in ("+", "-"):
            return self.product()
        sign = 1 if self.take() == "+" else -1
        return tuple(sign * value for value in self.product())

    def product(self) -> Values:
        total = self.power()
        while (piece := self.peek()) and (piece in "*/" or _starts_factor(piece)):
            divided = piece == "/"
            if piece in "*/":
                self.take()
            elif piece[0].isdigit():
                raise Unreadable  # "2 3" is not a product
            factor = self.power()
            if divided:
                total = tuple(a / b for a, b in zip(total, factor, strict=True))
            else:
                total = tuple(_bounded(a * b) for a, b in zip(total, factor, strict=True))
        return total

    def power(self) -> Values:
        base = self.atom()
        if self.peek() != "^":
            return base
        self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable
        if self.peek() == "-":
            self.take()
            exponent = tuple(-value for value in self.power())
        else:
            exponent = self.power()
        self.depth -= 1
        return tuple(_power(a, b) for a, b in zip(base, exponent, strict=True))

    def atom(self) -> Values:
        piece = self.take()
        if piece[:1].isdigit() or piece[:1] == ".":
            return (Fraction(piece),) * POINTS
        if piece in CONSTANTS:
            return (complex(CONSTANTS[piece]),) * POINTS
        if piece in FUNCTIONS:
            argument = self.atom()
            return tuple(FUNCTIONS[piece](complex(value)) for value in argument)
        if piece == "root":
            return self.root()
        if piece == "(":
            inside = self.sum()
            self.expect(")")
            return inside
        if len(piece) == 1 and piece.isalpha():
            return (1j,) * POINTS if piece == "i" else _at_points(piece)
        raise Unreadable

    def root(self) -> Values:
        self.expect("(")
        degree = self.sum()
        self.expect(",")
        inside = self.sum()
        self.expect(")")
        return tuple(_power(a, 1 / b) for a, b in zip(inside, degree, strict=True))


def _starts_factor(piece: str) -> bool:
    return piece == "(" or piece[0].isalnum()


def _at_points(name: str) -> Values:
    """The values of a variable: positive fractions that depend on its name alone."""
    digest = sha256(name.encode()).digest()
    return tuple(Fraction(2 * digest[i] + 1, 2 * digest[i + 8] + 101) for i in range(POINTS))


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if abs(exponent) > MAX_EXPONENT:
            raise Unreadable
        if isinstance(base, Fraction):
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if size * abs(exponent) > MAX_BITS:
                raise Unreadable
        return base ** int(exponent)
    return complex(base) ** complex(exponent)


def _bounded(value: Number) -> Number:
    if isinstance(value, Fraction) and value.numerator.bit_length() > MAX_BITS:
        raise Unreadable
    return value


def _relation(left: Values, sign: str, right: Values) -> str:
    if sign in (">", ">="):
        left, right, sign = right, left, sign.replace(">", "<")
    difference = tuple(b - a for a, b in zip(left, right, strict=True))
    if sign in ("=", "!="):
        turned = tuple(-value for value in difference)
        return f"0 {sign} {min(written(difference), written(turned))}"
    return f"0 {sign} {written(difference)}"


def written(values: Values) -> str:
    """Values as text: a single one if they are all equal; exact if they are rational."""
    texts = [_text(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else f"<{' '.join(texts)}>"


def _text(value: Number) -> str:
    if isinstance(value, Fraction):
        return str(value)
    if not cmath.isfinite(value):
        raise Unreadable
    real, imaginary = (f"{part:.10g}" for part in (value.real, value.imag))
    if abs(value.imag) > 1e-11 * max(1.0, abs(value.real)):
        return f"{'0' if abs(value.real) <= 1e-11 * abs(value.imag) else real}+{imaginary}i"
    # A root of a square is the number itself: √4 is 2.
    nearest = Fraction(value.real).limit_denominator(1000) if abs(value.real) < 1e6 else Fraction(0)
    close = abs(float(nearest) - value.real) <= 1e-12 * max(1.0, abs(value.real))
    return str(nearest) if close else real
