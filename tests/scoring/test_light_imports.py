from __future__ import annotations

import subprocess
import sys

HEAVY = {
    *("accelerate", "datasets", "pandas", "peft", "polars", "pyarrow", "scipy", "sklearn"),
    *("torch", "transformers", "trl"),
}
TRAINING = {"accelerate", "datasets", "peft", "torch", "transformers", "trl"}

IMPORTS = """
import sys
import saysel.report, saysel.report.alarms, saysel.report.console, saysel.scoring
from saysel.registry import find, names

for name in names("metric"):
    find("metric", name)
print(*sorted(sys.modules))
"""
WITHOUT_TRAINING = """
import sys
sys.modules.update(dict.fromkeys({training}))  # importing one of them fails from here on
from pathlib import Path
from saysel.recipes.evaluate import Evaluate
from saysel.records import Prediction
from saysel.report import Report, Row, write
from saysel.scoring import Method, compare, score, to_arrays

predictions = [Prediction(f"q{{i}}", "", "a", None, i / 40, float(i % 3 > 0)) for i in range(40)]
metrics = Evaluate().metrics
table = score(to_arrays(predictions), metrics, resamples=20)
assert table["accuracy"].low < table["accuracy"].value < table["accuracy"].high
compare([Method("a", predictions), Method("b", predictions)], metrics, resamples=20)
row = Row("", "base", "verbalized", "all", tuple(predictions), table.scores, 40, metrics=metrics)
write(Report("r", "r", {{}}, {{}}, (row,), {{}}, {{}}), Path({directory!r}))
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_scoring_metrics_and_report_loads_no_heavy_library():
    assert not HEAVY & set(run(IMPORTS).split())


def test_scores_comparisons_and_reports_need_no_training_library(tmp_path):
    run(WITHOUT_TRAINING.format(training=sorted(TRAINING), directory=str(tmp_path)))
    assert (tmp_path / "index.html").is_file()
