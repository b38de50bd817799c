"""Hierarchical clusters of embeddings, with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from saysel.clusterers.embeddings import EmbeddedClusterer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class AgglomerativeClusterer(EmbeddedClusterer):
    """Repeatedly join the closest groups of embeddings, until all are too far apart.

    Unlike with `embedding`, the result does not depend on the order of the responses. The distance
    between two responses is 1 minus the cosine of their embeddings; that between two groups is the
    mean, the largest or the smallest distance between their responses.
    """

    threshold: float = Field(
        0.9, gt=0, lt=1, description="cosine similarity above which groups are joined"
    )
    linkage: Literal["average", "complete", "single"] = Field(
        "average",
        description="similarity of two groups: the mean (average), least (complete) or greatest "
        "(single) similarity between their responses",
    )

    def groups(self, vectors: npt.NDArray[np.float32]) -> list[list[int]]:
        import numpy as np
        from sklearn.cluster import AgglomerativeClustering

        if len(vectors) == 1:
            return [[0]]
        labels = AgglomerativeClustering(
            n_clusters=None,
            metric="precomputed",
            linkage=self.linkage,
            distance_threshold=1 - self.threshold,
        ).fit_predict(np.clip(1 - vectors @ vectors.T, 0, 2))
        return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
