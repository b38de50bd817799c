from __future__ import annotations

import csv
import re
from dataclasses import replace

from saysel.report.comparison import comparison_csv, page, write
from saysel.report.figures.forest import forest
from tests.support.comparisons import ALL, BETTER, COUNT, EMPTY, WORSE


def test_the_csv_has_every_number(tmp_path):
    write(ALL, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        *("comparison.csv", "comparison.md", "comparison.tex", "index.html")
    }
    lines = (tmp_path / "comparison.md").read_text().splitlines()
    (line,) = [line for line in lines if "| new | brier |" in line]
    assert "✓ better" in line
    rows = list(csv.DictReader(comparison_csv(ALL).splitlines()))
    assert [(row["method"], row["metric"]) for row in rows][-1] == ("other", "auroc")
    assert rows[0]["p_holm"] == "0.002"
    assert rows[-1]["before"] == "" and rows[-1]["after"] == "0.5"


def test_missing_confidences_and_too_few_resamples_are_on_the_page():
    missing = replace(ALL, missing={"old": 0, "new": 7, "other": 0})
    assert "missing at worst" in page(missing) and "missing at worst" not in page(ALL)
    assert "at least 120 resamples, and there were 100" in page(replace(ALL, resamples=100))


def test_the_figure_turns_better_to_the_right():
    figure = forest("new", [BETTER, WORSE, COUNT])
    zero = float(re.search(r'<line x1="([\d.]+)"[^>]*class="ideal"', figure.body)[1])
    better, worse = (float(x) for x in re.findall(r'cx="([\d.]+)"', figure.body))
    assert worse < zero < better  # what has no direction is not drawn
    assert forest("other", [EMPTY]).body  # nothing to draw is no trouble


def test_the_page_names_every_method():
    html = page(ALL)
    assert html.count("<section") == 2 and "Compared with old" in html
    assert '<span class="change better">✓ better</span></td>' in html
