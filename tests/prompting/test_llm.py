from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel.errors import RecipeError, StageError
from saysel.interfaces import Prompt
from saysel.judges.llm import read as read_verdict
from saysel.prompting.llm import AsksLanguageModel
from saysel.prompting.quoting import NOTICE, quote
from saysel.rationales.llm import read as read_rationale
from saysel.recipes.recipe import load
from saysel.records import Generation, ModelRef
from saysel.samplers.remote.responses import server_message
from saysel.stages.grade import read_grade
from tests.support.scripted_sampler import ScriptedSampler, scripted_sampler


class Asks(AsksLanguageModel):
    """Reads numbers."""

    default_prompt = "judges/verdict.txt"
    placeholders = ("{one}", "{other}")


def server_message_of(text: str) -> str:
    return server_message(text.encode())


def number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def prompts(count: int) -> list[Prompt]:
    return [[{"role": "user", "content": str(place)}] for place in range(count)]


def test_unusable_replies_are_requested_again_with_another_seed() -> None:
    sampler = scripted_sampler(["1", "?", "3", "!"], ["2", "?"], ["4"])
    asks = Asks(sampler=sampler, model="some/model", revision="abc", seed=7)

    assert asks.replies(prompts(4), number) == [1, 2, 3, 4]
    assert [seed for _, _, seed in sampler.asked] == [7, 8, 9]
    assert [[p[0]["content"] for p in asked] for _, asked, _ in sampler.asked] == [
        ["0", "1", "2", "3"],
        ["1", "3"],
        ["3"],
    ]
    assert sampler.asked[0][0] == ModelRef("some/model", "abc")


def test_replies_that_stay_unusable_are_missing() -> None:
    sampler = scripted_sampler(["1", "", "3"], ["no"], ["no"], ["2"])

    assert Asks(sampler=sampler, max_missing=0.1).replies(prompts(3), number) == [1, None, 3]
    assert len(sampler.asked) == 3


@pytest.mark.parametrize(("limit", "allowed"), [(0.0, 0), (0.1, 1), (0.4, 2), (0.5, 2), (1.0, 4)])
def test_too_many_missing_replies_fail(limit: float, allowed: int) -> None:
    for bad in range(5):
        texts = ["hm"] * bad + ["1"] * (4 - bad)
        sampler = scripted_sampler(texts, ["hm"] * bad)
        asks = Asks(sampler=sampler, max_missing=limit, retries=1)
        if bad <= allowed:
            assert asks.replies(prompts(4), number).count(None) == bad
            continue
        with pytest.raises(StageError) as caught:
            asks.replies(prompts(4), number)
        assert str(caught.value) == (
            f"{bad} of 4 replies of scripted are unusable after 2 attempts each (for example: "
            "'hm'): change the prompt, ask another model, or raise max_missing"
        )


def test_without_prompts_the_model_is_not_asked() -> None:
    sampler = scripted_sampler([])

    assert Asks(sampler=sampler, max_missing=0).replies([], number) == []
    assert sampler.asked == []


def test_reasoning_is_not_part_of_a_reply() -> None:
    sampler = scripted_sampler(["<think>Is it 4? No, 5.</think>\n5"])

    assert Asks(sampler=sampler).replies(prompts(1), number) == [5]


@pytest.mark.parametrize("reply", ["<think>Is it 4", "<thinking>5", "[THINK]5", "<think>4</think>"])
def test_reasoning_alone_is_no_reply(reply: str) -> None:
    sampler = scripted_sampler([reply], [reply], [reply])

    assert Asks(sampler=sampler, max_missing=1).replies(prompts(1), number) == [None]


def test_the_message_about_a_truncated_reply_gives_advice() -> None:
    class Cut(ScriptedSampler):
        """Is cut."""

        def sample(self, *asked: Any) -> Iterator[list[Generation]]:
            return iter([[Generation("hm\x1b[2J", 1, finish_reason="length")]])

    asks = Asks(sampler=Cut(rounds=((),)), max_missing=0, retries=0)
    with pytest.raises(StageError, match=r"for example: 'hm \[2J', truncated: raise max_tokens"):
        asks.replies(prompts(1), number)


def test_placeholders_in_values_are_not_filled() -> None:
    asks = Asks(sampler=scripted_sampler([]), prompt="{one} and {other}")

    assert asks.filled({"{one}": "{other}", "{other}": "x {one}"}) == [
        {"role": "user", "content": f"{NOTICE}\n\n{{other}} and x {{one}}"}
    ]


def test_a_prompt_is_a_file_or_its_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("First {one}.\nThen {other}.\n")
    asks = Asks(sampler=scripted_sampler([]), prompt=str(path))

    assert asks.prompt == path.read_text()
    assert (
        asks.filled({"{one}": "1", "{other}": "2"})[0]["content"]
        == f"{NOTICE}\n\nFirst 1.\nThen 2."
    )
    # What a run remembers is the text: it can be read again where the file is gone.
    assert Asks(sampler=scripted_sampler([]), prompt=asks.prompt).prompt == asks.prompt


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("nowhere.txt", r"the file nowhere\.txt cannot be read: No such file"),
        ("Only {one}.", r"the prompt must contain \{other\}"),
        ("\n", r"must contain \{one\}, \{other\}"),
    ],
)
def test_an_invalid_prompt_is_refused(prompt: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Asks(sampler=scripted_sampler([]), prompt=prompt)


def test_a_model_has_to_be_named() -> None:
    with pytest.raises(
        ValidationError, match=r"name the model to ask under 'model': the sampler 'transformers'"
    ):
        Asks()


@pytest.mark.parametrize(
    "unit", [" ", "\n", "*", "Verdict: ", "verdict:right ", "Score: 7 ", "<a", "- ", "“"]
)
@pytest.mark.parametrize(
    "reader",
    [read_verdict, read_grade, read_rationale, server_message_of, quote],
    ids=lambda f: f.__module__,
)
def test_any_reply_is_read_in_linear_time(reader: Callable[[str], object], unit: str) -> None:
    began = time.thread_time()
    for start in ("", "Verdict:", "Score: 7", "I ", "<think>"):
        reader(start + unit * (200_000 // len(unit)) + "x")

    assert time.thread_time() - began < 10  # linear: some tenths of a second


@pytest.mark.parametrize(
    ("old", "new"),
    [("most_missing: 0.5", "max_missing"), ("most: 3", "max_responses")],
)
def test_old_names_of_options_are_answered_with_the_new_ones(
    old: str, new: str, tmp_path: Path
) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(f"extends: quickstart\nrationale: {{use: llm, model: some/model, {old}}}\n")

    with pytest.raises(RecipeError, match=rf"rationale\.{old.split(':')[0]}: .*'{new}'"):
        load(str(path))
