from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from saysel import testing
from saysel.interfaces import Prompt
from saysel.prompting.quoting import NOTICE
from saysel.rationales.llm import CERTAIN_TEXT, LlmRationaleWriter, read
from saysel.records import ModelRef, Rationale
from saysel.testing import clusters, question
from tests.support.memorizing_model import memorize
from tests.support.scripted_sampler import scripted_sampler

DOUBT = "I am torn between Paris and Rome."


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (DOUBT, DOUBT),
        (f"Self-reflection: {DOUBT}", DOUBT),
        (f"**Reflection:** {DOUBT}\n", DOUBT),
        (f'"{DOUBT}"', DOUBT),
        ("I lean\n\ntowards Paris.", "I lean towards Paris."),
        ("My sources disagree!", "My sources disagree!"),
        ("The model is torn between Paris and Rome.", None),
        ("I am torn between Paris and", None),
        (f"{DOUBT} Confidence: 7", None),
        (f"Answer: Paris. {DOUBT}", None),
        (f"{DOUBT} **Confidence**: high.", None),
        (f"<analysis>{DOUBT}</analysis>.", None),
        ("", None),
        ("I", None),
    ],
)
def test_what_is_a_rationale(reply: str, text: str | None) -> None:
    assert read(reply) == text


def test_one_response_of_each_cluster_is_shown_with_its_share() -> None:
    sampler = scripted_sampler([DOUBT])
    found = clusters({"Paris": 6, "Rome": 3, "Oslo": 1})

    assert LlmRationaleWriter(sampler=sampler, max_responses=2).write([(question(), found)]) == [
        Rationale("capital", DOUBT)
    ]
    ((message,),) = sampler.asked[0][1]
    assert f"Question: {question().prompt}\n" in message["content"]
    assert (
        'Response 1 (60% of all): "Answer: Paris"\n\nResponse 2 (30% of all): "Answer: Rome"\n'
        in (message["content"])
    )
    assert "Oslo" not in message["content"] and "{" not in message["content"]


def test_thoughts_are_not_shown() -> None:
    sampler = scripted_sampler([DOUBT])
    first, *others = clusters({"Paris": 6, "Rome": 4})
    thoughtful = replace(first.representative, text="<think>Rome? No.</think>\n\nAnswer: Paris")
    found = [replace(first, representative=thoughtful), *others]

    LlmRationaleWriter(sampler=sampler).write([(question(), found)])

    ((message,),) = sampler.asked[0][1]
    assert 'Response 1 (60% of all): "Answer: Paris"' in message["content"]
    assert "No." not in message["content"]


def test_certain_questions_skip_the_call() -> None:
    items = [
        (question(id="a"), clusters({"Paris": 9, "Rome": 1}, "a")),
        (question(id="b"), clusters({"Paris": 10}, "b")),
        (question(id="c"), []),
    ]
    sampler = scripted_sampler([DOUBT])
    written = LlmRationaleWriter(sampler=sampler).write(items)

    assert written == [Rationale("a", DOUBT), Rationale("b", CERTAIN_TEXT), None]
    surer = LlmRationaleWriter(sampler=scripted_sampler([]), certain=0.9, certain_text="I know.")
    assert surer.write(items[:2]) == [Rationale("a", "I know."), Rationale("b", "I know.")]
    always = LlmRationaleWriter(sampler=scripted_sampler([DOUBT, DOUBT]), certain=None)
    assert always.write(items) == [Rationale("a", DOUBT), Rationale("b", DOUBT), None]


def test_an_unusable_rationale_is_missing() -> None:
    items = [(question(id=name), clusters({"Paris": 6, "Rome": 4}, name)) for name in "ab"]
    sampler = scripted_sampler([DOUBT, "no"], ["no"], ["no"])

    assert LlmRationaleWriter(sampler=sampler).write(items) == [Rationale("a", DOUBT), None]


def test_a_custom_prompt(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("{question}\n---\n{responses}\nWhy?\n")
    sampler = scripted_sampler([DOUBT])
    writer = LlmRationaleWriter(sampler=sampler, prompt=str(tmp_path / "mine.txt"))
    writer.write([(question(), clusters({"Paris": 6, "Rome": 4}))])

    ((message,),) = sampler.asked[0][1]
    assert message["content"].startswith(
        f"{NOTICE}\n\n{question().prompt}\n---\nResponse 1 (60% of all)"
    )


def test_a_local_model_writes(small_model: ModelRef, tmp_path: Path) -> None:
    items = [
        (question(id="a"), clusters({"Paris": 6, "Rome": 3, "Oslo": 1}, "a")),
        (question(id="b"), clusters({"Lima": 5, "Quito": 5}, "b")),
    ]
    asked = scripted_sampler([DOUBT, DOUBT])
    LlmRationaleWriter(sampler=asked).write(items)
    prompts: list[Prompt] = asked.asked[0][1]
    texts = [DOUBT, "I mix up Lima and Quito."]
    model = memorize(small_model, list(zip(prompts, texts, strict=True)), tmp_path / "model")
    sampler = {"use": "transformers", "temperature": 0, "max_tokens": 60}
    writer = LlmRationaleWriter.model_validate({"sampler": sampler, "model": model.path})

    assert writer.write(items) == [Rationale("a", DOUBT), Rationale("b", texts[1])]
    testing.check_rationale(writer)
