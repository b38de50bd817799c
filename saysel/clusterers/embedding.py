"""Clusters by cosine similarity to a seed (arXiv 2405.20974, section 2.1 and released code)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from saysel.clusterers.embeddings import EmbeddedClusterer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class EmbeddingClusterer(EmbeddedClusterer):
    """Group responses whose embedding is close to that of a seed response, as in the paper.

    The first response that is in no cluster is a seed. It is joined by every other response that is
    in no cluster and has a cosine similarity to the seed above `threshold`; this is repeated until
    all are in a cluster. Deviations: each distinct text is embedded once, while the released code
    embeds everything again for every seed, and clusters of one are kept unless `drop_singletons` is
    set.
    """

    threshold: float = Field(
        0.9, gt=0, lt=1, description="cosine similarity above which a response joins"
    )

    def groups(self, vectors: npt.NDArray[np.float32]) -> list[list[int]]:
        import numpy as np

        remaining = np.arange(len(vectors))
        groups = []
        while len(remaining):
            near = vectors[remaining] @ vectors[remaining[0]] > self.threshold
            near[0] = True
            groups.append(remaining[near].tolist())
            remaining = remaining[~near]
        return groups
