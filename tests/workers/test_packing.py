from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from saysel import registry
from saysel.errors import StageError
from saysel.interfaces import RewardFn
from saysel.registry import build
from saysel.workers import outcome, pack, unpack
from saysel.workers.outcomes import Failure

PLUGIN = '''
import saysel
from saysel.interfaces import RewardFn


class Flat(RewardFn):
    """The same for all."""

    height: float = 1.0

    def reward(self, correct, confidence):
        return [self.height for _ in correct]


@saysel.hookimpl
def saysel_rewards():
    return {"flat": "sayselfile:Flat"}
'''
#: Unpacks what standard input holds, in a folder without a sayselfile.
WORKER = """
import sys
from saysel.workers import unpack
print(unpack(sys.stdin.buffer.read()).reward([1.0, 0.0], [0.5, None]))
"""


def test_a_component_of_a_sayselfile_works_where_the_file_is_not(tmp_path: Path) -> None:
    source, elsewhere = tmp_path / "sayselfile.py", tmp_path / "elsewhere"
    source.write_text(PLUGIN)
    elsewhere.mkdir()
    try:
        registry.use_sayselfile(tmp_path)
        packed = pack(build("reward", {"use": "flat", "height": 3.0}))
    finally:
        registry.use_sayselfile()
    source.unlink()

    done = subprocess.run(
        [sys.executable, "-c", WORKER], input=packed, cwd=elsewhere, capture_output=True
    )

    assert done.stdout.decode() == "[3.0, 3.0]\n", done.stderr.decode()


def test_what_is_packed_comes_out_again() -> None:
    reward = build("reward", "quadratic")
    assert isinstance(reward, RewardFn)
    again = unpack(pack(partial(reward.reward, [1.0])))

    assert again([1.0]) == reward.reward([1.0], [1.0])


def test_what_cannot_be_pickled_is_one_line() -> None:
    with pytest.raises(StageError, match=r"cannot be sent to another process \(.*lambda") as raised:
        pack(lambda: None)

    assert "\n" not in str(raised.value)


def test_an_error_of_a_worker_is_raised_with_its_traceback() -> None:
    failure = outcome(lambda item: 1 / item, 0).failure
    assert isinstance(failure, Failure)
    error = failure.error()

    assert isinstance(error, ZeroDivisionError)
    assert "1 / item" in str(error.__cause__)
