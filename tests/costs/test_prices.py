from __future__ import annotations

from pathlib import Path

import pytest

from saysel.costs.prices import Price, packaged, price
from saysel.errors import DataError


def test_the_packaged_prices_are_complete() -> None:
    assert len(packaged()) >= 10
    assert all(one.input > 0 and one.output >= one.input for one in packaged().values())


@pytest.mark.parametrize("dated", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-20240718"])
def test_a_dated_version_costs_what_its_model_costs(dated: str) -> None:
    assert price(dated) == packaged()["gpt-4o-mini"]


def test_a_dated_version_can_have_its_own_price() -> None:
    assert price("gpt-4o-2024-05-13") == Price(5, 15)


def test_the_price_of_an_unlisted_model_is_unknown() -> None:
    assert price("gpt-4o-mini-tuned") is None


def test_the_users_file_takes_precedence(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("mine: [1, 2.5]\ngpt-4o: [0, 0]\n")

    assert price("mine", str(file)) == Price(1, 2.5)
    assert price("gpt-4o-2024-08-06", str(file)) == Price(0, 0)
    assert price("gpt-4o-mini", str(file)) == packaged()["gpt-4o-mini"]


def test_dollars_are_per_million() -> None:
    assert Price(2, 10).of(500_000, 100_000) == 2.0


@pytest.mark.parametrize(
    "text", ["[1, 2]", "m: 3", "m: [1]", "m: [1, -2]", "m: [a, 2]", "m: [.nan, 1]", "m: ["]
)
def test_an_invalid_price_file_is_reported_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(text)

    with pytest.raises(DataError, match=r"^prices: .*prices\.yaml: ") as caught:
        price("m", str(tmp_path / "prices.yaml"))
    assert "\n" not in str(caught.value)


def test_a_missing_price_file_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        price("m", str(tmp_path / "missing.yaml"))
