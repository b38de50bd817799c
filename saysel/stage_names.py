"""The names of the stages; the command line knows them without loading the stages."""

#: In the order of the line from question to report.
STAGES = (
    *("model", "sample", "cluster", "rationale", "target", "train", "evaluate"),
    *("faithfulness", "grade", "report"),
)
