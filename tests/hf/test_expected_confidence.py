from __future__ import annotations

from math import exp

import pytest

from saysel import hf
from saysel.formats.percent import PercentFormat
from saysel.formats.sayself import SaySelfFormat
from saysel.formats.tags import TagsFormat
from saysel.hf.expected_confidence import read_confidence
from saysel.interfaces import Format
from saysel.records import ModelRef, Question
from saysel.samplers.transformers import TransformersSampler

QUESTIONS = [Question("a", "Where is it?", ("x",)), Question("b", "Where is the kettle?", ("y",))]


@pytest.mark.parametrize("format", [SaySelfFormat(), PercentFormat(), TagsFormat()])
def test_it_is_the_mean_over_everything_that_can_be_stated(
    small_model: ModelRef, format: Format
) -> None:
    prompts = [format.prompt(question) for question in QUESTIONS]
    marker = format.confidence_marker
    leads = [f"Answer: the attic {marker}", f"Answer: the barn Self-reflection: Hm. {marker}"]

    found = read_confidence(small_model, format, prompts, leads)

    # Whole replies, each followed by the end, scored one by one. What counts is every token
    # that another confidence would have differently.
    tokenizer = hf.load_tokenizer(small_model)
    for prompt, lead, mean in zip(prompts, leads, found, strict=True):
        texts = [f"{lead}{text}{tokenizer.eos_token}" for text in format.confidences]
        ids = hf.encode_replies(tokenizer, texts)
        scores = TransformersSampler().logprobs(small_model, [prompt] * len(texts), texts)
        logs = [
            sum(
                score[place]
                for place in range(len(one))
                if len({other[place] for other in ids if other[:place] == one[:place]}) > 1
            )
            for one, score in zip(ids, scores, strict=True)
        ]
        chances = [exp(log - max(logs)) for log in logs]
        values = format.confidences.values()
        expected = sum(c * v for c, v in zip(chances, values, strict=True)) / sum(chances)
        assert mean == pytest.approx(expected, abs=1e-5)
        assert 0 < mean < 1


def test_replies_keep_their_order_and_do_not_touch_each_other(small_model: ModelRef) -> None:
    format = SaySelfFormat()
    prompt = format.prompt(QUESTIONS[0])
    leads = [f"Answer: {'word ' * (k % 7)}Confidence:" for k in range(70)]

    together = read_confidence(small_model, format, [prompt] * 70, leads)

    for k in (0, 3, 69):
        assert together[k] == pytest.approx(
            read_confidence(small_model, format, [prompt], [leads[k]])[0], abs=1e-5
        )
    assert together[0] == pytest.approx(together[7], abs=1e-5)
    assert len({round(value, 4) for value in together}) == 7


def test_nothing_to_read(small_model: ModelRef) -> None:
    assert read_confidence(small_model, SaySelfFormat(), [], []) == []
