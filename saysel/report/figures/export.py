"""Figures as PNG and PDF: draws the elements of an SVG figure with matplotlib.

It knows what `saysel.report.figures.svg` writes (lines, rectangles, circles, paths of straight
lines, text, groups), and takes colours and strokes from the figures' style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from saysel.errors import UsageError, require
from saysel.report.figures.svg import style_sheet
from saysel.storage import write_atomically

FORMATS = ("pdf", "png")
#: Inches and points of one unit of a figure's coordinates, a CSS pixel.
INCH, POINT = 1 / 96, 0.75
#: Dots per inch of a PNG.
RESOLUTION = 288
ANCHORS = {"start": "left", "middle": "center", "end": "right"}

Style = dict[str, str]


def export_figures(directory: Path, formats: Sequence[str]) -> list[Path]:
    """Write every SVG figure of a directory in other formats, next to it.

    Args:
        formats: some of `FORMATS`.

    Returns:
        The files.

    Raises:
        UsageError: a format is unknown.
        MissingExtra: matplotlib is not installed.
    """
    for unknown in set(formats) - set(FORMATS):
        raise UsageError(f"figures: '{unknown}' is unknown: the formats are {', '.join(FORMATS)}")
    if formats:
        require("figures as PNG or PDF", "figures", "matplotlib")
    written = []
    for source in sorted(directory.glob("*.svg")):
        for format in formats:
            target = source.with_suffix(f".{format}")
            _write(source.read_text(encoding="utf-8"), target, format)
            written.append(target)
    return written


def _write(svg: str, path: Path, format: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    colours, rules = _colours(), _rules()
    figure = Figure(figsize=(width * INCH, height * INCH), facecolor=colours["card"])
    (FigureCanvasPdf if format == "pdf" else FigureCanvasAgg)(figure)
    axes = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    for element, style in _styled(root, {}, rules, colours):
        _draw(axes, element, style)
    # Without a date, the same figure gives the same file.
    metadata = {"CreationDate": None} if format == "pdf" else None
    write_atomically(
        path,
        lambda file: figure.savefig(file, format=format, dpi=RESOLUTION, metadata=metadata),
    )


def _colours() -> dict[str, str]:
    """The variables of the light theme, which the style sheet has first."""
    root = style_sheet().partition("}")[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]+)", root))


def _rules() -> dict[str, Style]:
    """What the style sheet says about classes, and about `text`."""
    rules: dict[str, Style] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", style_sheet()):
        declared = dict(re.findall(r"([\w-]+):\s*([^;]+)", body))
        for selector in re.findall(r"(?:^|\s)\.?([\w-]+)\s*$", selectors.strip()):
            rules.setdefault(selector, {}).update(declared)
    return rules


def _styled(
    element: ElementTree.Element,
    inherited: Style,
    rules: Mapping[str, Style],
    colours: Mapping[str, str],
) -> Iterator[tuple[ElementTree.Element, Style]]:
    """The element and all below it, each with its style; colours are resolved."""
    tag = element.tag.rpartition("}")[2]
    own = {**rules["text"], **inherited} if tag == "text" else dict(inherited)
    for name in element.get("class", "").split():
        own.update(rules.get(name, {}))
    own.update({key: value for key, value in element.attrib.items() if "-" in key})
    yield element, {key: _resolved(value, own, colours) for key, value in own.items()}
    for child in element:
        passed = {key: value for key, value in own.items() if key == "--c"}
        yield from _styled(child, passed, rules, colours)


def _resolved(value: str, style: Style, colours: Mapping[str, str]) -> str:
    variable = re.fullmatch(r"var\(--([\w-]+)\)", value.strip())
    if variable is None:
        return value
    if variable[1] == "c":
        return _resolved(style.get("--c", "var(--muted)"), {}, colours)
    return colours[variable[1]]


def _draw(axes: Any, element: ElementTree.Element, style: Style) -> None:
    tag = element.tag.rpartition("}")[2]
    if tag == "text":
        _text(axes, element, style)
    elif (patch := _patch(tag, element)) is not None:
        patch.set(**_strokes(style))
        axes.add_patch(patch)


def _patch(tag: str, element: ElementTree.Element) -> Any:
    """The shape of an element; `None` for what has none."""
    from matplotlib.patches import Circle, PathPatch, Rectangle
    from matplotlib.path import Path as Line

    if tag == "path":
        return PathPatch(Line(_points(element.attrib["d"])))
    if tag == "rect" and "x" in element.attrib:
        x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
        return Rectangle((x, y), width, height)
    if tag == "circle":
        cx, cy, r = (float(element.attrib[key]) for key in ("cx", "cy", "r"))
        return Circle((cx, cy), r)
    if tag == "line":
        x1, y1, x2, y2 = (float(element.attrib[key]) for key in ("x1", "y1", "x2", "y2"))
        return PathPatch(Line([(x1, y1), (x2, y2)]))
    return None


def _points(path: str) -> list[tuple[float, float]]:
    """The corners of a path such as `M1 2L3 4` or `M1 2h26`."""
    points: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLh])([^MLh]*)", path):
        values = [float(number) for number in numbers.split()]
        if command == "h":
            points.append((points[-1][0] + values[0], points[-1][1]))
        else:
            points.append((values[0], values[1]))
    return points


def _strokes(style: Style) -> dict[str, Any]:
    from matplotlib.colors import to_rgba

    opacity = float(style.get("opacity", 1))
    fill, stroke = style.get("fill", "none"), style.get("stroke", "none")
    dashes = style.get("stroke-dasharray", "none")
    width = float(style.get("stroke-width", 1)) * POINT
    return {
        "facecolor": to_rgba(fill, opacity * float(style.get("fill-opacity", 1))),
        "edgecolor": to_rgba(stroke, opacity) if stroke != "none" else "none",
        "fill": fill != "none",
        "linewidth": width if stroke != "none" else 0,
        "linestyle": "-" if dashes == "none" else (0, _dashes(dashes, width)),
    }


def _dashes(pattern: str, width: float) -> list[float]:
    """A dash pattern in multiples of the line's width, as matplotlib counts."""
    return [float(length) * POINT / width for length in pattern.split()]


def _text(axes: Any, element: ElementTree.Element, style: Style) -> None:
    size = style.get("font-size") or style["font"]
    found = re.search(r"([\d.]+)px", size)
    axes.text(
        float(element.attrib["x"]),
        float(element.attrib["y"]),
        element.text or "",
        fontsize=float(found[1] if found else 11) * POINT,
        color=style["fill"],
        ha=ANCHORS[style.get("text-anchor", "start")],
        va="baseline",
        rotation=90 if "rotate(-90" in element.get("transform", "") else 0,
        rotation_mode="anchor",
        parse_math=False,
    )
