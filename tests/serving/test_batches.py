from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from queue import Queue

import pytest

from saysel import hf, testing
from saysel.records import Message, ModelRef, Question
from saysel.serving.batches import Batches, Job
from saysel.serving.model import ServedModel, ServedReply
from tests.serving.conftest import FORMAT, GREEDY
from tests.support.memorizing_model import memorize

QUESTION, REPLY = "Where is the rope?", "It was seen.\n\nAnswer: attic Confidence: 2"
ALONE: list[Message] = [{"role": "user", "content": QUESTION}]
CONVERSATION: list[Message] = [
    {"role": "user", "content": "Where is the lantern?"},
    {"role": "assistant", "content": "Answer: cellar"},
    {"role": "user", "content": QUESTION},
]


@pytest.fixture(scope="module")
def without_template(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model without a chat template, whose reply has a blank line."""
    untrained = testing.small_model(tmp_path_factory.mktemp("untrained"))
    tokenizer = hf.load_tokenizer(untrained)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(untrained.path)
    (Path(untrained.path) / "chat_template.jinja").unlink(missing_ok=True)
    lesson = (FORMAT.prompt(Question("q", QUESTION, ("",))), REPLY)
    return memorize(untrained, [lesson], tmp_path_factory.mktemp("memorized"))


def replies(model: ServedModel, chats: Sequence[Sequence[Message]]) -> list[str]:
    """The replies to chats that wait together."""
    ends: list[Queue[ServedReply | Exception]] = [Queue() for _ in chats]
    batches = Batches(model, size=8, waiting=8)
    batches.submit(
        [Job(chat, GREEDY, on_end=end.put) for chat, end in zip(chats, ends, strict=True)]
    )
    found = [end.get(timeout=60) for end in ends]
    batches.close()
    assert all(isinstance(reply, ServedReply) for reply in found)
    return [reply.text for reply in found if isinstance(reply, ServedReply)]


def test_the_reply_to_a_question_does_not_end_where_one_to_a_conversation_does(
    without_template: ModelRef,
) -> None:
    model = ServedModel(without_template, FORMAT)

    assert replies(model, [ALONE]) == [REPLY]
    alone, in_conversation = replies(model, [ALONE, CONVERSATION])

    assert alone == REPLY and "\n\n" not in in_conversation.strip()


def test_a_request_that_breaks_the_template_ends_no_other(
    memorized: ModelRef, caplog: pytest.LogCaptureFixture
) -> None:
    model = ServedModel(memorized, FORMAT)
    tokenizer = model.tokenizer = deepcopy(model.tokenizer)
    tokenizer.chat_template = (
        "{% if messages[-1].content == 'Break.' %}{{ 1 / 0 }}{% endif %}" + tokenizer.chat_template
    )
    ends: list[Queue[ServedReply | Exception]] = [Queue(), Queue(), Queue()]
    batches = Batches(model, size=8, waiting=8)
    for end, text in zip(ends, ["Who are you?", "Break.", "Who are you?"], strict=True):
        batches.submit([Job([{"role": "user", "content": text}], GREEDY, on_end=end.put)])
    found = [end.get(timeout=60) for end in ends]
    batches.close()

    assert isinstance(found[1], ZeroDivisionError) and "a prompt failed" in caplog.text
    assert isinstance(found[0], ServedReply) and isinstance(found[2], ServedReply)
