"""Clusters by cosine similarity to a seed (arXiv 2405.20974, section 2.1 and released code)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from saysel.clusterers.embeddings import EmbeddedClusterer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class EmbeddingClusterer(EmbeddedClusterer):
    """Group responses whose embedding is near to that of a first one, as in the paper.

    The first response that is in no cluster is a seed and takes every other that is in none and
    has a cosine similarity to the seed above `threshold`; and so on. Deviations: each distinct
    text is embedded once, where the released code embeds everything again at every seed, and
    clusters of one are kept unless `drop_singletons` says otherwise.
    """

    threshold: float = Field(0.9, gt=0, lt=1, description="cosine similarity above which to join")

    def groups(self, vectors: npt.NDArray[np.float32]) -> list[list[int]]:
        import numpy as np

        waiting = np.arange(len(vectors))
        found = []
        while len(waiting):
            near = vectors[waiting] @ vectors[waiting[0]] > self.threshold
            near[0] = True
            found.append(waiting[near].tolist())
            waiting = waiting[~near]
        return found
