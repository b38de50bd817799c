"""Sentence embeddings, through sentence-transformers; each text is embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from saysel import hf
from saysel.errors import DataError, require

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Most texts that are remembered, some 400 MB with 1,024 dimensions.
REMEMBERED = 100_000


def check_installed() -> None:
    """Check that sentence-transformers is installed, without importing it.

    Raises:
        MissingExtra: it is not.
    """
    require("comparing embeddings", "embeddings", "sentence_transformers")


class Embedder:
    """A sentence model that remembers what it has embedded."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[tuple[str, str], npt.NDArray[np.float32]] = {}

    def vectors(
        self, texts: Sequence[str], instruction: str, batch_size: int
    ) -> npt.NDArray[np.float32]:
        """One vector of length 1 per text: [len(texts), dimensions].

        Args:
            instruction: put before every text; models like INSTRUCTOR (arXiv 2212.09741) read it
                and leave it out of the mean over tokens.
        """
        import numpy as np

        if len(self._known) + len(texts) > REMEMBERED:
            self._known.clear()
        new = [text for text in dict.fromkeys(texts) if (instruction, text) not in self._known]
        if new:
            found = self._model.encode(
                new,
                prompt=instruction or None,
                batch_size=batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            self._known.update(
                ((instruction, text), vector) for text, vector in zip(new, found, strict=True)
            )
        return np.stack([self._known[instruction, text] for text in texts])


@lru_cache(maxsize=1)
def resident(path: str, revision: str | None) -> Embedder:
    """The sentence model at a directory or hub id; the last one asked for stays in memory.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        DataError: the model cannot be loaded.
    """
    check_installed()
    hf.quiet()
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            path, revision=revision, device=hf.device(), trust_remote_code=False
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path}: cannot be loaded as a sentence model: {hf.reason(error)}"
        ) from error
    return Embedder(model)
