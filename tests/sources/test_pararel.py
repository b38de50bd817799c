from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel import testing
from saysel.errors import DataError
from saysel.plan.fingerprint import identity
from saysel.sources.pararel import ParaRelSource, relation
from saysel.sources.splits import SPLITS

#: Rows in the schema of the release.
SAMPLE = Path(__file__).with_name("pararel_sample.json")
#: The release itself, if it is next to the checkout.
RELEASE = Path(__file__).parents[3] / "shared" / "data" / "pararel_data.json"

TEXTS = "must have texts under 'question' and 'answer'"


def written(path: Path, content: Any) -> ParaRelSource:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return ParaRelSource(path=path)


def words(text: str) -> str:
    return " ".join(text.casefold().split())


def test_it_keeps_its_contract() -> None:
    testing.check_source(ParaRelSource(path=SAMPLE))


def test_rows_become_questions() -> None:
    questions = [question for question, split in ParaRelSource(path=SAMPLE).rows() if not split]

    assert len(json.loads(SAMPLE.read_text())) == 40
    assert len(questions) == 38
    first = questions[0]
    assert (first.id, first.prompt) == ("pararel-1", "What field does Ada Weller work in?")
    assert (first.answers, first.wrong_answers) == (("botany",), ())


def test_wrong_options_are_separated_by_slashes() -> None:
    (question,) = [q for q, _ in ParaRelSource(path=SAMPLE).rows() if "Port Alder" in q.prompt]

    assert question.wrong_answers == ("Danish", "Greek")


def test_a_question_that_occurs_twice_is_one_with_both_answers() -> None:
    twice = [q for q, _ in ParaRelSource(path=SAMPLE).rows() if len(q.answers) > 1]

    assert [(q.prompt, q.answers) for q in twice] == [
        ("What field does Bruno Castel work in?", ("physics", "astronomy")),
    ]
    # The same answer twice is one answer.
    (other,) = [q for q, _ in ParaRelSource(path=SAMPLE).rows() if "Cora Dahl" in q.prompt]
    assert other.answers == ("music",)


def test_no_question_is_in_two_splits() -> None:
    source = ParaRelSource(path=SAMPLE)
    sides = {split: {words(q.prompt) for q in source.questions(split)} for split in SPLITS}

    assert sum(map(len, sides.values())) == 38
    assert all(not sides[one] & sides[other] for one, other in combinations(SPLITS, 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[\n{"question": "a?",\n',
            ", line 3: not JSON (Expecting property name enclosed in double quotes at column 1): "
            "fix or remove the line",
        ),
        ({"question": "a?"}, f", line 1: {TEXTS}"),
        ([], ": the file has no rows"),
        ([{"question": "a?", "answer": "b"}, {"question": "c?"}], f", entry 2: {TEXTS}"),
        ([{"question": "a?", "answer": 3}], f", entry 1: {TEXTS}"),
        (["a?"], ", entry 1: must be an object with a value for each column"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(
    content: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        list(written(tmp_path / "x.json", content).questions("train"))

    assert str(caught.value) == f"{tmp_path / 'x.json'}{message}"


@pytest.mark.skipif(not RELEASE.is_file(), reason="the release's file is not beside the checkout")
def test_the_release() -> None:
    source = ParaRelSource(path=RELEASE)
    rows = json.loads(RELEASE.read_text(encoding="utf-8"))

    sides = {split: list(source.questions(split)) for split in SPLITS}

    assert len(rows) == 5584
    assert len({row["question"] for row in rows}) == 5407
    # Two more differ only in a capital or a blank.
    assert sum(map(len, sides.values())) == 5405
    prompts = [words(question.prompt) for side in sides.values() for question in side]
    assert len(set(prompts)) == 5405
    assert set(prompts) == {words(row["question"]) for row in rows}
    answers = {words(q.prompt): q.answers for side in sides.values() for q in side}
    assert all(row["answer"].strip() in answers[words(row["question"])] for row in rows)
    for split, share in source.shares.items():
        assert len(sides[split]) == pytest.approx(5405 * share, rel=0.15)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What field does Ada Weller work in?", "field of work"),
        ("What does Heath Ledger work as?", "occupation"),
        ("For whom does John Fellows Akers work?", "employer"),
        ("After whom is PGM-17 Thor named?", "namesake"),
        ("Which city is Volgograd a twin city of?", "twin city"),
        ("When did Rudi Supek die?", "place of death"),
        ("Who wrote the song?", "other"),
    ],
)
def test_the_relation_is_in_the_wording(question: str, expected: str) -> None:
    assert relation(question) == expected


@pytest.mark.skipif(not RELEASE.is_file(), reason=f"{RELEASE} is not there")
def test_nearly_every_question_of_the_release_has_its_relation() -> None:
    found = Counter(q.meta["relation"] for q, _ in ParaRelSource(path=RELEASE).rows())
    assert len(found) <= 16 and found["other"] < 10


def test_a_held_out_relation_is_in_no_other_split() -> None:
    whole = ParaRelSource(path=SAMPLE)
    held = ParaRelSource(path=SAMPLE, heldout_relations=("field of work",))

    def relations(source: ParaRelSource, split: str) -> set[str]:
        return {question.meta["relation"] for question in source.questions(split)}

    others = [split for split in SPLITS if split != "heldout"]
    assert any(relations(whole, split) & {*held.heldout_relations} for split in others)
    assert not any(relations(held, split) & {*held.heldout_relations} for split in others)
    # Questions of other relations stay where they were, and so do held-out questions.
    assert [*held.questions("heldout")] == [*whole.questions("heldout")]
    assert [*held.questions("train")] == [
        q for q in whole.questions("train") if q.meta["relation"] not in held.heldout_relations
    ]


def test_held_out_relations_are_fingerprinted_whatever_their_order() -> None:
    whole = ParaRelSource(path=SAMPLE)
    held = ParaRelSource(path=SAMPLE, heldout_relations=("headquarters", "occupation"))
    reordered = ParaRelSource(path=SAMPLE, heldout_relations=("occupation", "headquarters"))

    assert held.digest() == reordered.digest() != whole.digest()
    assert identity(held) == identity(reordered) != identity(whole)
    assert "heldout_relations" not in identity(whole)["options"]


def test_an_unknown_relation_is_named() -> None:
    with pytest.raises(ValidationError, match="no such relation: captial; use birthplace, capital"):
        ParaRelSource(path=SAMPLE, heldout_relations=("captial",))
