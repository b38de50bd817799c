"""From predictions to scores with intervals, and paired comparison of methods.

`score(PredictionArrays(frame.correct, frame.confidence), [Ece(use="ece")])` returns a `ScoreTable`,
`compare([Method("a", …), Method("b", …)], metrics)` a `Comparison`. `pool` does both for settings
that were run on several seeds.
"""

from saysel.interfaces import PredictionArrays
from saysel.scoring.arrays import clusters_of, to_arrays
from saysel.scoring.comparison import Method, compare
from saysel.scoring.comparison_table import Comparison
from saysel.scoring.differences import Difference
from saysel.scoring.metric_info import MetricInfo, metric_info
from saysel.scoring.pooled_scores import PooledScore
from saysel.scoring.pooling import Pooled, Setting, pool
from saysel.scoring.score_table import ScoreTable
from saysel.scoring.scores import label, score, share_score

__all__ = [
    "Comparison",
    "Difference",
    "Method",
    "MetricInfo",
    "Pooled",
    "PooledScore",
    "PredictionArrays",
    "ScoreTable",
    "Setting",
    "clusters_of",
    "compare",
    "label",
    "metric_info",
    "pool",
    "score",
    "share_score",
    "to_arrays",
]
