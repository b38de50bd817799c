"""Which column of somebody's file of predictions plays which role."""

from __future__ import annotations

from collections.abc import Mapping

from saysel.data_file import DataFile
from saysel.errors import UsageError

#: The usual names for each role, compared without case, spaces and hyphens.
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("question_id", "id", "qid", "doc_id", "example_id", "sample_id"),
    "confidence": ("confidence", "conf", "probability", "prob", "stated_confidence"),
    "correct": ("correct", "is_correct", "correctness"),
    "answer": ("answer", "prediction", "predicted_answer", "model_answer", "pred"),
    "gold": (
        *("gold", "answers", "gold_answer", "gold_answers", "accepted_answers", "reference"),
        *("references", "ground_truth", "target", "targets", "expected"),
    ),
    "output": ("response", "output", "completion", "generation", "model_output", "raw_output"),
    "question": ("question", "prompt", "input"),
    "rationale": ("rationale", "self_reflection"),
    "tokens": ("tokens", "generated_tokens"),
}
#: Where whole replies are read, the model's answer is inside of them, and no column.
IN_REPLIES = ("answer", "confidence", "rationale")
REPLIES: dict[str, tuple[str, ...]] = {
    **{role: names for role, names in NAMES.items() if role not in IN_REPLIES},
    "gold": (*NAMES["gold"], "answer"),
    "output": (*NAMES["output"], "prediction", "model_answer", "text"),
}


class Roles:
    """The columns of one file by role.

    Attributes:
        found: the column of each role that the file has; a role that two columns could play is
            left out.
    """

    def __init__(self, file: DataFile, named: Mapping[str, str], replies: bool = False) -> None:
        """Recognise the columns.

        Args:
            named: columns by role, which need not be recognised.
            replies: whether answer and confidence are read from whole replies.

        Raises:
            UsageError: there is no such role or column.
        """
        for role, column in named.items():
            if role not in NAMES:
                raise UsageError(
                    f"--column {role}={column}: there is no role '{role}'; use {', '.join(NAMES)}"
                )
            if column not in file.columns:
                raise UsageError(
                    f"--column {role}={column}: {file.path} has no column '{column}'; it has "
                    f"{', '.join(file.columns)}"
                )
        self.file = file
        self.found = dict(named)
        self.doubtful: dict[str, list[str]] = {}
        for role, names in (REPLIES if replies else NAMES).items():
            fitting = [column for column in file.columns if _plain(column) in names]
            fitting = [column for column in fitting if column not in named.values()]
            if role not in named and len(fitting) == 1:
                self.found[role] = fitting[0]
            elif role not in named and fitting:
                self.doubtful[role] = fitting
        self.has("id")

    def get(self, role: str) -> str | None:
        """The role's column, if there is one without doubt."""
        return self.found.get(role)

    def has(self, role: str) -> bool:
        """Whether a column plays the role.

        Raises:
            UsageError: two could.
        """
        if role in self.doubtful:
            one, other, *_ = self.doubtful[role]
            raise UsageError(
                f"{self.file.path}: '{one}' and '{other}' could both be the {role}: say which "
                f"with --column {role}={one} or --column {role}={other}"
            )
        return role in self.found

    def need(self, role: str) -> None:
        """Refuse a file in which no column plays the role.

        Raises:
            UsageError: none does, or two could.
        """
        if not self.has(role):
            raise UsageError(
                f"{self.file.path}: no column is known to be the {role}: name it with --column "
                f"{role}=NAME{self._hint(role)}; there are {', '.join(self.file.columns)}"
            )

    def need_answers(self, replies: bool, judge: bool) -> None:
        """Refuse a file without what a judge compares.

        Args:
            replies: whether the answers come out of whole replies.
            judge: whether a judge was asked for, so that `correct` is no way out.

        Raises:
            UsageError: the model's answers or the accepted ones are in no column.
        """
        needed = ("gold",) if replies else ("answer", "gold")
        if not judge and not any(role in self.found or role in self.doubtful for role in needed):
            self.need("correct")
        for role in needed:
            self.need(role)

    def _hint(self, role: str) -> str:
        if role == "confidence":
            return ", or read it from whole replies with --format"
        if role == "correct":
            return ", or let a judge compare the columns answer and gold"
        return ", the accepted answers" if role == "gold" else ""


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
