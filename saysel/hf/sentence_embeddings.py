"""Sentence embeddings with sentence-transformers; each text is embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from saysel.errors import DataError, require
from saysel.hf.loading import device, error_summary, silence_libraries

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Maximum number of texts whose embeddings are kept: about 400 MB at 1,024 dimensions.
MAX_CACHED_TEXTS = 100_000


def check_sentence_transformers() -> None:
    """Check that sentence-transformers is installed, without importing it.

    Raises:
        MissingExtra: it is not installed.
    """
    require("comparing embeddings", "embeddings", "sentence_transformers")


class Embedder:
    """A sentence model that caches embeddings."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache: dict[tuple[str, str], npt.NDArray[np.float32]] = {}

    def vectors(
        self, texts: Sequence[str], instruction: str, batch_size: int
    ) -> npt.NDArray[np.float32]:
        """One vector of length 1 per text: [len(texts), dimensions].

        Args:
            instruction: put in front of every text. Models like INSTRUCTOR (arXiv 2212.09741)
                read it and exclude it from the mean over tokens.
        """
        import numpy as np

        if len(self._cache) + len(texts) > MAX_CACHED_TEXTS:
            self._cache.clear()
        new = [text for text in dict.fromkeys(texts) if (instruction, text) not in self._cache]
        if new:
            vectors = self._model.encode(
                new,
                prompt=instruction or None,
                batch_size=batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            self._cache.update(
                ((instruction, text), vector) for text, vector in zip(new, vectors, strict=True)
            )
        return np.stack([self._cache[instruction, text] for text in texts])


@lru_cache(maxsize=1)
def sentence_model(path: str, revision: str | None) -> Embedder:
    """The sentence model at a directory or hub id; the one requested last stays in memory.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        DataError: the model cannot be loaded.
    """
    check_sentence_transformers()
    silence_libraries()
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            path, revision=revision, device=device(), trust_remote_code=False
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path}: cannot be loaded as a sentence model: {error_summary(error)}"
        ) from error
    return Embedder(model)
