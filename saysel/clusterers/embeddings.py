"""The base of the clusterers that compare embeddings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.hf import sentence_embeddings
from saysel.interfaces import Clusterer, NotFingerprinted
from saysel.records import Cluster, Question, Response
from saysel.replies.thoughts import blank_thoughts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class EmbeddedClusterer(Clusterer):
    """Embeds answers or responses; subclasses group the vectors."""

    version: ClassVar[int] = 2
    renamed: ClassVar[Mapping[str, str]] = {"of": "embed"}

    model: str = Field(
        "hkunlp/instructor-large", min_length=1, description="sentence model: hub id or directory"
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    instruction: str = Field(
        "Represent the paragraph for the question: ",
        description="prefix of every text; empty for models trained without one",
    )
    embed: Literal["answer", "response"] = Field(
        "answer",
        description="what is embedded: the parsed answer, or the response without thoughts",
    )
    drop_singletons: bool = Field(
        False, description="omit clusters of one response; shares still count it"
    )
    batch_size: NotFingerprinted[int] = Field(64, ge=1, description="texts embedded at a time")

    def check_installed(self) -> None:
        sentence_embeddings.check_sentence_transformers()

    @abstractmethod
    def groups(self, vectors: npt.NDArray[np.float32]) -> list[list[int]]:
        """A partition of the rows, each group in ascending order; the vectors have length 1."""

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """See the interface.

        Raises:
            MissingExtra: sentence-transformers is not installed.
            DataError: the sentence model cannot be loaded.
        """
        answered = [response for response in responses if response.answer is not None]
        if not answered:
            return []
        texts = [
            (response.answer or "")
            if self.embed == "answer"
            else blank_thoughts(response.text).strip()
            for response in answered
        ]
        embedder = sentence_embeddings.sentence_model(self.model, self.revision)
        groups = self.groups(embedder.vectors(texts, self.instruction, self.batch_size))
        if self.drop_singletons:
            groups = [rows for rows in groups if len(rows) > 1]
        # Largest first; of equal ones, the group whose first response comes first.
        return [
            Cluster(
                question.id,
                tuple(answered[row].index for row in rows),
                answered[rows[0]],
                len(rows) / len(responses),
            )
            for rows in sorted(groups, key=lambda rows: (-len(rows), rows))
        ]
