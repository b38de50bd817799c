"""SVG as text: elements, scales, and figures for a page or a separate file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import floor, log10
from pathlib import Path

Scale = Callable[[float], float]


def element(tag: str, *children: str, **attributes: object) -> str:
    """`<tag …>children</tag>`; numbers to two decimals, `class_` for `class`, `_` for `-`.

    Attributes are escaped; children are SVG already (see `text`).
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>" if children else f"<{tag}{written}/>"


def _value(value: object) -> str:
    return (
        f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else _escape(str(value))
    )


def _escape(words: str) -> str:
    """As XML text or attribute, without the characters that XML does not allow."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", words))


def sideways(x: float, y: float, words: str) -> str:
    """Words that read upwards, for a vertical axis."""
    return element(
        "text", _escape(words), x=x, y=y, text_anchor="middle", transform=f"rotate(-90 {x:g} {y:g})"
    )


def text(x: float, y: float, words: str, anchor: str = "middle", class_: str | None = None) -> str:
    """Words at a position."""
    return element("text", _escape(words), x=x, y=y, text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def tip(words: str) -> str:
    """Text that appears when the pointer rests on the element around it."""
    return element("title", _escape(words))


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """Linear: `low` to `start`, `high` to `end`."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers that span an interval, including its ends."""
    raw = max(high - low, 1e-9) / count
    power = 10.0 ** floor(log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first, last = floor(low / step + 1e-9), -floor(-high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        label: a description for readers who cannot see it.
        width, height: of its coordinate system; it scales to the available width.
        body: its elements.
    """

    label: str
    width: float
    height: float
    body: str

    def inline(self) -> str:
        """For a page that includes `style_sheet`."""
        return self._svg(self.body)

    def standalone(self) -> str:
        """For a file, with style and background."""
        style = element("style", escape(style_sheet(), quote=False))
        back = element("rect", width="100%", height="100%", style="fill:var(--card)")
        return '<?xml version="1.0" encoding="utf-8"?>\n' + self._svg(style + back + self.body)

    def _svg(self, body: str) -> str:
        return element(
            "svg",
            body,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            class_="figure",
            role="img",
            aria_label=self.label,
        )


def is_figure(path: Path) -> bool:
    """Whether a file is a figure that `Figure.standalone` wrote."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return 'class="figure" role="img"' in file.read(300)


def style_sheet() -> str:
    """Colours and strokes of the figures."""
    return Path(__file__).with_name("figures.css").read_text(encoding="utf-8")
