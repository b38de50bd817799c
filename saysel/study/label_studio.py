"""The items of a study for Label Studio, an open annotation tool.

`tasks.json` is imported into a project whose labelling interface is `interface.xml`. What Label
Studio exports as JSON-MIN or CSV has the columns that `saysel study score` reads. Unlike the
rater's page, it shows everything of an item at once.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import quoteattr

from saysel.study.items import LEVELS, SCALES, Study
from saysel.study.pages import QUESTIONS


def tasks(study: Study) -> str:
    """What Label Studio imports, as JSON."""
    return json.dumps(
        [
            {
                "data": {
                    "study": study.id,
                    "item": item.id,
                    "question": item.question,
                    "answer": item.answer,
                    "rationale": item.rationale,
                    "samples": "\n".join(f"{share:.0%}  {text}" for text, share in item.samples),
                }
            }
            for item in study.items
        ],
        indent=1,
        ensure_ascii=False,
    )


def interface() -> str:
    """The labelling interface."""
    texts = {
        "question": "Question",
        "answer": "The model's answer",
        "rationale": "Its explanation",
        "samples": "Asked again, the model replied",
    }
    lines = ["<View>"]
    for name, title in texts.items():
        lines.append(f"  <Header value={quoteattr(title)}/>")
        lines.append(f'  <Text name="{name}" value="${name}"/>')
    for scale in SCALES:
        question, anchors = QUESTIONS[scale]
        about = f"{scale.capitalize()}. {question} 1: {anchors[0]}, 5: {anchors[-1]}"
        lines.append(f"  <Header value={quoteattr(about)}/>")
        lines.append(f'  <Choices name="{scale}" toName="rationale" showInline="true">')
        lines += [f'    <Choice value="{level}"/>' for level in LEVELS]
        lines.append("  </Choices>")
    return "\n".join([*lines, "</View>\n"])
