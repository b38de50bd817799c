"""The names of the stages; the command line knows them without loading the stages."""

#: In the order of the line from question to report.
STAGES = (
    *("model", "sample", "cluster", "rationale", "target", "train", "evaluate"),
    *("faithfulness", "grade", "report"),
)
#: What examples to train on are made in. A recipe that trains nothing runs them if `--until` names
#: one of them.
DATA = ("sample", "cluster", "rationale", "target")
