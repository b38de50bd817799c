"""What a million tokens cost: the packaged list, and a file of the user's before it."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import yaml

from saysel.errors import DataError

#: The date that ends the name of a model's version: `-2024-08-06`, `-20250514`.
DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


class Price(NamedTuple):
    """US dollars per million tokens read and written."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


def price(model: str, file: str | None = None) -> Price | None:
    """What a model's tokens cost; `None` where nobody has said.

    Args:
        model: the server's name for it, with a date or without.
        file: YAML with lines `model: [input, output]`, looked at before the packaged list.

    Raises:
        DataError: the file cannot be read, or is not such a list.
    """
    for listed in (_read(Path(file)) if file else {}, packaged()):
        for name in (model, DATE.sub("", model)):
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
    found = {}
    for name, pair in content.items():
        whole = isinstance(pair, list) and len(pair) == 2
        if not whole or not all(_is_price(number) for number in pair):
            raise DataError(f"prices: {path}: {rule}; '{name}' has {pair!r:.40}")
        found[str(name)] = Price(float(pair[0]), float(pair[1]))
    return found


def _is_price(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and value >= 0
