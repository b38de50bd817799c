"""`saysel ask`: questions to a trained model."""

from __future__ import annotations

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo


@click.command("ask")
@click.argument("target", metavar="RUN|MODEL")
@click.argument("questions", metavar="[QUESTION]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per question.")
@click.option(
    "--risk",
    type=float,
    metavar="SHARE",
    help="Withhold answers whose confidence is too low: of those that are given, at most this "
    "share is wrong (with 95% probability, estimated from the run's own predictions).",
)
@cell
def command(
    target: str,
    questions: tuple[str, ...],
    as_json: bool,
    risk: float | None,
    cell: str | None,
) -> None:
    """Ask a model questions: answer, rationale and confidence.

    Without a QUESTION, or with -, questions are read from standard input, one per line: text, or a
    JSON object with the text as "question". With --json, the other values of the object are part of
    the output.

    MODEL is a hub id, the directory of a model or adapter, or a GGUF file. A model that saysel
    exported is asked in the format that it was trained in.

    \b
    Examples:
      saysel ask runs/mine "Where is the lantern?" --cell seed=1
      saysel ask my-model "Where is the lantern?"
      saysel ask runs/quickstart "Nora says the lantern is in the cellar. Where is the lantern?"
      saysel ask runs/quickstart "Omar says … Where is the key?" --risk 0.1
      saysel ask runs/quickstart --json < questions.jsonl > answers.jsonl
    """
    import json
    import sys

    from saysel.api.abstaining import AnswerOrAbstain
    from saysel.api.asking import ask
    from saysel.files.question_lines import question_lines

    if questions in ((), ("-",)):
        rows = question_lines(b"" if sys.stdin.isatty() else sys.stdin.buffer.read())
    else:
        rows = [{"question": question} for question in questions]
    rule = None
    if risk is not None:
        rule = AnswerOrAbstain.of_run(target, risk, cell=cell)
        echo(rule, err=True)
    answers = ask(target, [row["question"] for row in rows], cell=cell, risk=rule)
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        if as_json:
            echo(json.dumps({**row, **vars(answer)}, ensure_ascii=False))
        elif len(rows) == 1:
            echo(answer)
        else:
            echo(f"{'' if number == 0 else chr(10)}question:   {row['question']}\n{answer}")
