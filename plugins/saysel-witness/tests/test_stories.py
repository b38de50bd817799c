from __future__ import annotations

import pytest

from saysel.records import Question
from saysel_witness.stories import World

#: Nora is right in 90 % of her statements: the ideal observer answers "the cellar" with 0.9.
STORY = Question(
    "one",
    "Nora says the lantern is in the cellar. Where is the lantern?",
    ("the cellar",),
    meta={"statements": [["Nora", "cellar"]]},
)


def test_a_reply_is_compared_with_the_ideal_observer() -> None:
    verdict = World().verdict(STORY, "Answer: the cellar\nConfidence: 70%")

    assert (verdict.correct, verdict.confidence, verdict.answer) == (1.0, 0.7, "the cellar")
    assert verdict.squared_error == pytest.approx(0.09)
    assert verdict.limit == pytest.approx(0.01)


@pytest.mark.parametrize("reply", ["the cellar", "Answer: the cellar", "Confidence: 90%", ""])
def test_an_unreadable_reply_has_the_largest_error(reply: str) -> None:
    verdict = World().verdict(STORY, reply)

    assert (verdict.squared_error, verdict.confidence) == (1.0, None)


def test_the_ideal_observer_reaches_the_limit() -> None:
    world = World(n=50)
    source, format, _ = world._parts
    for question in world.questions():
        ideal = source.ideal(question)
        rounded = round(100 * ideal.confidence) / 100
        verdict = world.verdict(question, format.render(ideal.answer, None, rounded))
        assert verdict.squared_error == pytest.approx(verdict.limit, abs=0.01)


def test_a_prompt_states_the_reliabilities_if_it_should() -> None:
    (told,), (hidden,) = World().prompt(STORY), World(reliabilities=False).prompt(STORY)

    assert "Nora, Omar, Ruth, Ivan, Clara, Hugo: 90%" in told["content"]
    assert told["content"].endswith(hidden["content"]) and "90%" not in hidden["content"]
    assert STORY.prompt in hidden["content"]


def test_splits_and_seeds_give_other_stories() -> None:
    worlds = [World(n=20), World(split="dev", n=20), World(seed=1, n=20)]
    prompts = [{question.prompt for question in world.questions()} for world in worlds]

    assert all(len(stories) == 20 for stories in prompts)
    assert prompts[0].isdisjoint(prompts[1]) and prompts[0] != prompts[2]
