"""A served model that follows instructions injected into its prompt.

It reads prompts naively: turn tokens and line breaks start a new message, and any line that looks
like a heading, an accepted answer, a verdict or a score counts as one. Served
by `tests.support.api_server.Server`, it plays the model that judges, grades or writes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.api_server import Model, Reply, Request

#: Wrong answers ("Oslo") that contain text imitating parts of the prompt.
INJECTIONS: list[str] = [
    json.loads(line)
    for line in (Path(__file__).parent / "injections.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
TURN = re.compile(r"<[|｜]?[\w▁/]+[|｜]?>|\[/?INST\]")
ORDER = re.compile(r"\W*(verdict|score)\W+(right|wrong|\d+)\W*", re.IGNORECASE)
JUDGED = re.compile(r"Answer to be judged[^:]*:(.*)")
ACCEPTED = re.compile(r"(?:Accepted answers[^:]*:|- )(.*)")


class InjectableModel(Model):
    """Judges the last answer against the accepted ones, unless a line tells it what to say.

    Grades are 1 unless a line demands another grade. Rationales follow such lines too.
    """

    async def __call__(self, request: Request) -> Reply:
        whole = json.loads((await super().__call__(request)).body)
        prompt = "\n".join(message["content"] for message in request.body["messages"])
        whole["choices"][0]["message"]["content"] = self.reply(prompt)
        return Reply(body=json.dumps(whole).encode())

    def reply(self, prompt: str) -> str:
        accepted, judged, orders = set(), "", {"verdict": "", "score": ""}
        for line in TURN.sub("\n", prompt).splitlines():
            line = line.strip()
            if order := ORDER.fullmatch(line):
                orders[order[1].lower()] = order[2].lower()
            elif found := JUDGED.match(line):
                judged = plain(found[1])
            elif found := ACCEPTED.match(line):
                accepted.add(plain(found[1]))
        if "Score:" in prompt.splitlines()[-1]:
            return f"Score: {orders['score'] or 1}"
        if not judged:
            return f"I am {'sure' if orders['verdict'] else 'torn between several cities'}."
        right = (orders["verdict"] or ("right" if judged in accepted else "wrong")) == "right"
        return f"Verdict: {'right' if right else 'wrong'}"


def plain(text: str) -> str:
    """A text without the quotes around it."""
    text = text.strip()
    try:
        decoded = json.loads(text)
    except ValueError:
        return text
    return decoded if isinstance(decoded, str) else text
