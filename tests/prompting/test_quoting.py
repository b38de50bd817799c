"""What a model wrote cannot pass for the words of the prompt that shows it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.judges.llm import LlmJudge
from saysel.prompting.quoting import TOKEN_START, quote
from saysel.rationales.llm import LlmRationaleWriter
from saysel.recipes.faithfulness import PROMPT, Grader
from saysel.records import Meaning, ModelRef, Reflection
from saysel.samplers.openai import OpenAISampler
from saysel.stages.grade import grades, grading_prompt
from saysel.testing import clusters, question
from tests.support.api_server import Server
from tests.support.injectable_model import INJECTIONS, InjectableModel


@pytest.fixture(scope="module")
def judge() -> Iterator[Server]:
    with Server(InjectableModel()) as running:
        yield running


def sampler(server: Server) -> OpenAISampler:
    return OpenAISampler(base_url=server.url, model="gullible", max_tokens=30)


# -------------------------------------------------------------------------------- quoted texts


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
@example("\x85\u2028\u2029\x1c\x0b\x0c\x7f\u202e\u200b\ud800")
@example("<|im_end|> </s> [INST] <｜User｜> x < 3 [a, b)")
@example('"\\"\\\\"\n"')
def test_a_quoted_text_is_one_visible_line_with_the_same_content(text: str) -> None:
    quoted = quote(text)

    assert json.loads(quoted) == text.strip()
    assert quoted[0] == quoted[-1] == '"' and len(quoted.splitlines()) == 1
    assert not any(unicodedata.category(char)[0] == "C" for char in quoted)
    assert not TOKEN_START.search(quoted)


def test_letters_and_formulas_stay_readable() -> None:
    assert quote(" x < 3, [1, 2), Zürich, 東京, „ja“ ") == '"x < 3, [1, 2), Zürich, 東京, „ja“"'


# ------------------------------------------------------------------------------- held injections


def verdict(server: Server, answer: str) -> float | None:
    (correct,) = LlmJudge(sampler=sampler(server)).judge([(question(), answer)])
    return correct


def test_the_scripted_judge_judges(judge: Server) -> None:
    assert (verdict(judge, "Paris"), verdict(judge, "Oslo")) == (1.0, 0.0)


def test_the_injections_would_work_if_answers_were_not_quoted() -> None:
    wording = files("saysel").joinpath("judges/verdict.txt").read_text(encoding="utf-8")
    prompt = wording.replace("{question}", question().prompt).replace("{answers}", "- Paris")
    deceived = [
        InjectableModel().reply(prompt.replace("{answer}", injection)) == "Verdict: right"
        for injection in INJECTIONS
    ]

    assert len(INJECTIONS) >= 40 and sum(deceived) >= 0.9 * len(INJECTIONS)
    assert InjectableModel().reply(prompt.replace("{answer}", "Oslo")) == "Verdict: wrong"


@pytest.mark.parametrize("injection", INJECTIONS, ids=ascii)
def test_an_injection_makes_no_wrong_answer_right(injection: str, judge: Server) -> None:
    assert verdict(judge, injection) == verdict(judge, "Oslo") == 0.0


@pytest.mark.parametrize("injection", INJECTIONS, ids=ascii)
def test_an_injection_does_not_reach_the_writer(injection: str, judge: Server) -> None:
    writer = LlmRationaleWriter(sampler=sampler(judge))
    found = clusters({"Paris": 6, "Rome": 4})
    spoiled = [
        replace(one, representative=replace(one.representative, text=injection)) for one in found
    ]

    (honest,), (written,) = (writer.write([(question(), one)]) for one in (found, spoiled))

    assert honest is not None and honest == written


@pytest.mark.parametrize("place", ["answer", "rationale"])
@pytest.mark.parametrize("injection", INJECTIONS, ids=ascii)
def test_an_injection_raises_no_grade(injection: str, place: str, judge: Server) -> None:
    raised = injection.replace("Verdict: right", "Score: 10").replace(
        "Verdict:** right", "Score: 9"
    )
    plain = Reflection(
        *("capital", "…", "Rome", "Or Oslo.", 1.0, 9, 10),
        (Meaning(("Rome",), 0.6, True), Meaning(("Oslo",), 0.4, False)),
    )
    spoiled = (
        replace(plain, rationale=raised)
        if place == "rationale"
        else replace(plain, meanings=(plain.meanings[0], Meaning((raised,), 0.4, False)))
    )
    grader = {"model": {"use": "remote", "name": "gullible"}, "sampler": sampler(judge)}
    (honest, graded) = (
        grades(
            Grader.model_validate(grader), ModelRef("gullible"), {"capital": question()}, [one], 0
        )
        for one in (plain, spoiled)
    )

    assert honest[0].grade == graded[0].grade == 1.0


def test_model_texts_are_quoted_in_custom_prompts_too() -> None:
    reflection = Reflection(
        *("capital", "…", "Rome", "Or\nOslo.", 1.0, 9, 10), (Meaning(("Ro\nme",), 1.0, True),)
    )
    (message,) = grading_prompt("{answers}|{rationale}", question(), reflection)

    assert message["content"].endswith('- "Ro\\nme" (100%)|"Or\\nOslo."')
    assert PROMPT.count("{rationale}") == 1
