from __future__ import annotations

import pytest

from saysel import testing
from saysel.estimators.sampling import Samples, SamplingEstimator, single_replies
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef
from saysel.testing import examples

QUESTIONS = [testing.question(id="a"), testing.question(id="b", prompt="And of Italy?")]


class Draws(SamplingEstimator):
    """Several replies."""

    def estimate(self, *_: object) -> None:  # type: ignore[override]
        raise NotImplementedError


@pytest.fixture
def context() -> EstimationContext:
    sampler = {"use": "transformers", "max_tokens": 6, "temperature": 1.0}
    return EstimationContext(
        *(examples.build("sampler", sampler), examples.build("format", "sayself")),
        *(examples.build("clusterer", "exact"), examples.build("judge", "match")),
        temperature=0.0,
        seed=3,
        questions=lambda split: [],
    )


def test_a_single_reply_is_decoded_as_the_recipe_says(
    small_model: ModelRef, context: EstimationContext
) -> None:
    first, again = (list(single_replies(small_model, QUESTIONS, context)) for _ in range(2))

    assert first == again  # greedy
    assert [prediction.question_id for prediction, _ in first] == ["a", "b"]
    for prediction, reply in first:
        assert (prediction.response, prediction.tokens) == (reply.text, reply.tokens)


def test_several_replies_at_their_own_temperature(
    small_model: ModelRef, context: EstimationContext
) -> None:
    warm, cold = (
        list(Draws(n=5, temperature=temperature).sample(small_model, QUESTIONS, context))
        for temperature in (None, 1e-6)
    )

    assert [samples.question.id for samples in warm] == ["a", "b"]
    for samples in warm:
        assert [response.index for response in samples.responses] == list(range(5))
        assert len(samples.parts) == 5
        assert samples.prompt == context.format.prompt(samples.question)
    assert len({response.text for response in warm[0].responses}) > 1
    assert len({response.text for response in cold[0].responses}) == 1


def test_a_cluster_speaks_at_the_price_of_all() -> None:
    drawn = testing.responses("Rome", "Paris", "Paris")
    parts = [examples.build("format", "sayself").parse(response.text) for response in drawn]
    clusters = examples.build("clusterer", "exact").cluster(testing.question(), drawn)
    samples = Samples(testing.question(), [], drawn, parts, clusters)

    found, nobody = samples.prediction(clusters[0], 0.4), samples.prediction(None, None)

    assert (found.answer, found.response, found.confidence) == ("Paris", "Answer: Paris", 0.4)
    assert found.shares == {"Paris": 2 / 3, "Rome": 1 / 3}
    assert (nobody.answer, nobody.confidence, nobody.tokens) == (None, None, found.tokens)
    assert found.tokens == 15
