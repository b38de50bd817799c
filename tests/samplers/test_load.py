"""Four thousand requests through a server that spoils every fifth."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from saysel.costs.ledger import Ledger
from saysel.records import ModelRef
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.remote import requester
from tests.docs.blocks import ROOT
from tests.support.api_server import FAULTS

pytestmark = pytest.mark.slow
PROMPTS, SAMPLES = 4_000, 2


def test_every_response_is_there_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)
    prompts = [[{"role": "user", "content": f"question {row}"}] for row in range(PROMPTS)]
    ledger = Ledger(tmp_path, "sample-1")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.api_server", "0.2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdin and process.stdout
        sampler = OpenAISampler(
            base_url=process.stdout.readline().strip(), concurrency=64, timeout=5, retries=12
        )
        with ledger.opened():
            found = list(sampler.sample(ModelRef("small"), prompts, SAMPLES, 0))
        process.stdin.close()
        made = json.loads(process.stdout.read())

    assert all(made[fault] > 50 for fault in FAULTS), made
    texts = [one.text for samples in found for one in samples]
    assert len(texts) == len(set(texts)) == PROMPTS * SAMPLES
    for row, samples in enumerate(found):
        assert all(one.text.startswith(f"question {row} #") for one in samples)
    with sqlite3.connect(tmp_path / "responses.sqlite") as store:
        kept = store.execute("SELECT text FROM responses").fetchall()
    assert sorted(text for (text,) in kept) == sorted(texts)
    assert ledger.totals()["requests"] >= PROMPTS
