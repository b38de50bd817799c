from __future__ import annotations

import pytest
import torch

from saysel.hf.continuations import continued, read_texts
from saysel.hf.gradient_checkpointing import checkpoint_layers
from saysel.hf.hidden_states import last_hidden_states
from tests.hf.test_hidden_states import ARCHITECTURES, batch, tiny_model

#: How many tokens of each text are continued.
ENDS = (9, 4, 7)
TOKENS = (5, 17)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_continuation_is_what_the_whole_text_gives(architecture: str) -> None:
    model = tiny_model(architecture, **ARCHITECTURES[architecture])
    ids, mask = batch()
    wide = torch.nn.functional.pad(ids, (2, 0)), torch.nn.functional.pad(mask, (2, 0))

    texts = read_texts(model, *wide, room=2)
    assert texts.cache is not None
    columns = torch.arange(texts.mask.shape[1])
    seen = texts.mask * (columns < torch.tensor(ENDS)[:, None])
    found = [continued(model, texts, seen, TOKENS), continued(model, texts, seen, TOKENS[:1])]
    found[0].square().sum().backward()
    gradients = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]

    model.zero_grad()
    torch.testing.assert_close(texts.states, last_hidden_states(model, ids, mask))
    whole = [
        [
            last_hidden_states(
                model,
                torch.cat([row[:end][keep[:end] > 0], torch.tensor(tokens)])[None],
                torch.ones(1, int(keep[:end].sum()) + len(tokens), dtype=torch.long),
            )[:, -1]
            for row, keep, end in zip(ids, mask, ENDS, strict=True)
        ]
        for tokens in (TOKENS, TOKENS[:1])
    ]
    for states, expected in zip(found, whole, strict=True):
        torch.testing.assert_close(states, torch.cat(expected), rtol=1e-4, atol=1e-5)
    torch.cat(whole[0]).square().sum().backward()
    others = [weight.grad for weight in model.parameters() if weight.grad is not None]
    assert len(others) == len(gradients) > 0
    for gradient, expected_gradient in zip(gradients, others, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-4)


def test_no_cache_is_kept_that_cannot_be_continued() -> None:
    ids, mask = batch()
    windowed = tiny_model("mistral", sliding_window=10)
    checkpointed = tiny_model("llama")
    checkpoint_layers(checkpointed)

    assert read_texts(windowed, ids, mask, room=1).cache is None
    assert read_texts(checkpointed.train(), ids, mask, room=1).cache is None
    assert read_texts(checkpointed.eval(), ids, mask, room=1).cache is not None
    assert read_texts(checkpointed.eval(), ids, mask, room=0).cache is None
