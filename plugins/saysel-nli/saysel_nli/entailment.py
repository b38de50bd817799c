"""Entailment and contradiction between texts, from a sequence classifier."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from saysel import hf
from saysel.errors import DataError

#: Maximum tokens of a model whose configuration does not state them.
DEFAULT_MAX_TOKENS = 512


class Verdict(NamedTuple):
    """Probabilities, in [0, 1], that a premise entails or contradicts a hypothesis."""

    entailment: float
    contradiction: float


class Classifier(NamedTuple):
    """A model with its tokenizer and the indices of its labels; `contradiction` may be missing."""

    model: Any
    tokenizer: Any
    entailment: int
    contradiction: int | None


@lru_cache(maxsize=1)
def load(path: str, revision: str | None) -> Classifier:
    """The classifier, on the accelerator if there is one; the one requested last stays in memory.

    Raises:
        DataError: it cannot be loaded, or has no label called entailment.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, trust_remote_code=False)
        model = AutoModelForSequenceClassification.from_pretrained(
            path, revision=revision, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be loaded as a sequence classifier: {hf.error_summary(error)}"
        ) from error
    labels = {str(label).casefold(): index for index, label in model.config.id2label.items()}
    if "entailment" not in labels:
        raise DataError(
            f"{path}: not a model for entailment, its labels are {', '.join(labels)}: use one "
            "that was trained on MNLI or similar data and has a label 'entailment'"
        )
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Classifier(model, tokenizer, labels["entailment"], labels.get("contradiction"))


def verdicts(
    classifier: Classifier, pairs: Sequence[tuple[str, str]], batch_size: int
) -> list[Verdict]:
    """The verdict on each pair of premise and hypothesis; equal pairs are read once."""
    import torch

    model, tokenizer = classifier.model, classifier.tokenizer
    longest = min(tokenizer.model_max_length, _positions(model))
    # The answer comes last, so long texts are truncated at the beginning of the question.
    tokenizer.truncation_side = "left"
    # Pairs of similar length share a batch.
    waiting = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
    results: dict[tuple[str, str], Verdict] = {}
    for start in range(0, len(waiting), batch_size):
        batch = waiting[start : start + batch_size]
        inputs = tokenizer(
            [premise for premise, _ in batch],
            [hypothesis for _, hypothesis in batch],
            padding=True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            rows = model(**inputs).logits.float().softmax(-1).tolist()
        for pair, row in zip(batch, rows, strict=True):
            contradiction = (
                0.0 if classifier.contradiction is None else row[classifier.contradiction]
            )
            results[pair] = Verdict(row[classifier.entailment], contradiction)
    return [results[pair] for pair in pairs]


def _positions(model: Any) -> int:
    # RoBERTa reserves its first two positions for padding.
    return int(getattr(model.config, "max_position_embeddings", DEFAULT_MAX_TOKENS + 2)) - 2
