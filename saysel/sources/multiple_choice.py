"""Multiple choice: MMLU-Pro (arXiv 2406.01574), GPQA (arXiv 2311.12022), CommonsenseQA
(arXiv 1811.00937), and sets with the columns of one of them, such as MMLU and ARC.

The columns decide how a row is read:

- `options` or `choices`, a list, and `answer`, a letter or a number from 0: MMLU-Pro, MMLU
- `choices` with labels and texts, and `answerKey`: CommonsenseQA, on the hub and as published
  (`question` with `stem` and `choices`), ARC
- `Correct Answer` and `Incorrect Answer 1` to `3`: GPQA
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, NamedTuple

from pydantic import Field

from saysel.errors import DataError
from saysel.files.accepted_answers import written_in
from saysel.records import Question
from saysel.seeds import generator
from saysel.sources.choices import ChoiceSource
from saysel.sources.published import text_of

ALL = {"train": "test", "rl": "test", "dev": "test", "heldout": "test"}
INSTRUCTION = "Answer with the letter of the correct option."
CORRECT, INCORRECT = "Correct Answer", "Incorrect Answer"
IDS = ("question_id", "Record ID", "id")
META = ("category", "src", "High-level domain", "Subdomain", "question_concept", "subject")


class Options(NamedTuple):
    """The options of a question, and the position of the correct one."""

    texts: list[str]
    correct: int


class MultipleChoiceSource(ChoiceSource):
    """Multiple choice by the columns of MMLU-Pro, GPQA, CommonsenseQA, MMLU or ARC.

    The question lists its options as `A) …`, `B) …` and asks for a letter. The judge `match`
    accepts the letter, the option's text, or both. GPQA stores the correct answer first, so its
    options are always shuffled. Rows without a correct answer, as in the test split of
    CommonsenseQA, are left out.
    """

    repository: str = Field("TIGER-Lab/MMLU-Pro", min_length=1, description="hub id or directory")
    splits: dict[str, str] = Field(
        ALL, description="the published split that each saysel split is taken from"
    )
    shuffle: bool = Field(
        False, description="shuffle the options of each question by `seed`, in every set"
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        prompt, options = _read(row, where)
        if options is None:
            return None
        id = next((str(row[key]) for key in IDS if row.get(key) not in (None, "")), name)
        if self.shuffle or CORRECT in row:
            options = _shuffled(options, self.seed, prompt)
        listed = [
            f"{letter}) {text}"
            for letter, text in zip(ascii_uppercase, options.texts, strict=False)
        ]
        return Question(
            id=f"choice-{id}",
            prompt="\n".join([prompt, *listed, INSTRUCTION]),
            answers=(listed[options.correct],),
            wrong_answers=tuple(text for text in listed if text != listed[options.correct]),
            meta={key: row[key] for key in META if isinstance(row.get(key), str)},
        )


def _read(row: Mapping[str, Any], where: str) -> tuple[str, Options | None]:
    """The question of a row and its options; no options if it has no correct answer."""
    if CORRECT in row:
        wrong = [key for key in row if key.startswith(INCORRECT)]
        return text_of(row, ["Question"], where), _checked(
            [row[CORRECT], *(row[key] for key in wrong)], 0, where
        )
    asked = row.get("question")
    if isinstance(asked, Mapping):  # CommonsenseQA as published
        row = {**row, **asked, "question": asked.get("stem")}
    prompt = text_of(row, ["question"], where)
    choices = next((row[key] for key in ("options", "choices") if key in row), None)
    choices = written_in(choices) if isinstance(choices, str) else choices
    if "answerKey" in row:
        labels, texts = _labelled(choices, where)
        key = row["answerKey"]
        if key in (None, ""):
            return prompt, None
        if key not in labels:
            raise DataError(f"{where}: 'answerKey' must be a label of an option (got {key!r:.40})")
        return prompt, _checked(texts, labels.index(key), where)
    if not isinstance(choices, Sequence):
        raise DataError(
            f"{where}: needs a list of 'options' or 'choices', or '{CORRECT}', has {', '.join(row)}"
        )
    return prompt, _checked(choices, _position(row, where), where)


def _labelled(choices: Any, where: str) -> tuple[list[str], list[Any]]:
    """Labels and texts of options, from a table by column or by row."""
    if isinstance(choices, Mapping) and {"label", "text"} <= set(choices):
        return list(choices["label"]), list(choices["text"])
    if isinstance(choices, Sequence) and all(
        isinstance(each, Mapping) and {"label", "text"} <= set(each) for each in choices
    ):
        return [each["label"] for each in choices], [each["text"] for each in choices]
    raise DataError(f"{where}: 'choices' must hold a label and a text for each option")


def _position(row: Mapping[str, Any], where: str) -> int:
    """The position of the correct option, from a letter or a number from 0."""
    answer = row.get("answer")
    if isinstance(answer, str) and len(answer.strip()) == 1 and answer.strip().isalpha():
        return ascii_uppercase.index(answer.strip().upper())
    if isinstance(answer, str) and answer.strip().isdecimal():
        answer = int(answer)
    if isinstance(answer, int) and not isinstance(answer, bool):
        return answer
    raise DataError(f"{where}: 'answer' must be a letter or a number from 0 (got {answer!r:.40})")


def _checked(choices: Sequence[Any], correct: int, where: str) -> Options:
    """Options with their texts on one line each.

    Raises:
        DataError: an option is no text, or blank; there are fewer than two or more than letters; or
            the correct one is not among them.
    """
    texts = [" ".join(str(choice).split()) for choice in choices]
    if not 2 <= len(texts) <= len(ascii_uppercase):
        raise DataError(f"{where}: needs 2 to {len(ascii_uppercase)} options (got {len(texts)})")
    for text, choice in zip(texts, choices, strict=True):
        if not isinstance(choice, str | int | float) or not text:
            raise DataError(f"{where}: an option must be a text (got {choice!r:.40})")
    if not 0 <= correct < len(texts):
        raise DataError(f"{where}: the correct option is number {correct} of {len(texts)}, from 0")
    return Options(texts, correct)


def _shuffled(options: Options, seed: int, prompt: str) -> Options:
    order = list(range(len(options.texts)))
    generator("options", seed, prompt).shuffle(order)
    return Options([options.texts[place] for place in order], order.index(options.correct))
