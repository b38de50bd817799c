"""Whether an answer is correct."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from saysel.interfaces.component import Component
from saysel.records import Question


class Judge(Component):
    """Compares parsed answers with the accepted ones.

    ```python
    import saysel
    from saysel.interfaces import Judge


    class EqualJudge(Judge):
        '''Correct if the answer equals an accepted one, ignoring case.'''

        def judge(self, items):
            return [
                float(answer.lower() in [accepted.lower() for accepted in question.answers])
                for question, answer in items
            ]


    @saysel.hookimpl
    def saysel_judges():
        return {"equal": "sayselfile:EqualJudge"}
    ```
    """

    kind = "judge"

    @abstractmethod
    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        """The correctness of each answer in [0, 1]; `None`: it could not be judged."""

    def judge_answers(
        self,
        items: Sequence[tuple[Question, str | None]],
        declined: Sequence[bool] | None = None,
    ) -> list[float | None]:
        """The correctness of answers that may be missing; what the framework calls.

        An answer that is missing or blank is wrong (0.0), and `judge` does not see it. Declining
        to answer is right (1.0) where the question is unanswerable, and wrong elsewhere.

        Args:
            declined: whether each reply declines to answer; `None`: no reply does.
        """
        declined = declined or [False] * len(items)
        correct: list[float | None] = [
            float(declines and question.unanswerable)
            for (question, _), declines in zip(items, declined, strict=True)
        ]
        given: dict[int, tuple[Question, str]] = {
            row: (question, answer)
            for row, (question, answer) in enumerate(items)
            if answer is not None and answer.strip() and not declined[row]
        }
        judged = self.judge(list(given.values())) if given else []
        for row, correctness in zip(given, judged, strict=True):
            correct[row] = correctness
        return correct
