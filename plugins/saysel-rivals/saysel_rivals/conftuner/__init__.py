"""ConfTuner (arXiv 2508.18847): the tokenized Brier score as a loss."""
