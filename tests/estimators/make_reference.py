"""Makes `reference.json`: what other implementations say of the same tokens and confidences.

    python tests/estimators/make_reference.py > tests/estimators/reference.json

Needs uqlm, lm-polygraph and betacal, which saysel does not; the versions that made the file are
in it.

Where definitions differ, nothing is frozen: uqlm and lm-polygraph take p(True) as it is and not
as a share of p(True) + p(False); lm-polygraph's semantic entropy with likelihoods averages the
logarithm of unnormalised sums over the samples; uqlm compares an answer with the other samples
only, so that its share is of n - 1.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import numpy as np
from betacal import BetaCalibration
from lm_polygraph.estimators.max_probability import MaximumSequenceProbability
from lm_polygraph.estimators.perplexity import Perplexity
from lm_polygraph.estimators.semantic_entropy import SemanticEntropy
from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling
from sklearn.isotonic import IsotonicRegression
from uqlm.nli.entropy_utils import (
    compute_cluster_probabilities,
    compute_response_probabilities,
    compute_semantic_entropy,
    normalize_entropy,
)
from uqlm.white_box.single_logprobs import SingleLogprobsScorer

PACKAGES = ("uqlm", "lm-polygraph", "betacal", "scikit-learn")


def sequence(tokens: list[float]) -> dict[str, Any]:
    """One reply, by the probabilities of its tokens."""
    logs = np.log(tokens)
    told = [[{"logprob": float(one)} for one in logs]]

    def uqlm(normalise: bool) -> float:
        scorer = SingleLogprobsScorer(["sequence_probability"], length_normalize=normalise)
        return float(scorer.evaluate(told)["sequence_probability"][0])

    stats = {"greedy_log_likelihoods": [logs]}
    return {
        "tokens": tokens,
        "uqlm": {"mean": uqlm(True), "product": uqlm(False)},
        "lm-polygraph": {
            "mean": float(np.exp(-Perplexity()(stats)[0])),
            "product": float(np.exp(-MaximumSequenceProbability()(stats)[0])),
        },
    }


def entropy(samples: list[list[float]], clusters: list[list[int]]) -> dict[str, Any]:
    """Several replies by the probabilities of their tokens, and which of them mean the same."""
    n = len(samples)
    told = [[{"logprob": float(np.log(one))} for one in tokens] for tokens in samples]

    def uqlm(which: int, normalise: bool = True) -> float:
        weights = compute_response_probabilities(told, n, length_normalize=normalise)[which]
        shares = compute_cluster_probabilities(weights, clusters)
        # It counts the answer in addition to its n - 1 samples.
        return 1 - float(normalize_entropy([compute_semantic_entropy(shares)], n - 1)[0])

    of = {member: number for number, cluster in enumerate(clusters) for member in cluster}
    stats = {
        "sample_texts": [[str(i) for i in range(n)]],
        "semantic_classes_entail": {
            "class_to_sample": [clusters],
            "sample_to_class": [[of[i] for i in range(n)]],
        },
    }
    discrete = SemanticEntropy(class_probability_estimation="frequency")(stats)[0]
    return {
        "samples": samples,
        "clusters": clusters,
        "uqlm": {"count": uqlm(1), "mean": uqlm(0), "product": uqlm(0, normalise=False)},
        "lm-polygraph": {"count": 1 - float(discrete) / float(np.log(n))},
    }


def scaling(c: Any, y: Any) -> dict[str, Any]:
    """What each method maps some confidences to."""
    at = np.linspace(0.05, 0.95, 10)

    def logit(p: Any) -> Any:
        return np.log(p / (1 - p))

    a, b = _sigmoid_calibration(logit(c), y)
    temperature = _TemperatureScaling().fit(logit(c), y)
    return {
        "confidence": c.tolist(),
        "correct": y.tolist(),
        "at": at.tolist(),
        "platt": (1 / (1 + np.exp(a * logit(at) + b))).tolist(),
        "temperature": temperature.predict(logit(at))[:, 1].tolist(),
        "beta": BetaCalibration("abm").fit(c, y).predict(at).tolist(),
        "isotonic": IsotonicRegression(out_of_bounds="clip").fit(c, y).predict(at).tolist(),
    }


def main() -> None:
    rng = np.random.default_rng(0)

    def tokens() -> list[float]:
        return [round(float(one), 3) for one in rng.uniform(0.05, 0.99, rng.integers(1, 6))]

    c = np.round(rng.uniform(0.02, 0.98, 300), 3)
    found = {
        "versions": {package: version(package) for package in PACKAGES},
        "sequence": [sequence(tokens()) for _ in range(5)],
        "entropy": [
            entropy([tokens() for _ in range(6)], clusters)
            for clusters in (
                [[0, 1, 2, 3, 4, 5]],
                [[0, 2, 5], [1, 3], [4]],
                [[1, 2], [0, 3], [4, 5]],
                [[0], [1], [2], [3], [4], [5]],
            )
        ],
        "scaling": scaling(c, (rng.random(300) < c**1.7).astype(int)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
