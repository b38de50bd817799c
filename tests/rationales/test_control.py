from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from saysel.rationales.control import GENERIC, ControlRationaleWriter
from saysel.rationales.template import TemplateRationaleWriter
from saysel.records import Cluster, Question
from saysel.testing import clusters, question

Items = list[tuple[Question, Sequence[Cluster]]]


def items(n: int) -> Items:
    """Questions whose samples name two places that no other question's samples name."""
    found: Items = []
    for k in range(n):
        sizes = {f"place {k}": 6, f"room {k}": 4}
        found.append((replace(question(), id=f"q{k}"), clusters(sizes)))
    return found


def texts(writer: ControlRationaleWriter, given: Items) -> dict[str, str]:
    written = writer.write(given)
    assert len(written) == len(given)
    return {one.question_id: one.text for one in written if one is not None}


@given(st.integers(2, 30), st.integers(0, 1000))
def test_shuffled_texts_are_those_of_other_questions(n: int, seed: int) -> None:
    given = items(n)
    own = [one.text for one in TemplateRationaleWriter().write(given) if one is not None]

    found = texts(ControlRationaleWriter(seed=seed), given)

    assert list(found) == [f"q{k}" for k in range(n)] and sorted(found.values()) == sorted(own)
    assert all(text != mine for text, mine in zip(found.values(), own, strict=True))
    assert found == texts(ControlRationaleWriter(seed=seed), given)


@given(st.integers(2, 30), st.integers(0, 1000))
def test_random_answers_keep_the_uncertainty_and_no_answer(n: int, seed: int) -> None:
    found = texts(ControlRationaleWriter(content="random", seed=seed), items(n))

    for k, text in enumerate(found.values()):
        assert text.startswith("I would often say ") and ", often " in text
        assert f"place {k}." not in text and f"room {k}." not in text
        assert f"place {k}," not in text and f"room {k}," not in text
        first, second = text.removeprefix("I would often say ").rstrip(".").split(", often ")
        assert first != second


def test_a_generic_text_is_the_same_for_all() -> None:
    assert set(texts(ControlRationaleWriter(content="generic"), items(5)).values()) == {GENERIC}


def test_a_question_alone_has_no_other() -> None:
    assert ControlRationaleWriter().write(items(1)) == [None]
    assert ControlRationaleWriter(content="random").write(items(1)) == [None]


def test_what_the_writer_leaves_out_stays_out() -> None:
    given = [*items(3), (replace(question(), id="none"), [])]

    assert list(texts(ControlRationaleWriter(), given)) == ["q0", "q1", "q2"]
