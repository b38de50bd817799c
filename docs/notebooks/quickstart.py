# %% [markdown]
# # The quickstart in a notebook
#
# saysel teaches a language model to state how sure it is, and why. This notebook builds a small
# language model, trains it in two phases (supervised fine-tuning, then PPO), and compares what it
# states before and after. The recipe is the packaged `quickstart`, reduced so that it runs in one
# or two minutes on a CPU; its numbers are therefore worse than
# [those of the full recipe](../../benchmarks/quickstart/README.md).
#
# `pip install "saysel[train]"` installs what this notebook needs, except pandas.

# %%
import pandas as pd

import saysel

reduced = {
    "source.pretrain": 24000,
    "source.train": 600,
    "source.heldout": 400,
    "source.witnesses": 3,
    "sample.n": 10,
    "train.1.steps": 25,
    "train.1.batch_size": 64,
    "evaluate.estimators": ["verbalized"],
    "evaluate.metrics": ["accuracy", "ece", "auroc", "brier", "parse_rate"],
}
saysel.check("quickstart", set=reduced)

# %% [markdown]
# Nothing has run yet: `check` validates the recipe and counts the work of every step. `run` does
# the work. Run the cell again and only steps that are missing or changed are repeated.

# %%
run = saysel.run("quickstart", "runs/notebook", set=reduced)
run

# %% [markdown]
# A row is a model, asked in one way: `base` before training, `sft` and `ppo` after the two phases.
# `ideal` is an observer that knows the true probabilities; no model can do better. Every value has
# a 95 % interval, and a line with ⚠ says what to be careful about. Here the confidence that the
# trained model states fits its accuracy far better than before (ECE, Brier), but it hardly
# separates correct answers from wrong ones (AUROC); the full recipe trains long enough for that.
#
# The scores of a single row:

# %%
run.scores["ppo:verbalized"]

# %% [markdown]
# The difference between two rows is more certain than two separate intervals suggest, because both
# models answered the same questions:

# %%
saysel.compare(
    f"{run.directory}:base", f"{run.directory}:ppo", metrics=["accuracy", "ece", "brier"]
)

# %% [markdown]
# Ask the trained model a question. In this world Nora is nearly always right, and Doris nearly
# never; no story says so, the model has to learn it.

# %%
saysel.ask(run, "Nora says the lantern is in the cellar. Where is the lantern?")

# %% [markdown]
# All predictions, as a data frame:

# %%
predictions = pd.DataFrame(run.predictions)
columns = ["model", "question", "answers", "answer", "confidence", "correct"]
predictions.loc[predictions.model == "ppo", columns].head()

# %% [markdown]
# The report page has the same numbers with figures, and every single reply. Open it in a browser:

# %%
run.report
