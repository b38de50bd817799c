"""Removal of the thoughts that a reasoning model writes before its reply.

Reasoning models delimit their thoughts in many ways. These are recognised: tags such as `<think>`,
`<thinking>`, `<thought>`, `<reasoning>`, `<scratchpad>` or `<seed:think>` (DeepSeek, Qwen, GLM,
EXAONE, Seed and most others), `[THINK]` (Magistral), `◁think▷` (Kimi), special tokens such as
`<|begin_of_thought|>` and `<|START_THINKING|>` (OpenThinker, Command A), the channels of gpt-oss
and Gemma, and replies that announce their final part in words (Granite, Apriel).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

TAG = (
    r"(?:<\|?|◁)[ ]?(?P<slash>/?)[ ]?"
    r"(?P<name>[\w:.-]{0,20}?(?:think|thought|reasoning|scratchpad|monologue)[\w:.-]{0,20})"
    r"(?:\s[^<>]{0,200}?)?(?P<empty>/?)(?:\|?>|▷)"
)
#: Other delimiters: their name, and whether they end a thought.
OTHERS = {
    "[think]": ("think", False),
    "[/think]": ("think", True),
    "<|channel>thought": ("channel", False),
    "<channel|>": ("channel", True),
    "<unused94>": ("unused", False),
    "<unused95>": ("unused", True),
}
#: The ends of those that begin a thought.
OTHER_ENDS = {
    "[think]": "[/THINK]",
    "<|channel>thought": "<channel|>",
    "<unused94>": "<unused95>",
}
DELIMITER = re.compile("|".join([TAG, *map(re.escape, OTHERS)]), re.IGNORECASE)
#: Parts of a name that mark the beginning or end: `<|end_of_thought|>`, `<|think_start|>`.
EDGES = {"begin", "start", "of", "end"}

#: Special tokens of replies that announce their final part.
ANNOUNCING = re.compile(r"<\|(?:channel|message|start)\|>")
#: The beginning of a reply that announces its final part, and the announcement of that part.
ANNOUNCED = (
    (
        re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>"),
        re.compile(r"<\|channel\|>final\b[^<>]{0,100}(?:<\|constrain\|>[^<>]{0,40})?<\|message\|>"),
    ),
    # The same if the tokenizer has removed its special tokens.
    (re.compile(r"\s*analysis(?=[A-Z])"), re.compile("assistantfinal")),
    (
        re.compile(r"\s*Here(?:['’]s| is) my thought process:", re.IGNORECASE),
        re.compile(r"Here(?:['’]s| is) my response:", re.IGNORECASE),
    ),
    (re.compile(r"\s*Here are my reasoning steps:"), re.compile(r"\[BEGIN FINAL RESPONSE\]")),
)


def blank_thoughts(text: str) -> str:
    """The text with every thought replaced by as many newlines, so that positions do not change.

    There may be several thoughts, and nested ones. One that only ends was opened by the prompt:
    everything before its end is a thought. One that never ends was cut: everything after its
    beginning is.
    """
    start = _announced(text)
    text = "\n" * start + text[start:]
    spans, unfinished = _spans(text)
    if unfinished is not None:
        spans.append((unfinished, len(text)))
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], "\n" * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def delimits(token: str) -> bool:
    """Whether a special token begins or ends a thought."""
    return DELIMITER.fullmatch(token.strip()) is not None or ANNOUNCING.search(token) is not None


def open_thought(prompt: str, reply: str) -> str:
    """The delimiter at the end of a prompt that opens a thought which the reply does not end.

    Empty if the prompt opens none, or the reply ends it.
    """
    prompt = prompt.rstrip()
    *_, (start, end, _, closes) = [(0, 0, "", True), *_delimiters(prompt)]
    if closes or end != len(prompt):
        return ""
    opening = prompt[start:] + "\n"
    return opening if _spans(opening + reply)[1] is not None else ""


def end_of_open_thought(prompt: str, reply: str) -> str:
    """What has to stand between a prompt and a given reply, so that the reply is no thought.

    Templates of reasoning models may end in a delimiter that opens a thought. Empty if the prompt
    opens none, or the reply ends it.
    """
    opening = open_thought(prompt, reply).strip()
    return f"\n{_closing(opening)}\n\n" if opening else ""


def _closing(opening: str) -> str:
    """The delimiter that ends a thought with this beginning."""
    if opening.casefold() in OTHER_ENDS:
        return OTHER_ENDS[opening.casefold()]
    if re.search("begin|start", opening, re.IGNORECASE):
        closing = re.sub("begin|start", "end", opening, flags=re.IGNORECASE)
        return closing.upper() if opening.isupper() else closing
    mark = DELIMITER.fullmatch(opening)
    assert mark is not None
    begin, end = mark.span("name")
    right = re.search(r"\|?[>▷]\Z", opening)
    return f"{opening[:begin].rstrip()}/{opening[begin:end]}{right[0] if right else '>'}"


def _announced(text: str) -> int:
    """Start of the final part of a reply that announces one; 0 in other replies."""
    for opening, announcement in ANNOUNCED:
        if opening.match(text):
            return max((mark.end() for mark in announcement.finditer(text)), default=len(text))
    return 0


def _spans(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """Start and end of each thought, and the start of one that does not end."""
    spans: list[tuple[int, int]] = []
    nested: list[str] = []
    counts = Counter[str]()  # of the names in `nested`
    begin = 0
    for start, end, name, closes in _delimiters(text):
        if not closes:
            begin = begin if nested else start
            nested.append(name)
            counts[name] += 1
        elif counts[name]:
            while True:  # a thought that was opened inside and never closed was only mentioned
                last = nested.pop()
                counts[last] -= 1
                if last == name:
                    break
            if not nested:
                spans.append((begin, end))
        elif not nested:
            spans = [(0, end)]  # opened by the prompt
    return spans, begin if nested else None


def _delimiters(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Start, end, name and direction of every delimiter."""
    for mark in DELIMITER.finditer(text):
        if mark["name"] is None:
            name, closes = OTHERS[mark[0].casefold()]
        elif mark["empty"]:
            continue
        else:
            parts = re.split("[_▁]", mark["name"].casefold())
            closes = bool(mark["slash"]) or "end" in parts
            name = "_".join(part for part in parts if part not in EDGES)
        yield mark.start(), mark.end(), name, closes
