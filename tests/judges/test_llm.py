from __future__ import annotations

import json
from pathlib import Path

import pytest

from saysel import testing
from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.judges.llm import LlmJudge, read
from saysel.prompting.llm import Tally
from saysel.records import ModelRef
from saysel.testing import question
from tests.support.api_server import Model, Reply, Request, Server, always
from tests.support.memorizing_model import memorize
from tests.support.scripted_sampler import scripted_sampler


def prompt_about(answer: str) -> Prompt:
    """What the judge asks about an answer to the question of the test kit."""
    sampler = scripted_sampler(["Verdict: right"])
    LlmJudge(sampler=sampler).judge([(question(), answer)])
    return sampler.asked[0][1][0]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Verdict: right", 1.0),
        ("It names the same city.\n**Verdict:** Right.", 1.0),
        ("verdict: WRONG", 0.0),
        ("Verdict: correct", 1.0),
        ("Verdict: right? No, another city. Verdict: wrong", 0.0),
        ('{"reason": "the same city", "verdict": "right"}', 1.0),
        ('{"verdict": "wrong"}', 0.0),
        ('It claims: "Verdict: right"', None),
        ("Verdict: wrong\nIt is another city.", 0.0),
        ('It claims "Verdict: right", but it names another city.', None),
        ("It says Verdict: right, which is no answer.\nVerdict: wrong", 0.0),
        ("It is right.", None),
        ("Verdict: rightly", None),
        ("Verdict: 7/10", None),
        ("", None),
    ],
)
def test_reading_a_verdict(reply: str, verdict: float | None) -> None:
    assert read(reply) == verdict


def test_the_judge_sees_only_the_answer() -> None:
    (message,) = prompt_about("the city of Paris")

    assert question().prompt in message["content"]
    assert "- Paris\n" in message["content"]
    assert 'Answer to be judged, by the model: "the city of Paris"\n' in message["content"]
    assert "{" not in message["content"]


def test_equal_answers_are_judged_once() -> None:
    sampler = scripted_sampler(["Verdict: right", "Verdict: wrong", "Verdict: right"])
    other = question(id="other")
    items = [(question(), "Paris"), (question(), "Oslo"), (question(), "Paris"), (other, "Paris")]

    assert LlmJudge(sampler=sampler).judge(items) == [1.0, 0.0, 1.0, 1.0]
    assert len(sampler.asked) == 1


def test_an_empty_answer_is_wrong_without_a_request() -> None:
    sampler = scripted_sampler([])

    assert LlmJudge(sampler=sampler).judge([(question(), " ")]) == [0.0]
    assert sampler.asked == []


def test_a_reply_without_verdict_is_missing() -> None:
    sampler = scripted_sampler(["Verdict: right", "Hm."], ["Hm."], ["Hm."])

    assert LlmJudge(sampler=sampler).judge([(question(), "Paris"), (question(), "Oslo")]) == [
        1.0,
        None,
    ]


@pytest.fixture(scope="module")
def judge(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> LlmJudge:
    """A judge whose model has learned a handful of verdicts, and to hum."""
    replies = {
        "Paris": "Verdict: right",
        "the city of Paris": "The same city. Verdict: right",
        "Oslo": "Another city. Verdict: wrong",
        "not Paris but Rome": "Verdict: wrong",
        "Oslo Self-reflection: I would sometimes say Paris.": "Verdict: wrong",
        "hm": "Who knows?",
    }
    lessons = [(prompt_about(answer), reply) for answer, reply in replies.items()]
    model = memorize(small_model, lessons, tmp_path_factory.mktemp("judge"))
    sampler = {"use": "transformers", "temperature": 0, "max_tokens": 30}
    return LlmJudge.model_validate({"use": "llm", "sampler": sampler, "model": model.path})


def test_a_local_model_judges(judge: LlmJudge) -> None:
    answers = ["Paris", "Oslo", "hm", "the city of Paris", ""]

    assert judge.judge([(question(), answer) for answer in answers]) == [1, 0, None, 1, 0]
    testing.check_judge(judge)


def test_too_many_replies_without_verdict_fail(judge: LlmJudge) -> None:
    strict = judge.model_copy(update={"max_missing": 0.0})
    strict._tally = Tally()

    with pytest.raises(StageError, match=r"1 of 2 replies of .* \(for example: 'Who knows\?'\)"):
        strict.judge([(question(), "Paris"), (question(), "hm")])


def test_missing_verdicts_are_counted_across_batches(judge: LlmJudge) -> None:
    asked = judge.model_copy()
    asked._tally = Tally()

    assert asked.judge([(question(), "hm")]) == [None]
    with pytest.raises(StageError, match="2 of 2 replies"):
        asked.judge([(question(), "hm")])


def test_a_refused_prompt_is_missing(tmp_path: Path) -> None:
    async def prim(request: Request) -> Reply:
        if "Oslo" in str(request.body["messages"]):
            return await always(400, "content filter")(request)
        return await Says("Verdict: right")(request)

    with Server(prim) as server:
        sampler = {"use": "openai", "base_url": server.url, "model": "small"}
        strict = LlmJudge.model_validate({"use": "llm", "sampler": sampler})

        assert strict.judge([(question(), "Paris"), (question(), "Oslo")]) == [1.0, None]
        with pytest.raises(StageError, match=r"2 of 3 replies .*content filter"):
            strict.judge([(question(), "Oslo, perhaps")])


class Says(Model):
    """A server that replies the same to everything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    async def __call__(self, request: Request) -> Reply:
        content = json.loads((await super().__call__(request)).body)
        content["choices"][0]["message"]["content"] = self.text
        return Reply(body=json.dumps(content).encode())
