"""LACIE (arXiv 2405.21028): DPO on the preferences of a listener."""
