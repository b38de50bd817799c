"""The typed records that pass between the stages.

Confidence is a float in [0, 1] everywhere; only a Format knows about tenths or percent. A
confidence that could not be parsed is `None` and stays `None`: it is counted, never replaced.
Every record is a frozen dataclass and one Parquet schema (see `saysel.storage.shards`).
"""

from __future__ import annotations

from saysel.records.examples import (
    UNANSWERABLE,
    Cluster,
    Example,
    Question,
    Rationale,
    Response,
)
from saysel.records.models import CUT, Generation, Message, ModelRef, Prompt, TokenChoice
from saysel.records.predictions import (
    Grade,
    Meaning,
    Prediction,
    Reflection,
    ReplyCounts,
    Score,
)

__all__ = [
    "CUT",
    "UNANSWERABLE",
    "Cluster",
    "Example",
    "Generation",
    "Grade",
    "Meaning",
    "Message",
    "ModelRef",
    "Prediction",
    "Prompt",
    "Question",
    "Rationale",
    "Reflection",
    "ReplyCounts",
    "Response",
    "Score",
    "TokenChoice",
]
