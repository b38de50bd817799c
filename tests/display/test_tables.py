from __future__ import annotations

import io

from rich.console import Console

from saysel.display.tables import aligned, annotated, folding_table, html_table, print_table

ROWS = [("name", "value"), ("a", "1.5"), ("longer", "10")]


def test_columns_are_aligned():
    assert aligned(ROWS) == ["name    value", "a         1.5", "longer     10"]
    assert aligned(ROWS, left=(0, 1)) == ["name    value", "a       1.5", "longer  10"]
    assert aligned([]) == []


def test_a_note_is_next_to_its_row_or_below_it():
    notes = ["", "a note of several words", ""]
    beside = annotated(ROWS, notes, columns=60)
    assert beside == ["name    value", "a         1.5  a note of several words", "longer     10"]
    below = annotated(ROWS, notes, columns=20)
    assert below[1:4] == ["a         1.5", "  a note of several", "  words"]


def test_values_go_below_a_row_that_is_too_wide():
    assert annotated(ROWS, ["", "note", ""], columns=10) == [
        *("name", "  value", "a", "  1.5", "  note", "longer", "  10")
    ]


def test_a_table_in_a_pipe_is_aligned_text(capsys):
    print_table(("name", "value"), [("a", "x\x1b[2J"), ("b", "[red]y[/red]")])
    assert capsys.readouterr().out == "name  value\na     x\\x1b[2J\nb     [red]y[/red]\n"


def test_a_table_on_a_terminal_folds_and_shows_markup_as_text():
    console = Console(width=20, file=io.StringIO())
    console.print(folding_table(("name", "value"), [("a", "[red]" + "y" * 30)], left=(0, 1)))
    lines = console.file.getvalue().splitlines()
    assert len(lines) > 2 and max(map(len, lines)) <= 20
    assert "[red]" in lines[1]


def test_html_is_escaped():
    html = html_table(("<a>", "b"), [("<i>", "&")], titles=['"'], caption="<c>")
    for text in ("<a>", "<i>", "<c>", '"""'):
        assert text not in html
    assert html.count("<tr>") == 2 and 'title="&quot;"' in html
