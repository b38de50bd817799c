"""Prices of a million tokens: the packaged list, and a file of the user's that precedes it."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import yaml

from saysel.errors import DataError

#: The date at the end of the name of a model's version: `-2024-08-06`, `-20250514`.
VERSION_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


class Price(NamedTuple):
    """US dollars per million input and output tokens."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


def price(model: str, file: str | None = None) -> Price | None:
    """The price of a model's tokens; `None` if it is not known.

    Args:
        model: the server's name for it, with or without a version date.
        file: YAML with lines `model: [input, output]`, which precedes the packaged list.

    Raises:
        DataError: the file cannot be read, or is not such a list.
    """
    for listed in (_read(Path(file)) if file else {}, packaged()):
        for name in (model, VERSION_DATE.sub("", model)):
            if name in listed:
                return listed[name]
    return None


@lru_cache
def packaged() -> dict[str, Price]:
    """The prices that come with saysel."""
    return _read(Path(str(files("saysel.costs"))) / "prices.yaml")


def _read(path: Path) -> dict[str, Price]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise DataError(f"prices: {path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"prices: {path}: is not YAML: {' '.join(str(error).split())}") from error
    rule = "every line must be `model: [dollars per million input tokens, output tokens]`"
    if not isinstance(content, dict):
        raise DataError(f"prices: {path}: {rule}")
    prices = {}
    for model, pair in content.items():
        is_pair = isinstance(pair, list) and len(pair) == 2
        if not is_pair or not all(_is_price(number) for number in pair):
            raise DataError(f"prices: {path}: {rule} (got {pair!r:.40} for '{model}')")
        prices[str(model)] = Price(float(pair[0]), float(pair[1]))
    return prices


def _is_price(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and value >= 0
