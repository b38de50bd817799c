"""What the clusterers share that compare embeddings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from saysel.hf import sentence_embeddings
from saysel.interfaces import Clusterer, NotFingerprinted
from saysel.records import Cluster, Question, Response

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class EmbeddedClusterer(Clusterer):
    """Embeds what was said and leaves the grouping of vectors to the classes below."""

    model: str = Field(
        "hkunlp/instructor-large", min_length=1, description="sentence model: hub id or directory"
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    instruction: str = Field(
        "Represent the paragraph for the question: ",
        description="put before every text; empty for models that were not trained with one",
    )
    of: Literal["answer", "response"] = Field(
        "answer", description="embed the parsed answer, or the whole response"
    )
    drop_singletons: bool = Field(
        False, description="leave out clusters of one response; shares still count it"
    )
    batch_size: NotFingerprinted[int] = Field(64, ge=1, description="texts embedded side by side")

    def check_installed(self) -> None:
        sentence_embeddings.check_sentence_transformers()

    @abstractmethod
    def groups(self, vectors: npt.NDArray[np.float32]) -> list[list[int]]:
        """A partition of the rows, each group ascending; vectors have length 1."""

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """See the interface.

        Raises:
            MissingExtra: sentence-transformers is not installed.
            DataError: the sentence model cannot be loaded.
        """
        said = [response for response in responses if response.answer is not None]
        if not said:
            return []
        texts = [(one.answer or "") if self.of == "answer" else one.text for one in said]
        embedder = sentence_embeddings.sentence_model(self.model, self.revision)
        found = self.groups(embedder.vectors(texts, self.instruction, self.batch_size))
        if self.drop_singletons:
            found = [rows for rows in found if len(rows) > 1]
        # Largest first; ties go to the group whose first response came first.
        return [
            Cluster(
                question.id,
                tuple(said[row].index for row in rows),
                said[rows[0]],
                len(rows) / len(responses),
            )
            for rows in sorted(found, key=lambda rows: (-len(rows), rows))
        ]
