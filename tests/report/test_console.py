from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from saysel.display.tables import folding_table
from saysel.records import Score
from saysel.report import Row
from saysel.report.console import compact, score_table, score_text
from saysel.report.data_files import metrics_json, scores_csv


def on_terminal(rows: list[Row], width: int) -> str:
    header, lines, names = score_table(rows)
    console = Console(width=width, file=io.StringIO())
    console.print(folding_table(header, lines, range(names)))
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (Score("ece", 0.3124, 0.29, 0.332), ".312 (.290–.332)"),
        (Score("accuracy", 1.0, 1.0, 1.0), "1.000 (1.000–1.000)"),
        (Score("gap", -0.25, -0.3, -0.2), "-.250 (-.300 to -.200)"),
        (Score("auroc", 0.5, None, None), ".500"),
        (Score("auroc", None, None, None), "–"),
        (Score("distinct_confidences", 11.0, None, None), "11"),
        (Score("distinct_confidences", 1.0, None, None), "1"),
        (Score("gap", -0.0001, -0.25, 0.25), ".000 (-.250 to .250)"),
        (Score("tokens", 71.2, 70.2, 72.2), "71.2 (70.2–72.2)"),
    ],
)
def test_a_score_in_few_characters(score, text):
    assert compact(score) == text


def test_the_table_fits_and_ends_with_the_ideal_observer(make_report):
    rows = make_report().rows
    lines = on_terminal(rows, 100).splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[0].split() == ["model", "estimator", "ece", "auroc", "brier", "accuracy"]
    assert lines[-1].startswith("ideal  the limit")
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["base", "verbalized"],
        ["base", "self_consistency"],
    ]


def test_plain_text_says_the_same_and_shows_cells_where_there_are_any(make_report):
    rows = [make_report.row("base", "verbalized", cell="seed=1")]
    head, line = score_text(rows).splitlines()
    assert head.split()[:3] == ["cell", "model", "estimator"]
    assert line.split()[:3] == ["seed=1", "base", "verbalized"]
    assert score_text([]).split() == ["model", "estimator"]


def test_markup_in_names_is_shown_not_obeyed(make_report):
    assert "[red]x[/red]" in on_terminal([make_report.row("[red]x[/red]", "e", n=5)], 120)


def test_seconds_are_a_column_where_anything_was_timed(make_report):
    rows = [
        replace(make_report.row("base", "verbalized", n=3), seconds=0.012345),
        replace(make_report.row("base", "self_consistency", n=3), seconds=123.4),
        make_report.row("ideal", "ideal", n=3),
    ]
    head, *lines = score_text(rows).splitlines()
    assert head.split()[-1] == "seconds"
    assert [line.split()[-1] for line in lines] == ["0.0123", "123", "–"]
    assert "seconds" not in score_text(rows[2:])
    # Two runs of one recipe agree on these.
    assert "seconds" not in metrics_json("r", rows) + scores_csv(rows)


def test_many_metrics_are_lines(make_report):
    scores = tuple(Score(f"m{k}", 0.5, 0.4, 0.6) for k in range(9))
    rows = [
        replace(make_report.row(model, "verbalized"), scores=scores) for model in ("base", "ideal")
    ]
    head, *lines = score_text(rows).splitlines()
    assert head.split() == ["metric", "base", "verbalized", "ideal", "the", "limit"]
    assert lines[0].split() == ["questions", "60", "60"]
    assert lines[1].split() == ["without", "confidence", "3", "3"]
    assert lines[2].split() == ["m0", *(".500", "(.400–.600)") * 2] and len(lines) == 11
    assert len(on_terminal(rows, 100).splitlines()) == 12
