from __future__ import annotations

from saysel.rationales.none import NoRationaleWriter
from saysel.records import Rationale
from saysel.testing import check_rationale, clusters, question


def test_contract() -> None:
    check_rationale(NoRationaleWriter())


def test_it_writes_nothing_and_that_is_no_failure() -> None:
    items = [(question(id="a"), clusters({"Paris": 2}, "a")), (question(id="b"), [])]

    assert NoRationaleWriter().write(items) == [Rationale("a", ""), Rationale("b", "")]
