"""The model's own replies, up to where they state a confidence, with their correctness."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import TrainingData
from saysel.records import Question
from saysel.storage import intact_record, write_record

#: Questions that are answered side by side and stored together.
QUESTIONS_PER_PART = 64


@dataclass(frozen=True)
class OwnReply:
    """A reply of the model, up to where it states a confidence.

    Attributes:
        tokens: token ids of the prompt and of the reply, up to and including the marker.
        correct: correctness of its answer, in [0, 1].
        prompt: how many of the tokens are the prompt's.
    """

    tokens: list[int]
    correct: float
    prompt: int = 0


def own_replies(
    lm: Any,
    tokenizer: Any,
    data: TrainingData,
    questions: Sequence[Question],
    decoding: hf.Decoding,
    directory: Path,
) -> tuple[list[OwnReply], Counter[str]]:
    """One reply to each question, stored in parts so that an interrupted run resumes.

    Returns:
        The replies, and how many were left out for which reason.
    """
    replies: list[OwnReply] = []
    left_out = Counter(unreadable=0, unjudged=0)
    data.progress.begin(len(questions), "questions")
    for number, start in enumerate(range(0, len(questions), QUESTIONS_PER_PART)):
        batch = questions[start : start + QUESTIONS_PER_PART]
        path = directory / f"replies-{number:05}.json"
        part = intact_record(path)
        if part is None or part["part"] != number:
            # The seed depends on the part's number, so a resumed run samples the same replies.
            seed = data.seed * 1_000_003 + number
            part = sample_part(lm, tokenizer, data, batch, decoding, seed)
            if not part["left_out"]["unjudged"]:  # otherwise the judge is tried again
                write_record(path, {**part, "part": number})
        replies += [OwnReply(**reply) for reply in part["replies"]]
        left_out.update(part["left_out"])
        data.progress.advance(len(batch))
    return replies, left_out


def sample_part(
    lm: Any,
    tokenizer: Any,
    data: TrainingData,
    questions: Sequence[Question],
    decoding: hf.Decoding,
    seed: int,
) -> dict[str, Any]:
    """Sample and judge one reply to each question.

    Returns:
        JSON values: the `replies`, and how many were `left_out` for which reason.
    """
    import torch

    generator = torch.Generator(lm.device).manual_seed(seed)
    prompts = hf.encode(tokenizer, [data.format.prompt(question) for question in questions])
    ends = hf.end_tokens(lm, tokenizer)
    samples = hf.generate(lm, tokenizer, prompts, 1, decoding, generator, ends)
    replies = [reply for (reply,) in samples]
    texts = hf.decode_replies(tokenizer, prompts, [reply.tokens for reply in replies])
    starts = hf.confidence_starts(tokenizer, data.format, prompts, replies, texts)
    readable = []
    for question, prompt, reply, text, start in zip(
        questions, prompts, replies, texts, starts, strict=True
    ):
        answer = data.format.parse(text, cut=reply.cut).answer
        if answer is not None and start is not None:
            readable.append((question, answer, prompt, reply.tokens[:start]))
    correct = data.judge.judge([(question, answer) for question, answer, *_ in readable])
    kept = [
        {"tokens": [*prompt, *beginning], "correct": correctness, "prompt": len(prompt)}
        for (_, _, prompt, beginning), correctness in zip(readable, correct, strict=True)
        if correctness is not None
    ]
    left_out = {
        "unreadable": len(questions) - len(readable),
        "unjudged": len(readable) - len(kept),
    }
    return {"replies": kept, "left_out": left_out}


def examples_as_replies(tokenizer: Any, data: TrainingData) -> list[OwnReply]:
    """The examples in place of own replies, for a smoke test whose model cannot reply yet."""
    marker = data.format.confidence_marker
    examples = [example for example in data.examples() if marker in example.completion]
    beginnings = [example.completion.rpartition(marker)[0] + marker for example in examples]
    prompts = hf.encode(tokenizer, [example.prompt for example in examples], beginnings)
    replies = hf.encode_replies(tokenizer, beginnings)
    return [
        OwnReply(prompt + reply, 1.0, len(prompt))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]


def no_replies(trainer: str, left_out: Mapping[str, int], marker: str) -> StageError:
    """The error that no reply is left to learn from."""
    if left_out["unjudged"]:
        return StageError(
            f"{trainer}: of {sum(left_out.values())} replies, {left_out['unjudged']} could "
            "not be judged and the others could not be parsed: check the judge and run again"
        )
    return StageError(
        f"{trainer}: none of {left_out['unreadable']} replies has an answer followed by "
        f"'{marker}': fine-tune the model on the format first (sft), or raise max_tokens"
    )


def reply_batch(
    replies: Sequence[OwnReply], batch_size: int, step: int, seed: int
) -> list[OwnReply]:
    """The replies of a step; each pass uses every reply once, in another order."""
    epoch, part = divmod(step, -(-len(replies) // batch_size))
    order = list(range(len(replies)))
    random.Random(f"tokenized_brier/{seed}/{epoch}").shuffle(order)
    return [replies[row] for row in order[part * batch_size : (part + 1) * batch_size]]
