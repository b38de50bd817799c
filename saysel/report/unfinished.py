"""The page of a run that is still going: it loads itself again until the report is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saysel.report import reply_counts
from saysel.report.console import headline_table
from saysel.report.content import Report
from saysel.report.figures import training_figures
from saysel.report.page import training_section
from saysel.report.run_facts import facts
from saysel.report.templates import style_sheet, template

#: Seconds after which a browser loads the page again.
REFRESH_SECONDS = 5


@dataclass(frozen=True)
class StepState:
    """A step of a run as the page shows it.

    Attributes:
        cell: of the matrix; empty without a matrix, and for steps that read all cells.
        name: the step's name.
        state: `to do`, `running`, `done`, `failed` or `interrupted`.
        share: of its work that is done, in [0, 1].
        time: how long it took, or has been taking; may be empty.
        details: how far it is, or why it failed; may be empty.
    """

    cell: str
    name: str
    state: str
    share: float
    time: str
    details: str


def page(
    report: Report,
    steps: Sequence[StepState],
    summary: str,
    ended: str,
) -> str:
    """The page's HTML.

    Args:
        report: what is known so far; the stages of its manifest include the running one.
        steps: all steps, in order.
        summary: how far the run is, in a sentence or two.
        ended: how the run ended, see `saysel.runs.follow.RunState`; empty if it continues.
            After `run_finished` the page leads to the report, which is next to it.
    """
    finished = ended == "run_finished"
    header, lines, names = headline_table(report.rows)
    return template("unfinished.html").render(
        title=report.title,
        facts=facts(report),
        summary=summary,
        steps=steps,
        header=header,
        lines=lines,
        names=names,
        training=training_section(report.training, training_figures(report.training)),
        replies=reply_counts.section(report),
        finished=finished,
        refresh="0; url=index.html" if finished else "" if ended else str(REFRESH_SECONDS),
        style=style_sheet(),
    )
