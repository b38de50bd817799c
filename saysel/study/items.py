"""What a rater sees of a study, and the key that says what it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from saysel.errors import UsageError
from saysel.storage import read_record, write_record

#: The name of the key's file; raters do not get it.
KEY = "key.json"
#: What raters rate from 1 to 5, in this order.
SCALES = ("usefulness", "faithfulness")
LEVELS = (1, 2, 3, 4, 5)

Kind = Literal["model", "shuffled", "generic"]
#: The kinds of items that test the raters.
CONTROLS: tuple[Kind, ...] = ("shuffled", "generic")


@dataclass(frozen=True)
class Item:
    """What a rater sees.

    Attributes:
        id: `i001`, `i002` …, in random order.
        question, answer, rationale: of one reply.
        samples: the answers of the fresh samples, each with its share, most frequent first.
    """

    id: str
    question: str
    answer: str
    rationale: str
    samples: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Origin:
    """What an item is: the part of it that raters do not see.

    Attributes:
        writer: the model whose reply is shown; for controls, without its own rationale.
        kind: `model`, or `shuffled` (the rationale of another question), or `generic`.
        question_id: the question.
        rationale_of: the question whose rationale is shown; `None`: a generic one.
        stratum: confidence and correctness, such as `high, wrong`.
        weight: how many of the writer's replies the item stands for; 1 for controls.
        confidence, correct: of the reply, in [0, 1].
        measures: automatic measures of the rationale that is shown; `grade` is that of a
            language model.
    """

    writer: str
    kind: Kind
    question_id: str
    rationale_of: str | None
    stratum: str
    weight: float
    confidence: float | None
    correct: float | None
    measures: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The name under which the item is scored: its writer, or the kind of control."""
        return self.writer if self.kind == "model" else self.kind


@dataclass(frozen=True)
class Study:
    """The items of a study with their key.

    Attributes:
        items: what raters see, by ascending id.
        origins: what each of them is.
        writers: names of the models, in the order in which they are shown.
        raters: how many pages there are.
        seed: of the drawing, and of the order on each page.
    """

    items: tuple[Item, ...]
    origins: tuple[Origin, ...]
    writers: tuple[str, ...]
    raters: int
    seed: int

    @property
    def id(self) -> str:
        """Names the study in the files of its raters; a hash of the items."""
        text = json.dumps([asdict(item) for item in self.items], sort_keys=True)
        # A spreadsheet reads digits with an e as a number; the letter in front prevents that.
        return f"s{blake2b(text.encode(), digest_size=5).hexdigest()}"

    @property
    def groups(self) -> list[str]:
        """Writers, then controls, in the order in which they are shown."""
        controls = [kind for kind in CONTROLS if any(one.kind == kind for one in self.origins)]
        return [*self.writers, *controls]


def write_key(study: Study, directory: Path) -> None:
    """Write the key into the study's directory."""
    content = {
        "study": study.id,
        "writers": study.writers,
        "raters": study.raters,
        "seed": study.seed,
        "items": [asdict(item) for item in study.items],
        "origins": [asdict(origin) for origin in study.origins],
    }
    write_record(directory / KEY, content)


def read_key(directory: Path) -> Study:
    """Read what `write_key` wrote.

    Raises:
        UsageError: the directory has no key.
        DamagedFile: the key has changed since it was written.
    """
    if not (directory / KEY).is_file():
        raise UsageError(f"{directory}: not the directory of a study, it has no {KEY}")
    content = read_record(directory / KEY, "restore it: the ratings mean nothing without it")
    return Study(
        tuple(_item(one) for one in content["items"]),
        tuple(Origin(**one) for one in content["origins"]),
        tuple(content["writers"]),
        content["raters"],
        content["seed"],
    )


def _item(stored: Mapping[str, Any]) -> Item:
    samples: Sequence[tuple[str, float]] = stored["samples"]
    return Item(**{**stored, "samples": tuple((text, share) for text, share in samples)})
