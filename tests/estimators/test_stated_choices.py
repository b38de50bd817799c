from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import pytest

from saysel.estimators.expected import ExpectedEstimator
from saysel.estimators.stated_choices import expected_from_choices
from saysel.formats.percent import PercentFormat
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Format
from saysel.records import Generation, ModelRef, TokenChoice
from saysel.testing import question

FORMAT = SaySelfFormat()
START = "Answer: Paris Self-reflection: Or Lyon. Confidence:"


def reply(*places: dict[str, float], start: tuple[str, ...] = (START,)) -> Generation:
    """A reply whose tokens have these probabilities; the first of each place is its own."""
    before = tuple((TokenChoice(token, 0.0),) for token in start)
    choices = tuple(
        tuple(TokenChoice(text, log(share)) for text, share in place.items()) for place in places
    )
    text = "".join(options[0].text for options in (*before, *choices))
    return Generation(text.removesuffix("<end>"), len(choices), choices=before + choices)


def expected(found: Generation, format: Format = FORMAT) -> float | None:
    return expected_from_choices(format, found, len(START))


def test_the_mean_over_the_most_likely_confidences() -> None:
    found = reply({" 8": 0.5, " 6": 0.3, " 10": 0.1, " very": 0.1}, {"<end>": 1})

    assert expected(found) == pytest.approx((0.5 * 0.8 + 0.3 * 0.6 + 0.1 * 1.0) / 0.9)


def test_the_space_may_be_a_token() -> None:
    found = reply({" ": 1.0}, {"8": 0.75, "9": 0.25}, {"<end>": 1})

    assert expected(found) == pytest.approx(0.75 * 0.8 + 0.25 * 0.9)


def test_a_token_may_contain_the_end_of_the_label() -> None:
    found = reply({": 8": 0.6, ": 4": 0.2, ", 2": 0.2}, start=(START[:-1],))

    assert expected(found) == pytest.approx((0.6 * 0.8 + 0.2 * 0.4) / 0.8)


def test_ten_in_two_tokens() -> None:
    own = reply({" 1": 0.5, " 8": 0.5}, {"0": 0.6, "<end>": 0.3, "\n": 0.1})
    assert expected(own) == pytest.approx(0.5 * (0.6 * 1.0 + 0.4 * 0.1) + 0.5 * 0.8)

    # Whether the other reply would have been 1 or 10 is unknown.
    assert expected(reply({" 8": 0.8, " 1": 0.2}, {"<end>": 1})) is None
    assert expected(reply({" 8": 0.95, " 1": 0.05}, {"<end>": 1})) == pytest.approx(0.8)
    # Unless "10" is a token.
    one = reply({" 8": 0.8, " 1": 0.1, " 10": 0.1}, {"<end>": 1})
    assert expected(one) == pytest.approx(0.8 * 0.8 + 0.1 * 0.1 + 0.1 * 1)


@pytest.mark.parametrize("other", ["5", "55", ",5", ",", ".5", "%", "５"])
def test_a_number_that_continues_is_no_confidence(other: str) -> None:
    """After "1", the reply ends or writes a number that the format does not state, such as 15."""
    of_end = (0.5 * 0.4 * 0.1 + 0.5 * 0.9) / (0.5 * 0.4 + 0.5)
    for second in ({other: 0.6, "<end>": 0.4}, {"<end>": 0.4, other: 0.6}):
        found = reply({" 1": 0.5, " 9": 0.5}, second)
        assert expected(found) == pytest.approx(of_end)

    nothing = reply({" 1": 1.0}, {other: 1.0})
    assert expected(nothing) is None


@pytest.mark.parametrize("after", [".", ".\n", "\n", " 5", " or", "<end>"])
def test_a_number_ends_before_a_full_stop_or_a_space(after: str) -> None:
    found = reply({" 1": 0.5, " 9": 0.5}, {after: 0.6, "5": 0.4})

    assert expected(found) == pytest.approx((0.5 * 0.6 * 0.1 + 0.5 * 0.9) / (0.5 * 0.6 + 0.5))


def test_the_token_after_a_point_tells_whether_the_number_continues() -> None:
    point = {".": 0.6, "<end>": 0.4}
    first = {" 1": 0.5, " 9": 0.5}

    assert expected(reply(first, point, {"5": 1.0})) == pytest.approx(
        (0.5 * 0.4 * 0.1 + 0.5 * 0.9) / (0.5 * 0.4 + 0.5)
    )
    assert expected(reply(first, point, {"<end>": 1.0})) == pytest.approx(0.5 * 0.1 + 0.5 * 0.9)


def test_percentages_digit_by_digit() -> None:
    percent = PercentFormat()
    found = reply({" ": 1.0}, {"8": 0.96, "9": 0.04}, {"5": 0.5, "0": 0.5}, {"%": 1})

    # "9" may begin 90 to 99, and is left out.
    assert expected(found, percent) == pytest.approx(0.5 * 0.85 + 0.5 * 0.8)
    whole = reply({" ": 1.0}, {"85": 0.5, "90": 0.5}, {"%": 1})
    assert expected(whole, percent) == pytest.approx(0.875)


@pytest.mark.parametrize(
    "found",
    [
        Generation(f"{START} 8", 3),
        reply({" high": 0.9, " low": 0.1}),
        replace(reply({" 8": 1.0}), text=f"Something else. {START} 8"),
        reply(),
    ],
)
def test_without_a_confidence_among_the_tokens_there_is_none(found: Generation) -> None:
    assert expected(found) is None


def test_the_estimator_reads_them_from_the_sampler(context: Any) -> None:
    given = context(f"{START} 3")
    found = reply({" 3": 0.5, " 7": 0.5}, {"<end>": 1})

    class Served(type(given.sampler)):  # type: ignore[misc]
        def gives_choices(self) -> bool:
            return True

        def sample(self, model: Any, prompts: Any, n: int, seed: int) -> Any:
            return iter([[found], [Generation("I am lost.", 3, choices=())]])

    served = replace(given, sampler=Served(**given.sampler.model_dump()))
    asked = [question(id="a"), question(id="b")]

    first, second = ExpectedEstimator().estimate(ModelRef("any"), asked, served)

    assert (first.answer, first.confidence) == ("Paris", pytest.approx(0.5))
    assert (second.answer, second.confidence) == (None, None)
