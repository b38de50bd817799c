from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from saysel.records import Question, Response
from saysel.stages.shards import batches, by_question


def responses(questions: int, n: int = 20) -> Iterator[Response]:
    for q in range(questions):
        for i in range(n):
            yield Response(f"q{q}", i, f"Answer {i} to question {q}. " * 20, f"a{i}", 20)


def peak(questions: int) -> int:
    """Bytes at most while all responses are read in shards of 50 questions."""
    asked = [Question(f"q{q}", f"Question {q}?", ("a",)) for q in range(questions)]
    tracemalloc.start()
    read = sum(len(part) for part in batches(by_question(asked, responses(questions)), 50))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == questions
    return most


def test_memory_does_not_grow_with_the_number_of_responses():
    """Ten times as many: what grows is the index of the questions, far below their responses."""
    assert peak(2_000) < 1.3 * peak(200)


def test_batches_hold_everything_once_and_in_order():
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []


def test_questions_without_records_are_left_out():
    asked = [Question(f"q{q}", "", ("a",)) for q in range(3)]
    grouped = list(by_question(asked, [*responses(1, 2), Response("q2", 0, "", None, 0)]))
    assert [(question.id, len(members)) for question, members in grouped] == [("q0", 2), ("q2", 1)]
