"""Which column of somebody's file of predictions plays which role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saysel.errors import UsageError
from saysel.files.tables import DataFile

#: The usual names for each role, compared without case, spaces and hyphens.
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("question_id", "id", "qid", "doc_id", "example_id", "sample_id"),
    "confidence": ("confidence", "conf", "probability", "prob", "stated_confidence"),
    "correct": ("correct", "is_correct", "correctness"),
    "answer": ("answer", "prediction", "predicted_answer", "model_answer", "pred"),
    "gold": (
        *("gold", "answers", "gold_answer", "gold_answers", "accepted_answers", "reference"),
        *("references", "reference_answer", "ground_truth", "target", "targets", "expected"),
        *("correct_answer", "correct_answers"),
    ),
    "output": ("response", "output", "completion", "generation", "model_output", "raw_output"),
    "question": ("question", "prompt", "input"),
    "rationale": ("rationale", "self_reflection"),
    "tokens": ("tokens", "generated_tokens"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "cluster": (),  # only where it is named: it may be any column, the id's too
}
#: Where whole replies are read, these are read from them, and from no column.
IN_REPLIES = ("answer", "confidence", "rationale")
REPLIES: dict[str, tuple[str, ...]] = {
    **{role: names for role, names in NAMES.items() if role not in IN_REPLIES},
    "gold": (*NAMES["gold"], "answer"),
    "output": (*NAMES["output"], "prediction", "model_answer", "text"),
}

#: PredictionArrays by role as a user names them: one, or several of which a file has one.
Named = Mapping[str, str | Sequence[str]]


class Roles:
    """The columns of one file by role.

    Attributes:
        columns: the column of each role that the file has; a role that two columns could play is
            left out.
        named: the roles whose column was named, and not recognised.
    """

    def __init__(self, file: DataFile, named: Named, replies: bool = False) -> None:
        """Recognise the columns.

        Args:
            named: columns by role, which need not be recognised.
            replies: whether answer and confidence are read from whole replies.

        Raises:
            UsageError: there is no such role or column, or the role is not read from a column.
        """
        self.file = file
        self.columns = {role: _named(file, role, columns) for role, columns in named.items()}
        self.named = frozenset(named)
        for role in IN_REPLIES if replies else ():
            if role in named:
                raise UsageError(
                    f"--column {role}={self.columns[role]}: with --format, {role} is read from the "
                    "replies: leave out one of the two options"
                )
        self.doubtful: dict[str, list[str]] = {}
        taken = {column for role, column in self.columns.items() if role != "cluster"}
        for role, names in (REPLIES if replies else NAMES).items():
            candidates = [c for c in file.columns if _plain(c) in names and c not in taken]
            if role not in named and len(candidates) == 1:
                self.columns[role] = candidates[0]
            elif role not in named and candidates:
                self.doubtful[role] = candidates
        self.has("id")

    def get(self, role: str) -> str | None:
        """The role's column, if there is one without doubt."""
        return self.columns.get(role)

    def has(self, role: str) -> bool:
        """Whether a column plays the role.

        Raises:
            UsageError: two could.
        """
        if role in self.doubtful:
            first, second, *_ = self.doubtful[role]
            raise UsageError(
                f"{self.file.path}: '{first}' and '{second}' could both be the {role}: say which "
                f"with --column {role}={first} or --column {role}={second}"
            )
        return role in self.columns

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
            replies: whether the answers are read from whole replies.
            judge: whether a judge was asked for, so that a column `correct` does not replace it.

        Raises:
            UsageError: the model's answers or the accepted ones are in no column.
        """
        needed = ("gold",) if replies else ("answer", "gold")
        if not judge and not any(role in self.columns or role in self.doubtful for role in needed):
            self.need("correct")
        for role in needed:
            self.need(role)

    def _hint(self, role: str) -> str:
        if role == "confidence":
            return ", or read it from whole replies with --format"
        if role == "correct":
            return ", or let a judge compare the columns answer and gold"
        return ", the accepted answers" if role == "gold" else ""


def _named(file: DataFile, role: str, columns: str | Sequence[str]) -> str:
    """The one of the named columns that the file has.

    Raises:
        UsageError: there is no such role, or the file has none of the columns or several.
    """
    choices = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    option = " ".join(f"--column {role}={column}" for column in choices)
    if role not in NAMES:
        raise UsageError(f"{option}: there is no role '{role}'; use {', '.join(NAMES)}")
    there = [column for column in choices if column in file.columns]
    if not there:
        raise UsageError(
            f"{option}: {file.path} has no column '{choices[0]}'; it has {', '.join(file.columns)}"
        )
    if len(there) > 1:
        raise UsageError(
            f"{option}: {file.path} has '{there[0]}' and '{there[1]}': name one column for a role"
        )
    return there[0]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
