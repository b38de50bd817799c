from __future__ import annotations

from types import SimpleNamespace

from IPython.core.displaypub import CapturingDisplayPublisher

from saysel.display.bars import NotebookBar, PlainLines, notebook, start_bar


def test_a_notebook_gets_a_bar_of_which_a_line_remains() -> None:
    publisher = CapturingDisplayPublisher()

    bar = NotebookBar(SimpleNamespace(display_pub=publisher), "<sample>", 4, "questions")
    bar.update(3, 2.0)  # too soon after the first to be shown
    bar.stop(4, 3.0)

    first, last = publisher.outputs
    assert first["data"]["text/html"] == (
        '<progress value="0" max="4"></progress> &lt;sample&gt;: 0 of 4 questions'
    )
    assert last["data"] == {
        "text/plain": "<sample>: 4 of 4 questions in 3 s",
        "text/html": "&lt;sample&gt;: 4 of 4 questions in 3 s",
    }
    assert (first["update"], last["update"]) == (False, True)
    assert first["transient"] == last["transient"] != {}


def test_outside_of_notebooks_there_are_plain_lines() -> None:
    assert notebook() is None  # although IPython is imported
    assert isinstance(start_bar("sample", 1, "questions"), PlainLines)
