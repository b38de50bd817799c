"""Prompts to the tokens that a model continues, and the tokens of its replies to text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from saysel.errors import DataError
from saysel.interfaces import Prompt
from saysel.replies.thoughts import (
    blank_thoughts,
    delimits,
    end_of_open_thought,
    open_thought,
)

#: How many tokens at the end of a prompt are searched for the start of a thought.
PROMPT_END_TOKENS = 32
#: Separates paragraphs in a prompt for a model without a chat template.
BETWEEN_TURNS = "\n\n"


def render(tokenizer: Any, prompt: Prompt) -> str:
    """The prompt as text, up to where the reply starts.

    The tokenizer's own chat template renders it. If the template rejects or drops a system turn,
    the system turn is put in front of the first user turn; if it needs contents as lists of
    parts, it gets them in that form. Without a template, as for base models, the turns are
    lines and paragraphs.

    Raises:
        DataError: the template fails, or drops the content of a turn.
    """
    if tokenizer.chat_template is None:
        return _plain(prompt)
    from jinja2 import TemplateError

    problems = []
    for messages in _variants(prompt):
        try:
            text: str = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        # Templates are programs, and may fail in any of these ways on an unexpected input.
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            problems.append((str(error).strip() or type(error).__name__).splitlines()[0])
            continue
        missing = _left_out(text, prompt)
        if missing is None:
            return text
        problems.append(f"it leaves out {missing}")
    raise DataError(
        f"{tokenizer.name_or_path}: the chat template cannot be used: {problems[0]}: use a model "
        "whose template accepts user turns of text, or correct the template in the tokenizer files"
    )


def _plain(prompt: Prompt) -> str:
    """The prompt of a model without a chat template.

    If it shows earlier replies, each follows its question on the next line, and a blank line
    separates it from the next question: where all turns were paragraphs, models wrote another
    question instead of a reply.
    """
    after_question = "\n" if _shows_replies(prompt) else BETWEEN_TURNS
    return "".join(
        turn["content"] + (BETWEEN_TURNS if turn["role"] == "assistant" else after_question)
        for turn in prompt
    )


def _shows_replies(prompt: Prompt) -> bool:
    return any(turn["role"] == "assistant" for turn in prompt)


def end_of_turn(tokenizer: Any, prompts: Sequence[Prompt]) -> str | None:
    """The text that ends a reply, if the model has no token for that.

    A model without a chat template continues a text. If the prompts show earlier replies, each
    followed by a blank line, so does its reply, and another question after that. `None`: the
    model has a chat template, or the prompts show no replies.
    """
    if tokenizer.chat_template is not None:
        return None
    return BETWEEN_TURNS if any(map(_shows_replies, prompts)) else None


def _variants(prompt: Prompt) -> Iterator[list[dict[str, Any]]]:
    """The ways to pass a prompt to a template, the most common first."""
    chats = [[dict(message) for message in prompt]]
    if prompt[0]["role"] == "system" and len(prompt) > 1:
        merged = f"{prompt[0]['content']}\n\n{prompt[1]['content']}"
        chats.append([{"role": "user", "content": merged}, *chats[0][2:]])
    yield from chats
    for chat in chats:
        yield [
            {**message, "content": [{"type": "text", "text": message["content"]}]}
            for message in chat
        ]


def _left_out(text: str, prompt: Prompt) -> str | None:
    """Which turn a text does not contain, ignoring white space; `None` if it contains all.

    Of assistant turns, templates may leave out the thoughts.
    """
    words = " ".join(text.split())
    if "[{'type': 'text'" in words:
        return "the user's turn"
    for message in prompt:
        earlier_reply = message["role"] == "assistant"
        content = blank_thoughts(message["content"]) if earlier_reply else message["content"]
        if " ".join(content.split()) not in words:
            return "earlier replies" if earlier_reply else "the user's turn"
    return None


def encode(
    tokenizer: Any, prompts: Sequence[Prompt], replies: Sequence[str] | None = None
) -> list[list[int]]:
    """Token ids of each prompt, up to where the reply starts.

    Args:
        replies: given replies that follow; a thought that a prompt opens and its reply does not
            end, is ended by the prompt.
    """
    if not prompts:
        return []  # tokenizers fail on an empty list
    texts = [render(tokenizer, prompt) for prompt in prompts]
    if replies is not None:
        pairs = list(zip(texts, replies, strict=True))
        texts = [text + end_of_open_thought(text, reply) for text, reply in pairs]
    # Templates write the special tokens themselves; adding them twice would take the model off
    # its training distribution.
    special = tokenizer.chat_template is None
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=special)["input_ids"]
    return ids


def encode_replies(tokenizer: Any, replies: Sequence[str]) -> list[list[int]]:
    """Token ids of each reply as it follows a prompt, without special tokens."""
    if not replies:
        return []
    ids: list[list[int]] = tokenizer(list(replies), add_special_tokens=False)["input_ids"]
    return ids


def without_thoughts(
    tokenizer: Any, prompts: Sequence[Prompt], replies: Sequence[str]
) -> list[str]:
    """The replies as a model has to write them that is to reply without thinking.

    Where a prompt opens a thought, its reply ends it first.
    """
    pairs = zip(prompts, replies, strict=True)
    return [
        end_of_open_thought(render(tokenizer, prompt), reply) + reply for prompt, reply in pairs
    ]


def decode_replies(
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Sequence[int]],
    stop: str | None = None,
) -> list[str]:
    """The texts of replies to prompts, both as token ids, without special tokens.

    Special tokens that delimit thoughts are kept. If the prompt opens a thought that the reply
    does not close, the text begins with the opening delimiter, because nothing else would show
    that the reply is a thought.

    Args:
        stop: text that ends a reply, see `end_of_turn`; what follows it is left out.
    """
    special = tokenizer.all_special_tokens
    if any(map(delimits, special)):
        texts = tokenizer.batch_decode(replies, skip_special_tokens=False)
        for token in special:
            if not delimits(token):
                texts = [text.replace(token, "") for text in texts]
    else:
        texts = tokenizer.batch_decode(replies, skip_special_tokens=True)
    ends = {tuple(prompt[-PROMPT_END_TOKENS:]) for prompt in prompts}
    opened = {end: tokenizer.decode(end) for end in ends}
    return [
        open_thought(opened[tuple(prompt[-PROMPT_END_TOKENS:])], text) + _up_to(stop, text)
        for prompt, text in zip(prompts, texts, strict=True)
    ]


def _up_to(stop: str | None, text: str) -> str:
    """A text up to where `stop` ends it, but not within the white space that it begins with."""
    begin = len(text) - len(text.lstrip())
    end = -1 if stop is None else text.find(stop, begin)
    return text if end < 0 else text[:end]
