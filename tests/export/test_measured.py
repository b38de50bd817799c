from __future__ import annotations

from saysel.export.measured import measured_table


def test_a_name_with_marks_of_markdown_stays_in_its_cell() -> None:
    row = {
        "cell": "prompt=a|b",
        "model": "ppo",
        "estimator": "p_true",
        "n": 1200,
        "split": "heldout",
        "metrics": {"brier": {"value": 0.25, "low": 0.2, "high": 0.3}},
    }

    _, table, _ = measured_table([row])

    assert table.splitlines()[2] == (
        r"| prompt=a\|b | ppo | p\_true | 1,200 (heldout) | 0.250 (0.200 – 0.300) |"
    )
