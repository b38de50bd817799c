from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import hf, testing
from saysel.estimators.likelihood import answer_logprobs, answer_span
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import EstimationContext, Parsed
from saysel.records import Generation, ModelRef
from saysel.testing import examples

FORMAT = SaySelfFormat(instruction="")
THOUGHT = f"<think>{99 * 'Paris? '}</think>"


def context_of(sampler: str) -> EstimationContext:
    return EstimationContext(
        *(examples.build("sampler", sampler), FORMAT),
        *(examples.build("clusterer", "exact"), examples.build("judge", "match")),
        temperature=0.0,
        seed=0,
        questions=lambda split: [],
    )


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Answer: Paris Confidence: 9", "Answer: [Paris] Confidence: 9"),
        ("Paris? Answer: Paris Self-reflection: Paris", "Paris? Answer: [Paris] Self-reflection"),
        ("Answer: A", "Answer: [A]"),
        ("A. Answer:  A\n", "A. Answer:  [A]"),
        ("Answer: Answer", "Answer: [Answer]"),
        (THOUGHT + "Answer: Paris", THOUGHT + "Answer: [Paris]"),
    ],
)
def test_where_the_answer_is(reply: str, found: str) -> None:
    start, end = answer_span(FORMAT, reply) or (0, 0)

    assert f"{reply[:start]}[{reply[start:end]}]{reply[end:]}".startswith(found)


@given(st.sampled_from(["Paris", "A", "Answer", "in 1903"]), st.booleans(), st.booleans())
@pytest.mark.parametrize("name", ["sayself", "percent", "fraction", "tags"])
def test_it_is_found_in_every_format(name: str, answer: str, why: bool, lead: bool) -> None:
    format = examples.build("format", name)
    rationale = f"It may be {answer} or not." if why else None
    reply = format.render(answer, rationale, 0.5, f"Is it {answer}?" if lead else "")

    start, end = answer_span(format, reply) or (0, 0)

    assert reply[start:end] == answer
    other = format.render("Rome", rationale, 0.5, f"Is it {answer}?" if lead else "")
    assert f"{reply[:start]}Rome{reply[end:]}" == other


class Options(SaySelfFormat):
    """Parses only a letter as the answer."""

    def parse(self, text: str, cut: bool = False) -> Parsed:
        parsed = super().parse(text, cut)
        letter = parsed.answer if parsed.answer in ("A", "B") else None
        return parsed._replace(answer=letter)


def test_a_format_that_reads_few_answers_has_a_place_for_them() -> None:
    assert answer_span(Options(), "B or A? Answer: B Confidence: 7") == (16, 17)


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("a " * 50_000 + "Answer: a Confidence: 9", (100_008, 100_009)),
        ("Answer: a Self-reflection: " + "a " * 50_000 + "Confidence: 9", (8, 9)),
        ("<think>" + "Answer: a " * 5_000 + "</think>Answer: a", (50_023, 50_024)),
    ],
)
def test_an_answer_that_occurs_often_is_found_at_once(reply: str, place: tuple[int, int]) -> None:
    class Counted(SaySelfFormat):
        def parse(self, text: str, cut: bool = False) -> Parsed:
            parsed.append(len(text))
            return super().parse(text, cut)

    parsed: list[int] = []

    assert answer_span(Counted(instruction=""), reply) == place
    assert len(parsed) < 20


@pytest.mark.parametrize("reply", ["", "Paris", "Answer: Confidence: 9"])
def test_no_answer_is_nowhere(reply: str) -> None:
    assert answer_span(FORMAT, reply) is None


@given(st.text(), st.text())
def test_in_any_reply_it_is_what_was_parsed(lead: str, answer: str) -> None:
    reply = FORMAT.render(answer, "I am unsure.", 0.5, lead)
    place = answer_span(FORMAT, reply)
    if place is not None:
        assert reply[slice(*place)] == FORMAT.parse(reply).answer


def test_of_a_real_model_they_are_those_of_the_tokens_of_the_answer(small_model: ModelRef) -> None:
    context = context_of("transformers")
    sampler = context.sampler
    prompt = FORMAT.prompt(testing.question())
    replies = ["I see. Answer: in the cellar Confidence: 9", "no answer", "Answer: barn"]

    found = answer_logprobs(
        context, small_model, [prompt] * 3, [Generation(reply, 9) for reply in replies]
    )

    assert found[1] is None
    tokenizer = hf.load_tokenizer(small_model)
    for reply, until, scores in zip(
        replies, ("I see. Answer: in the cellar", "", "Answer: barn"), found, strict=True
    ):
        if scores is None:
            continue
        (whole,) = sampler.logprobs(small_model, [prompt], [until])
        lead = tokenizer(until.partition("Answer:")[0] + "Answer:", add_special_tokens=False)
        assert scores == pytest.approx(whole[len(lead["input_ids"]) :], abs=1e-4), reply
        assert 1 <= len(scores) < len(whole)


def test_without_any_answer_the_model_is_not_needed(small_model: ModelRef) -> None:
    prompt = FORMAT.prompt(testing.question())

    assert answer_logprobs(
        context_of("transformers"), small_model, [prompt], [Generation("…", 1)]
    ) == [None]
