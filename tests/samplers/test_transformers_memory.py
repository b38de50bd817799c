"""Memory that really runs out, in a separate process with a memory limit."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from saysel import hf
from saysel.records import ModelRef
from tests.docs.blocks import ROOT

#: Samples with so many MB more than are in use, and says how large the batches were.
PROGRAM = """\
import json, resource, sys
from saysel.errors import SayselError
from saysel.records import ModelRef
from saysel import hf
from saysel.samplers.transformers import TransformersSampler

model, more, n = ModelRef(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
prompts = [[{"role": "user", "content": "Why? " * row}] for row in range(1, 9)]
sampler = TransformersSampler(max_tokens=2, batch_size=10**6)
list(sampler.sample(model, prompts[:1], 1, 0))
sampler = sampler.model_copy(update={"max_tokens": int(sys.argv[4])})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (more << 20), resource.RLIM_INFINITY))
tried, generate = [], hf.generate

def watched(lm, tokenizer, prompts, n, *rest):
    tried.append((len(prompts), n))
    return generate(lm, tokenizer, prompts, n, *rest)

hf.generate = watched
try:
    samples = [[one.text for one in many] for many in sampler.sample(model, prompts, n, 0)]
    scores = sampler.logprobs(model, prompts * 4, ["Why not?"] * 32)
    print(json.dumps({"tried": tried, "sizes": list(map(len, samples)), "scores": scores}))
except SayselError as error:
    print(json.dumps({"tried": tried, "error": str(error)}))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process' memory"),
]


@pytest.fixture(scope="module")
def wide(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model whose logits take a quarter of a MB for each reply."""
    model, place = hf.load_model(small_model), tmp_path_factory.mktemp("wide")
    model.resize_token_embeddings(65_536)
    model.config.max_position_embeddings = 10**9  # memory is what ends first
    hf.save(model, hf.load_tokenizer(small_model), place)
    return ModelRef(str(place), dtype="float32")


def sampled(model: ModelRef, more: int, n: int, max_tokens: int = 2) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, model.path, str(more), str(n), str(max_tokens)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_batches_are_halved_until_they_fit(wide: ModelRef) -> None:
    found = sampled(wide, 120, 32)

    tried = found["tried"]
    assert isinstance(tried, list)
    assert tried[0] == [8, 32] and tried[1] == [4, 32]
    assert found["sizes"] == [32] * 8
    # What is scored in small batches is scored as ever.
    scores = found["scores"]
    assert isinstance(scores, list) and len(scores) == 32
    assert all(scores[row] == pytest.approx(scores[row % 8], abs=1e-4) for row in range(32))


def test_the_samples_of_one_prompt_are_halved_too(wide: ModelRef) -> None:
    found = sampled(wide, 60, 256)

    assert [1, 128] in found["tried"]  # type: ignore[operator]
    assert found["sizes"] == [256] * 8


def test_a_prompt_that_never_fits_is_one_line(wide: ModelRef) -> None:
    found = sampled(wide, 120, 2, max_tokens=100_000_000)

    assert found["tried"] == [[8, 2], [4, 2], [2, 2], [1, 2], [1, 1]]
    assert "memory runs out on a single prompt of" in str(found["error"])
    assert "\n" not in str(found["error"])
