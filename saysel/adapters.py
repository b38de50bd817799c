"""Formats, judges and rewards as the reward functions of other training frameworks.

    reply_rewards      whole replies and accepted answers in, rewards out
    trl_reward         a reward function of TRL's trainers
    verl_score         a `compute_score` of verl
    verifiers_reward   a reward function of a verifiers rubric

    from saysel.adapters import trl_reward

    trainer = GRPOTrainer(model, reward_funcs=trl_reward(format="tags", reward="quadratic"), ...)

A component is given as in a recipe: by its name, as a mapping with options, or as an object. None
of these functions imports the framework that it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from saysel.errors import StageError, UsageError
from saysel.files import accepted_answers
from saysel.interfaces import Format, Judge, RewardFn
from saysel.recipes.problems import problems
from saysel.records import Question

__all__ = ["RewardedReply", "reply_rewards", "trl_reward", "verifiers_reward", "verl_score"]


@dataclass(frozen=True)
class RewardedReply:
    """What a reply is worth.

    Attributes:
        reward: `None` if the judge could not judge the answer.
        correct: in [0, 1]; `None` if the judge could not judge the answer.
        confidence: in [0, 1]; `None` if the confidence or the answer could not be read.
        answer: `None` if it could not be read.
    """

    reward: float | None
    correct: float | None
    confidence: float | None
    answer: str | None


#: From the replies, the accepted answers of each, and the questions.
ReplyRewards = Callable[[Sequence[str], Sequence[object], Sequence[str]], list[RewardedReply]]


class _Components(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: Format
    judge: Judge
    reward: RewardFn


def reply_rewards(
    format: object = "sayself", judge: object = "match", reward: object = "quadratic"
) -> ReplyRewards:
    """A function from replies, accepted answers and questions to `RewardedReply`s.

    The accepted answers of a reply may have any shape that data sets use, see
    `saysel.files.accepted_answers`.

    Args:
        format: reads answer and confidence from a reply.
        judge: compares the answer with the accepted ones.
        reward: rewards correctness and confidence.

    Raises:
        UsageError: there is no such component, or an option of it is wrong.
    """
    try:
        chosen = _Components.model_validate({"format": format, "judge": judge, "reward": reward})
    except ValidationError as error:
        raise UsageError("\n".join(problems(error, _Components))) from None

    def rewarded(
        replies: Sequence[str], answers: Sequence[object], questions: Sequence[str]
    ) -> list[RewardedReply]:
        parsed = [chosen.format.parse(reply) for reply in replies]
        asked = [
            Question(
                str(number), question, accepted_answers(accepted, "answers", f"reply {number}")
            )
            for number, (question, accepted) in enumerate(zip(questions, answers, strict=True), 1)
        ]
        for question in asked:
            if not question.answers and not question.unanswerable:
                raise UsageError(f"reply {question.id}: its question has no accepted answer")
        correct = chosen.judge.judge_answers(
            [(question, part.answer) for question, part in zip(asked, parsed, strict=True)],
            [part.declined for part in parsed],
        )
        # A confidence without an answer refers to nothing, so the reply counts as unreadable.
        confidences = [None if part.answer is None else part.confidence for part in parsed]
        judged = [row for row, verdict in enumerate(correct) if verdict is not None]
        values = chosen.reward.reward(
            [verdict for verdict in correct if verdict is not None],
            [confidences[row] for row in judged],
        )
        rewards = dict(zip(judged, map(float, values), strict=True))
        return [
            RewardedReply(rewards.get(row), correct[row], confidences[row], part.answer)
            for row, part in enumerate(parsed)
        ]

    return rewarded


def trl_reward(
    format: object = "sayself",
    judge: object = "match",
    reward: object = "quadratic",
    answers: str = "answers",
) -> Callable[..., list[float | None]]:
    """A reward function for `GRPOTrainer`, `RLOOTrainer` and others of TRL.

    The data set needs the columns `prompt` and `answers`. A reply that the judge could not judge
    gets `None`, which TRL leaves out of the reward. TRL does not say which replies were cut off at
    the token limit, so they are read as if they were complete.

    Args:
        format, judge, reward: see `reply_rewards`.
        answers: the data set's column of accepted answers.

    Raises:
        UsageError: see `reply_rewards`.
    """
    rewarded = reply_rewards(format, judge, reward)

    def saysel_reward(
        prompts: Sequence[object], completions: Sequence[object], **columns: Any
    ) -> list[float | None]:
        if answers not in columns:
            raise UsageError(
                f"trl_reward: the data set has no column '{answers}' with the accepted answers: "
                "name it with answers='…'"
            )
        replies, questions = [_last(c) for c in completions], [_last(p) for p in prompts]
        return [reply.reward for reply in rewarded(replies, columns[answers], questions)]

    return saysel_reward


def verl_score(
    format: object = "sayself", judge: object = "match", reward: object = "quadratic"
) -> Callable[..., dict[str, float]]:
    """A `compute_score` for verl, to be named in a file of `custom_reward_function`.

    `ground_truth` holds the accepted answers, and `extra_info["question"]` the question, if the
    judge reads it. In addition to the `score`, verl logs `acc` and `confidence`; -1 stands for a
    confidence that could not be read, because verl averages numbers only.

    Args:
        format, judge, reward: see `reply_rewards`.

    Raises:
        UsageError: see `reply_rewards`.
    """
    rewarded = reply_rewards(format, judge, reward)

    def compute_score(
        data_source: str,
        solution_str: str,
        ground_truth: object,
        extra_info: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, float]:
        question = str((extra_info or {}).get("question", ""))
        (reply,) = rewarded([solution_str], [ground_truth], [question])
        return {
            "score": _required(reply, data_source),
            "acc": reply.correct or 0.0,
            "confidence": -1.0 if reply.confidence is None else reply.confidence,
        }

    return compute_score


def verifiers_reward(
    format: object = "sayself", judge: object = "match", reward: object = "quadratic"
) -> Callable[..., float]:
    """A reward function for `verifiers.Rubric(funcs=[...])`.

    The rubric's `answer` holds the accepted answers.

    Args:
        format, judge, reward: see `reply_rewards`.

    Raises:
        UsageError: see `reply_rewards`.
    """
    rewarded = reply_rewards(format, judge, reward)

    def saysel_reward(prompt: object, completion: object, answer: object, **state: Any) -> float:
        (reply,) = rewarded([_last(completion)], [answer], [_last(prompt)])
        return _required(reply, "verifiers")

    return saysel_reward


def _required(reply: RewardedReply, where: str) -> float:
    if reply.reward is None:
        raise StageError(
            f"{where}: the judge could not judge '{reply.answer!s:.60}': check the judge"
        )
    return reply.reward


def _last(messages: Any) -> str:
    """A text, or the text of the last message of a chat."""
    if isinstance(messages, str):
        return messages
    if not messages:
        return ""
    message = messages[-1]
    content = message.get("content") if isinstance(message, Mapping) else message.content
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text", "") for part in content)
