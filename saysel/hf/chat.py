"""Chats as the text that a model continues, and the text of its replies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from saysel.errors import DataError
from saysel.interfaces import Prompt
from saysel.replies.thoughts import delimits, open_thought

#: Last tokens of a prompt among which the beginning of a thought is looked for.
PROMPT_END = 32


def render(tokenizer: Any, prompt: Prompt) -> str:
    """The prompt as text, up to where the reply starts.

    Through the tokenizer's own chat template. A template that refuses a system turn, or leaves it
    out, gets its content before that of the first user turn; one that wants contents as lists of
    parts gets them so. A tokenizer without a template gets the turns' contents separated by blank
    lines, which is how base models are asked.

    Raises:
        DataError: the template fails, or leaves out what a user or system turn says.
    """
    if tokenizer.chat_template is None:
        return "\n\n".join(message["content"] for message in prompt) + "\n\n"
    from jinja2 import TemplateError

    troubles = []
    for messages in _shapes(prompt):
        try:
            text: str = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        # Templates are programs: on a shape that they do not expect they may fail in any of
        # these ways.
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            troubles.append((str(error).strip() or type(error).__name__).splitlines()[0])
            continue
        if _says_all(text, prompt):
            return text
        troubles.append("it leaves out what the user's turn says")
    raise DataError(
        f"{tokenizer.name_or_path}: its chat template cannot be used: {troubles[0]}: use a model "
        "whose template takes user turns of text, or correct the template in its tokenizer's files"
    )


def _shapes(prompt: Prompt) -> Iterator[list[dict[str, Any]]]:
    """The ways to put a prompt to a template, the most usual first."""
    chats = [[dict(message) for message in prompt]]
    if prompt[0]["role"] == "system" and len(prompt) > 1:
        both = f"{prompt[0]['content']}\n\n{prompt[1]['content']}"
        chats.append([{"role": "user", "content": both}, *chats[0][2:]])
    yield from chats
    for chat in chats:
        yield [
            {**message, "content": [{"type": "text", "text": message["content"]}]}
            for message in chat
        ]


def _says_all(text: str, prompt: Prompt) -> bool:
    """Whether all that user and system say is in a text, apart from white space.

    Templates may change what the assistant has said: they leave its thoughts out.
    """
    said = " ".join(text.split())
    return "[{'type': 'text'" not in said and all(
        " ".join(message["content"].split()) in said
        for message in prompt
        if message["role"] != "assistant"
    )


def decode_replies(
    tokenizer: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[str]:
    """The texts of replies (token ids) to prompts (token ids), without special tokens.

    Special tokens that delimit thoughts are kept. Where the prompt opens a thought that the reply
    does not end, the text begins with the delimiter that opens it: nothing else would show that
    the reply is a thought.
    """
    special = tokenizer.all_special_tokens
    if any(map(delimits, special)):
        texts = tokenizer.batch_decode(replies, skip_special_tokens=False)
        for token in special:
            if not delimits(token):
                texts = [text.replace(token, "") for text in texts]
    else:
        texts = tokenizer.batch_decode(replies, skip_special_tokens=True)
    ends = {tuple(prompt[-PROMPT_END:]) for prompt in prompts}
    opened = {end: tokenizer.decode(end) for end in ends}
    return [
        open_thought(opened[tuple(prompt[-PROMPT_END:])], text) + text
        for prompt, text in zip(prompts, texts, strict=True)
    ]
