"""Prompts to the tokens that a model continues, and the tokens of its replies to text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from saysel.errors import DataError
from saysel.interfaces import Prompt
from saysel.replies.thoughts import delimits, open_thought

#: How many tokens at the end of a prompt are searched for the start of a thought.
PROMPT_END_TOKENS = 32


def render(tokenizer: Any, prompt: Prompt) -> str:
    """The prompt as text, up to where the reply starts.

    The tokenizer's own chat template renders it. If the template rejects or drops a system turn,
    the system turn is put in front of the first user turn; if it needs contents as lists of
    parts, it gets them in that form. Without a template, as for base models, the turns are
    separated by blank lines.

    Raises:
        DataError: the template fails, or drops the content of a user or system turn.
    """
    if tokenizer.chat_template is None:
        return "\n\n".join(message["content"] for message in prompt) + "\n\n"
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
        if _contains_all(text, prompt):
            return text
        problems.append("it leaves out the user's turn")
    raise DataError(
        f"{tokenizer.name_or_path}: the chat template cannot be used: {problems[0]}: use a model "
        "whose template accepts user turns of text, or correct the template in the tokenizer files"
    )


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


def _contains_all(text: str, prompt: Prompt) -> bool:
    """Whether a text contains every user and system turn, ignoring white space.

    Assistant turns may differ: templates leave out their reasoning.
    """
    words = " ".join(text.split())
    return "[{'type': 'text'" not in words and all(
        " ".join(message["content"].split()) in words
        for message in prompt
        if message["role"] != "assistant"
    )


def encode(tokenizer: Any, prompts: Sequence[Prompt]) -> list[list[int]]:
    """Token ids of each prompt, up to where the reply starts."""
    if not prompts:
        return []  # tokenizers fail on an empty list
    texts = [render(tokenizer, prompt) for prompt in prompts]
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


def decode_replies(
    tokenizer: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[str]:
    """The texts of replies to prompts, both as token ids, without special tokens.

    Special tokens that delimit thoughts are kept. If the prompt opens a thought that the reply
    does not close, the text begins with the opening delimiter, because nothing else would show
    that the reply is a thought.
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
        open_thought(opened[tuple(prompt[-PROMPT_END_TOKENS:])], text) + text
        for prompt, text in zip(prompts, texts, strict=True)
    ]
