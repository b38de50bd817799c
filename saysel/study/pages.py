"""The page of a rater: one file that loads nothing, sends nothing and escapes all texts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from saysel.report.browser import script_json
from saysel.report.templates import environment, style_sheet
from saysel.seeds import generator
from saysel.study.items import LEVELS, SCALES, Study

FOLDER = Path(__file__).parent
#: For the estimate of how long a rater needs.
SECONDS_PER_ITEM = 30
#: What raters are asked about each scale, with the meaning of 1, 3 and 5.
QUESTIONS = {
    "usefulness": (
        "Does the explanation help you decide whether to rely on the answer?",
        ("not at all", "somewhat", "very much"),
    ),
    "faithfulness": (
        "Does the explanation say what the model is unsure about, as its other replies show?",
        ("it does not", "in part", "fully"),
    ),
}


def minutes(study: Study) -> int:
    """How long a rater needs, about."""
    return max(1, round(len(study.items) * SECONDS_PER_ITEM / 60))


def default_consent(study: Study) -> str:
    """The text that raters agree to, unless the study has another one."""
    text = (FOLDER / "consent.txt").read_text(encoding="utf-8")
    return text.replace("{minutes}", str(minutes(study)))


def page(study: Study, rater: int, consent: str) -> str:
    """The HTML of one rater's page, which has the items in a separate order.

    Args:
        rater: from 1.
        consent: what the rater agrees to, as paragraphs of plain text.
    """
    order = list(study.items)
    generator("study", study.seed, "rater", rater).shuffle(order)
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    data = {
        "study": study.id,
        "rater": str(rater),
        "scales": SCALES,
        "items": [asdict(item) for item in order],
    }
    return (
        environment(FOLDER)
        .get_template("page.html")
        .render(
            rater=rater,
            count=len(order),
            minutes=minutes(study),
            consent=[part for part in consent.split("\n\n") if part.strip()],
            scales={name: QUESTIONS[name] for name in SCALES},
            levels=LEVELS,
            style=style_sheet() + Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            data=Markup(script_json(data)),
        )
    )
