from __future__ import annotations

import sys
import threading

import pytest

from saysel.errors import MissingExtra
from saysel.judges.math import MathJudge
from saysel.testing import question


def judged(accepted: str, answer: str) -> float | None:
    (correct,) = MathJudge().judge([(question(answers=(accepted,)), answer)])
    return correct


@pytest.mark.parametrize(
    ("accepted", "answer"),
    [
        ("x^2+2x+1", "(x+1)^2"),
        ("(x+1)^2", "x**2 + 2*x + 1"),
        (r"\frac{1}{2}", "$\\frac{2}{4}$"),
        ("1/2", "0.5"),
        (r"\{1,2\}", "{2, 1}"),
        ("x > 3", r"\(3 < x\)"),
        ("x = 5", "5"),
        ("5", "\\boxed{x = 5}"),
        (r"[1,2)", "[1, 2)"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
        ("sin(x)^2 + cos(x)^2", "1"),
        ("1+i", "i + 1"),
        ("10!", "3628800"),
        ("50%", "0.5"),
        ("12", "12 dollars"),
        ("blue", r"\text{blue}"),
    ],
)
def test_equal_answers(accepted: str, answer: str) -> None:
    assert judged(accepted, answer) == 1.0


@pytest.mark.parametrize(
    ("accepted", "answer"),
    [
        ("5", "3 or 5"),
        ("5", "$3$ or $5$"),
        ("5", "not 5"),
        ("2", "-2"),
        ("(1,2)", "(2,1)"),
        ("(1,2)", "[1,2]"),
        ("x^2", "x^3"),
        (r"\pi", "3.14"),
        ("a+b", "a-b"),
        ("x", "y"),
        # Products of letters would be equal.
        ("east", "seat"),
        ("5", "{"),
        ("5", r"\frac{"),
    ],
)
def test_different_answers(accepted: str, answer: str) -> None:
    assert judged(accepted, answer) == 0.0


def test_any_accepted_answer_will_do() -> None:
    both = question(answers=("x^2 - 1", "the difference"))

    assert MathJudge().judge([(both, "(x-1)(x+1)"), (both, "The difference.")]) == [1.0, 1.0]


def test_what_takes_too_long_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saysel.judges.math.SECONDS", 1)

    assert judged("9^{9^{9^9}}", "3^{2}") is None


def test_it_works_outside_the_main_thread() -> None:
    found: list[float | None] = []
    thread = threading.Thread(target=lambda: found.append(judged("x^2-1", "(x-1)(x+1)")))
    thread.start()
    thread.join()

    assert found == [1.0]


def test_it_needs_the_extra_math(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)

    with pytest.raises(MissingExtra, match="the judge 'math' needs the package 'math-verify'"):
        judged("5", "5")


def test_an_answer_is_never_run_as_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged("5", "print(5)") == 0.0
    assert judged("5", "$print(5)$") == 0.0
    assert capsys.readouterr().out == ""
