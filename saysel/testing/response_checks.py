"""Checks of components that write, read, judge and reward responses."""

from __future__ import annotations

import math

from saysel.interfaces import (
    BatchReward,
    Format,
    Judge,
    JudgedReply,
    Parsed,
    RewardFn,
    SegmentRewards,
)
from saysel.testing.examples import question
from saysel.testing.expectations import check_options, expect


def check_format(format: Format) -> None:
    """Rendered responses are parsed correctly, and `parse` accepts any text."""
    check_options(format)
    prompt = format.prompt(question())
    expect(prompt and prompt[-1]["role"] == "user", "a prompt must end with a message of the user")
    content = "".join(message["content"] for message in prompt)
    expect(question().prompt in content, "the prompt must contain the question")
    for tenths in range(11):
        _check_round_trip(format, tenths / 10)
    for ending, confidence in format.confidences.items():
        _check_ending(format, ending, confidence)
    bare = format.parse(format.render("the cellar", None, None))
    expect(
        bare == Parsed("the cellar", None, None), f"an answer alone is parsed as {bare!r} instead"
    )
    _check_declining(format)
    _check_any_text(format)


def _check_round_trip(format: Format, confidence: float) -> None:
    """All parts of a rendered response are parsed, the confidence to half a tenth."""
    text = format.render("the cellar", "I am not sure.", confidence, "Let me think.")
    parsed = format.parse(text)
    expect(
        parsed.answer == "the cellar" and parsed.rationale == "I am not sure.",
        f"{text!r} is parsed as {parsed!r}",
    )
    expect(
        parsed.confidence is not None and abs(parsed.confidence - confidence) <= 0.05 + 1e-9,
        f"confidence {confidence} in {text!r} is parsed as {parsed.confidence}",
    )
    expect(
        text.count(format.confidence_marker) == 1,
        f"{text!r} must contain the marker {format.confidence_marker!r} once",
    )
    expect(
        format.reasoning(text) == "Let me think.",
        f"the reasoning in {text!r} is parsed as {format.reasoning(text)!r}",
    )


def _check_declining(format: Format) -> None:
    """A response that declines is parsed as such, whatever confidence it states."""
    phrase = format.declining_answer()
    if phrase is None:
        return
    for rationale, confidence in ((None, None), ("I am not sure.", None), (None, 0.5)):
        text = format.render(phrase, rationale, confidence)
        parsed = format.parse(text)
        expect(
            parsed == Parsed(None, rationale, None, declined=True),
            f"{text!r} declines, but is parsed as {parsed!r}",
        )


def _check_ending(format: Format, ending: str, confidence: float) -> None:
    """One entry of `confidences`: it ends a response, and states nothing if it is incomplete."""
    text = format.render("the cellar", "I am not sure.", confidence)
    expect(
        text.endswith(format.confidence_marker + ending),
        f"confidence {confidence} must be written as {ending!r} at the end, not as {text!r}",
    )
    parsed = format.parse(text).confidence
    expect(parsed == confidence, f"{ending!r} states {confidence}, but is parsed as {parsed}")
    end = format.marker_end(text)
    expect(
        end == len(text) - len(ending),
        f"marker_end must be the end of the marker before {ending!r} in {text!r}, not {end}",
    )
    for missing in range(1, len(ending)):
        incomplete = text[:-missing]
        parsed = format.parse(incomplete, cut=True).confidence
        expect(
            parsed is None,
            f"parse(cut=True) of {incomplete!r}, which ended at the token limit, gives confidence "
            f"{parsed} instead of None",
        )


def _check_any_text(format: Format) -> None:
    marker = format.confidence_marker
    response = format.render("the cellar", "I am not sure.", 1.0)
    texts = ("", "\0", "\n" * 50, "…" * 99, marker, f"{marker} 1e999", f"{marker} -1", response)
    for text in texts:
        for part in (text, text[: len(text) // 2], text[::-1]):
            for cut in (False, True):
                parsed = format.parse(part, cut=cut).confidence
                expect(
                    parsed is None or 0 <= parsed <= 1,
                    f"a confidence must be in [0, 1]; {part!r} is parsed as {parsed}",
                )
            format.reasoning(part)


def check_judge(judge: Judge) -> None:
    """One correctness in [0, 1] or `None` per item, in order; the accepted answer is correct.

    An answer that mentions the accepted one in addition to another is not.
    """
    check_options(judge)
    expect(judge.judge([]) == [], "no items must give no judgements")
    mention = "Oslo Self-reflection: I would sometimes say Paris."
    items = [
        (question(), answer) for answer in ("Paris", "", "Oslo", "not Paris but Rome", mention)
    ]
    judged = judge.judge(items)
    expect(len(judged) == len(items), f"{len(items)} items gave {len(judged)} judgements")
    for (_, answer), correct in zip(items, judged, strict=True):
        expect(
            correct is None or 0 <= correct <= 1,
            f"correctness must be in [0, 1] or None; {answer!r} got {correct!r}",
        )
    expect(judged[0] in (1, None), f"the accepted answer itself is judged {judged[0]}")
    expect(judged[2] != 1, "a wrong answer is judged correct")
    expect(
        judged[4] != 1,
        f"{mention!r} is judged correct, although it only mentions the accepted answer",
    )


def check_reward(reward: RewardFn) -> None:
    """One finite reward per response; being correct when certain, and being parseable, pays.

    A `BatchReward` gives each part of each reply a finite reward, and an unreadable confidence a
    negative one.
    """
    check_options(reward)
    if isinstance(reward, BatchReward):
        _check_batch_reward(reward)
        return
    expect(reward.reward([], []) == [], "no responses must give no rewards")
    correct = [1.0, 0.0, 1.0, 0.0, 0.5, 1.0, 0.0]
    confidence = [1.0, 1.0, 0.0, 0.0, 0.5, None, None]
    rewards = reward.reward(correct, confidence)
    expect(len(rewards) == len(correct), f"{len(correct)} responses gave {len(rewards)} rewards")
    expect(all(math.isfinite(value) for value in rewards), f"rewards must be finite: {rewards}")
    expect(
        rewards[0] > rewards[1],
        f"certain and correct gets {rewards[0]}, not more than certain and wrong: {rewards[1]}",
    )
    unreadable = max(rewards[5:])
    expect(
        unreadable < max(rewards[:5]),
        f"an unreadable confidence gets as much as any other: {rewards}",
    )
    expect(unreadable < 0, f"an unreadable confidence must get a negative reward: {rewards}")


def _check_batch_reward(reward: BatchReward) -> None:
    expect(reward.rewards([]) == [], "no replies must give no rewards")
    replies = [
        JudgedReply(
            question=question(),
            text=f"Answer: {answer} Confidence: 8",
            answer=answer,
            rationale=rationale,
            confidence=confidence,
            correct=float(answer == "Paris"),
            tokens=9,
            samples=("Paris", "Rome", None)[: reward.fresh_samples()],
        )
        for answer, rationale, confidence in (
            ("Paris", "I would sometimes say Rome.", 0.8),
            ("Paris", None, 0.3),
            ("Rome", "I would say Rome.", 1.0),
            (None, None, None),
        )
    ]
    rewards = reward.rewards(replies)
    expect(len(rewards) == len(replies), f"{len(replies)} replies gave {len(rewards)} rewards")
    for parts in rewards:
        expect(
            isinstance(parts, SegmentRewards) and all(map(math.isfinite, parts)),
            f"rewards must be SegmentRewards of finite numbers, got {parts!r}",
        )
    unreadable = rewards[-1].confidence
    expect(unreadable < 0, f"an unreadable confidence must get a negative reward: {unreadable}")
    stated = [reply.confidence for reply in replies]
    for row, choices in enumerate(reward.confidence_rewards(replies, stated)):
        expect(
            math.isclose(choices[row], rewards[row].confidence, abs_tol=1e-9),
            f"confidence_rewards gives the stated confidence {choices[row]}, and rewards gives it "
            f"{rewards[row].confidence}",
        )
