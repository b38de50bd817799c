# %% [markdown]
# # Score predictions, compare two methods
#
# The metrics of saysel need no model and no run: a data frame, arrays or a file with stated
# confidences is enough. `pip install saysel` installs what this needs, without torch.
#
# Two invented methods give the same answers to 600 questions. The first always states 80 %; the
# second knows which questions are hard.

# %%
import numpy as np
import pandas as pd

import saysel

random = np.random.default_rng(0)
chance = random.uniform(0.3, 1.0, size=600)
answers = pd.DataFrame(
    {"id": [f"q{n}" for n in range(600)], "correct": random.uniform(size=600) < chance}
)
constant = answers.assign(confidence=0.8)
informed = answers.assign(confidence=chance.round(1))

saysel.score(constant, metrics=["accuracy", "ece", "brier", "auroc", "distinct_confidences"])

# %% [markdown]
# Every value has a 95 % interval. A line with ⚠ below a table is an alarm: a method that states one
# confidence for all answers can look calibrated and still not distinguish a single answer.
#
# Without `metrics`, the usual ones are computed:

# %%
scores = saysel.score(informed)
scores

# %% [markdown]
# Rest the pointer on a metric to read what it means. Single numbers:

# %%
scores["brier"].value, scores["brier"].low, scores["brier"].high

# %% [markdown]
# Is the second method better, or is the difference chance? Both are resampled on the same
# questions, and p-values are corrected for the number of tests:

# %%
saysel.compare(
    constant, informed, names=["constant", "informed"], metrics=["accuracy", "ece", "brier"]
)

# %% [markdown]
# Arrays and lists work as well. `None` or NaN stands for a confidence that the model did not state;
# it is counted, and never replaced by a number.

# %%
saysel.score(
    {"correct": [1, 0, 1, 1], "confidence": [0.9, 0.4, None, 0.7]}, metrics=["brier", "parse_rate"]
)

# %% [markdown]
# Columns of other names and percentages are named. For whole replies that have to be parsed, or
# answers that have to be judged, see [Score a file](../how-to/score-a-file.md): the function has
# the same options as the command.

# %%
percent = pd.DataFrame({"p_true": [90, 40, 70, 55], "correct": [1, 0, 1, 0]})
saysel.score(percent, columns={"confidence": "p_true"}, scale=100, metrics=["accuracy", "brier"])
