from __future__ import annotations

import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from saysel import errors
from saysel.errors import MissingExtra, UsageError
from saysel.report import write
from saysel.report.figures.export import export_figures
from saysel.report.figures.reliability import reliability_diagram
from saysel.report.figures.risk_coverage import risk_coverage_curves
from saysel.report.figures.svg import Figure, line, text


@pytest.fixture
def folder(tmp_path: Path, make_report) -> Path:
    """A line in the corner, and figures with every kind of element."""
    row = make_report.row("ppo", "verbalized")
    drawn = {
        "corner": Figure("", 96, 48, line(0, 24, 48, 24, "curve") + text(1, 2, "$x_1^2$ & <b>")),
        "reliability": reliability_diagram(row, "m1"),
        "risk": risk_coverage_curves([row], {"ppo": "m1"}),
    }
    for name, figure in drawn.items():
        body = f'<g class="m1">{figure.body}</g>' if name == "corner" else figure.body
        file = tmp_path / f"{name}.svg"
        file.write_text(Figure(figure.label, figure.width, figure.height, body).standalone())
    return tmp_path


def test_every_figure_is_written_in_the_formats(folder: Path) -> None:
    files = export_figures(folder, ["pdf", "png"])
    assert [file.name for file in files] == [
        f"{name}.{format}"
        for name in ("corner", "reliability", "risk")
        for format in ("pdf", "png")
    ]
    before = [file.read_bytes() for file in files]
    assert all(content[:4] == b"%PDF" for content in before[::2])
    assert [file.read_bytes() for file in export_figures(folder, ["pdf", "png"])] == before


def test_shapes_have_their_place_and_colour(folder: Path) -> None:
    from matplotlib.image import imread

    export_figures(folder, ["png"])
    width, height = struct.unpack(">II", (folder / "corner.png").read_bytes()[16:24])
    assert (width, height) == (288, 144)  # an inch for 96 units
    pixels = imread(folder / "corner.png")
    blue, paper = (0x2B / 255, 0x68 / 255, 0xB8 / 255), (1, 1, 1)
    assert tuple(pixels[72, 100][:3]) == pytest.approx(blue, abs=0.02)
    assert tuple(pixels[72, 200][:3]) == pytest.approx(paper, abs=0.02)
    assert (pixels[:12, :60, :3] < 0.6).any()  # the text


def test_unknown_formats_and_the_missing_package_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="figures: 'gif' is unknown: the formats are pdf, png"):
        export_figures(folder, ["gif"])
    assert export_figures(folder, []) == []

    def find(name: str) -> object:
        return None if name == "matplotlib" else find_spec(name)

    monkeypatch.setattr(errors, "find_spec", find)
    with pytest.raises(MissingExtra, match=r'pip install "saysel\[figures\]"'):
        export_figures(folder, ["png"])
    assert "matplotlib.pyplot" not in sys.modules


def test_a_redrawn_report_drops_them(tmp_path: Path, make_report) -> None:
    report = make_report(rows=(make_report.row("base", "verbalized", n=6),))
    write(report, tmp_path)
    files = export_figures(tmp_path / "figures", ["pdf"])
    assert files
    write(report, tmp_path)
    assert not any(file.exists() for file in files)
