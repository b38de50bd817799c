"""The page, tables and figures of a matrix run."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saysel.faithfulness.measures import Measured
from saysel.recipes.matrix import axes, combinations
from saysel.records import Prediction, Score
from saysel.report import Grid, Rationales, Report, write
from saysel.report.alarms import with_alarms
from saysel.report.content import Row
from saysel.report.figures.settings import main_axis, panels, settings_figures
from saysel.report.matrix_page import matrix_page
from saysel.report.settings import Settings, settings_of, settings_record
from saysel.report.settings_tables import caption, settings_table
from saysel.report.text_tables import latex, markdown
from tests.report.conftest import Browser, MakeReport

MATRIX = {"train.0.reward": ["linear", "log"], "sample.n": [5, 20, 100], "seed": [0, 1, 2]}


def matrix_report(make: MakeReport, matrix: dict[str, Any], **grid: Any) -> Report:
    """With the reward `log`, confidences separate correct answers from wrong ones."""
    made = list(combinations(matrix))
    rows, seeds = [], len(matrix.get("seed", [0]))
    for number, one in enumerate(made):
        rows.append(make.row("ideal", "ideal", cell=one.label))
        rows.append(make.row("base", "verbalized", cell=one.label, confident=True))
        trained = make.row("ppo", "verbalized", cell=one.label, confident="log" not in one.label)
        rows.append(replace(trained, predictions=_of_seed(trained.predictions, number % seeds)))
        rows.append(make.row("ppo", "self_consistency", cell=one.label))
    return make(
        rows=tuple(with_alarms(rows)),
        questions={},
        recipe={"seed": 0, "matrix": matrix},
        grid=Grid(tuple(axes(matrix)), {one.label: one.choices for one in made}, **grid),
    )


def _of_seed(predictions: tuple[Prediction, ...], seed: int) -> tuple[Prediction, ...]:
    """Cells of one seed have the same questions."""
    return tuple(replace(one, question_id=f"{seed}/{one.question_id}") for one in predictions)


@pytest.fixture(scope="module")
def report(make_report: MakeReport) -> Report:
    return matrix_report(make_report, MATRIX)


@pytest.fixture(scope="module")
def settings(report: Report) -> Settings:
    assert report.grid is not None
    made = settings_of(report, report.grid)
    assert made is not None
    return made


def test_a_setting_pools_the_seeds_of_its_last_model_in_the_first_way(settings: Settings) -> None:
    assert [line.name for line in settings.lines] == [
        f"reward={reward},n={n}" for reward in ("linear", "log") for n in (5, 20, 100)
    ]
    assert (settings.seeds, settings.reference) == (("0", "1", "2"), "reward=linear,n=5")
    assert {(line.model, line.estimator) for line in settings.lines} == {("ppo", "verbalized")}
    first, last = settings.lines[0], settings.lines[-1]
    assert first.differences == {} and set(last.differences) == set(settings.metrics)
    assert last.scores["brier"].mean < first.scores["brier"].mean
    assert last.differences["brier"].outcome == "better"
    assert settings.lines[1].differences["brier"].outcome == "unclear"
    assert set(settings.ideal) == set(settings.metrics)


def test_the_reference_may_be_another_setting(make_report: MakeReport) -> None:
    report = matrix_report(make_report, {"reward": {"linear": {"a": 1}, "log": {"a": 2}}},
                           reference="reward=log")  # fmt: skip
    assert report.grid is not None
    made = settings_of(report, report.grid)
    assert made is not None and made.seeds == ("",)
    assert [bool(line.differences) for line in made.lines] == [True, False]
    assert made.lines[0].differences["brier"].outcome == "worse"


def test_a_numeric_axis_is_drawn_as_a_line_and_the_others_are_panels(settings: Settings) -> None:
    axis = main_axis(settings)
    assert axis is not None and axis.name == "n"
    assert [panel.name for panel in panels(settings, axis)] == ["reward=linear", "reward=log"]
    drawn = settings_figures(settings)
    assert set(drawn) == set(settings.metrics)
    for _, figure in drawn["brier"]:
        assert figure.body.count('class="curve"') == 1
        assert figure.body.count('class="seed"') == 3 * 3 and figure.body.count('class="dot"') == 3
    first, second = (figure.body for _, figure in drawn["brier"])
    ticks = [re.findall(r'text-anchor="end">([\d.]+)<', body) for body in (first, second)]
    assert ticks[0] == ticks[1]
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"[^>]*class="dot"', first)]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], rel=0.2)  # logarithmic


def whiskers(report: Report) -> list[float]:
    """Lengths of the whiskers in the reliability diagram of the only setting."""
    assert report.grid is not None
    settings = settings_of(report, report.grid)
    assert settings is not None
    page = matrix_page(report, report.grid, settings, settings_record(settings), {})
    diagram = page[page.index("Reliability of") :].split("</svg>")[0]
    ends = re.findall(r'<line[^>]* y1="([\d.]+)"[^>]* y2="([\d.]+)"[^>]*whisker', diagram)
    return [abs(float(low) - float(high)) for low, high in ends]


def with_rows(report: Report, change: Callable[[Row], Row]) -> Report:
    return replace(report, rows=tuple(map(change, report.rows)))


def test_the_diagram_of_all_seeds_knows_the_clusters_of_each(make_report: MakeReport) -> None:
    """The split of a source may depend on the seed, so that seeds have different questions."""

    def grouped(row: Row) -> Row:
        ids = [one.question_id for one in row.predictions]
        return replace(
            row, clusters={id: f"relation {number % 3}" for number, id in enumerate(ids)}
        )

    report = matrix_report(make_report, {"seed": [0, 1, 2]})

    apart, together = whiskers(report), whiskers(with_rows(report, grouped))

    assert together[0] > apart[0]


def test_replies_to_one_question_on_several_seeds_are_not_independent(
    make_report: MakeReport,
) -> None:
    def shared(row: Row) -> Row:
        ids = (one.question_id.split("/")[-1] for one in row.predictions)
        both = zip(row.predictions, ids, strict=True)
        return replace(row, predictions=tuple(replace(one, question_id=id) for one, id in both))

    report = matrix_report(make_report, {"seed": [0, 1, 2]})

    apart, together = whiskers(report), whiskers(with_rows(report, shared))

    assert together[0] > apart[0]


def test_an_axis_of_names_is_drawn_as_rows(make_report: MakeReport) -> None:
    report = matrix_report(make_report, {"train.0.reward": ["linear", "log"], "seed": [0, 1]})
    assert report.grid is not None
    made = settings_of(report, report.grid)
    assert made is not None
    ((name, figure),) = settings_figures(made)["brier"]
    assert name == "" and 'class="curve"' not in figure.body
    assert ">linear</text>" in figure.body and ">log</text>" in figure.body


@pytest.fixture(scope="module")
def written(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    write(report, directory)
    return directory


def test_a_report_without_a_matrix_removes_the_settings_of_an_earlier_one(
    report: Report, make_report: MakeReport, tmp_path: Path
) -> None:
    write(report, tmp_path)
    assert list(tmp_path.glob("settings.*"))

    write(make_report(), tmp_path)

    assert not list(tmp_path.glob("settings.*"))
    assert not list((tmp_path / "figures").glob("brier*"))


def test_files(written: Path) -> None:
    files = {path.relative_to(written).as_posix() for path in written.rglob("*.*")}
    assert files >= {"index.html", "settings.csv", "settings.md", "settings.tex", "scores.csv"}
    assert "figures/brier-reward=log.svg" in files
    assert len(list((written / "figures").iterdir())) == 2 * 4
    with (written / "settings.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6 * 4
    last = next(line for line in lines[-4:] if line["metric"] == "brier")
    assert (last["reward"], last["n"], last["seeds"], last["outcome"]) == (
        "log",
        "100",
        "3",
        "better",
    )
    stored = json.loads((written / "metrics.json").read_text())["settings"]
    numbers = stored["settings"][-1]["metrics"]["brier"]
    assert float(last["mean"]) == numbers["mean"]
    assert float(last["difference"]) == numbers["difference"]["value"]
    assert len(stored["settings"]) == 6 and stored["seeds"] == ["0", "1", "2"]


def test_the_page_opens_with_the_settings_and_ends_with_the_alarms(written: Path) -> None:
    page = (written / "index.html").read_text()
    assert re.findall(r'<section id="(\w+)"', page) == [
        *("settings", "scores", "calibration", "cells", "cost", "recipe", "alarms")
    ]
    assert page.count('<tr class="reference">') == 1
    assert "all stated confidences are the same" in page
    assert page.count("all stated confidences are the same") == 1  # for nine cells
    assert len(page) < 200_000


def test_rationales_of_an_earlier_model_are_shown_if_the_last_one_was_not_measured(
    make_report: MakeReport, tmp_path: Path
) -> None:
    def shown(*models: str) -> list[tuple[str, list[str]]]:
        rationales = tuple(
            Rationales(cell, model, "heldout", 60, 60, 20, 0, 0, (measured(seed / 10),))
            for cell in report.grid.cells
            for model in models
            for seed in [int(cell[-1])]
        )
        write(replace(report, rationales=rationales), tmp_path)
        page = (tmp_path / "index.html").read_text()
        section = page.partition('id="rationales"')[2].partition("</section>")[0]
        rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', section)
        return [(name, re.findall(r">([^<>]+)<", values)) for name, values in rows]

    def measured(value: float) -> Measured:
        return Measured(Score("mention_recall", value, value, value), 60)

    report = matrix_report(make_report, {"sample.n": [5, 20], "seed": [0, 1]})
    values = ["0.050", "0.000 – 0.100"]
    assert shown("base", "sft") == [("n=5 · sft", values), ("n=20 · sft", values)]
    assert shown("sft", "ppo") == [("n=5", values), ("n=20", values)]
    assert shown() == []


def test_leaks_are_counted_over_all_sources(make_report: MakeReport, tmp_path: Path) -> None:
    leaks = [{"leaks": "drop", "found": found, "questions": 1000} for found in (0, 3, 0)]
    report = matrix_report(make_report, {"sample.n": [5, 20], "seed, source.seed": [0, 1]})
    for listed, text in ((leaks, "3 of 3\u202f000 questions dropped"),
                         (leaks[:1] * 2, "none in 2\u202f000 questions")):  # fmt: skip
        write(replace(report, manifest={**report.manifest, "leaks": listed}), tmp_path)
        page = (tmp_path / "index.html").read_text()
        assert re.findall(r"<dt>leaks</dt><dd>(.*?)</dd>", page) == [text]


def test_a_run_of_seeds_alone_has_one_setting(make_report: MakeReport, tmp_path: Path) -> None:
    write(matrix_report(make_report, {"seed": [0, 1]}), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "All seeds" in page and "1 settings" not in page
    assert (tmp_path / "settings.md").read_text().startswith("| setting | ECE")


def test_the_table_is_short(settings: Settings) -> None:
    record = settings_record(settings)
    header, lines, names = settings_table(record)
    assert header == ["reward", "n", "ECE ↓", "AUROC ↑", "Brier ↓", "Accuracy ↑"] and names == 2
    assert lines[0][:2] == ["linear", "5 (reference)"]
    assert re.fullmatch(r"0\.\d{3} \(0\.\d{3}–0\.\d{3}\) ✓ −0\.\d{3}", lines[-1][4])
    assert caption(record).startswith("6 settings, means over 3 seeds")


def test_text_that_markdown_or_latex_would_read_as_markup() -> None:
    header, rows = ["a|b", "50 %"], [["x_1 & <y>", "−0.1 (−0.2–0.3) ✓"]]
    assert markdown(header, rows) == (
        "| a\\|b | 50 % |\n| --- | ---: |\n| x\\_1 & \\<y> | −0.1 (−0.2–0.3) ✓ |\n"
    )
    assert latex(header, rows) == (
        "\\begin{tabular}{lr}\n\\toprule\na|b & 50 \\% \\\\\n\\midrule\n"
        "x\\_1 \\& <y> & $-$0.1 ($-$0.2--0.3) \\checkmark{} \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


@pytest.mark.slow
def test_the_page_fits_a_phone(written: Path, browser: Browser) -> None:
    for width in (390, 1280):
        browser.size(width, 800)
        browser.open(written / "index.html")
        assert browser.trouble == [] and len(browser.requests) == 1
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.run("document.documentElement.scrollHeight") < 9000


def test_cells_without_a_row_are_left_out(report: Report) -> None:
    some = [row for row in report.rows if "n=100" not in row.cell]
    assert report.grid is not None
    made = settings_of(replace(report, rows=tuple(some)), report.grid)
    assert made is not None and len(made.lines) == 4
    assert settings_of(replace(report, rows=()), report.grid) is None
