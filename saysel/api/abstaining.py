"""Answer or abstain: gives an answer only if its confidence keeps the share of wrong ones low."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

from saysel.api.run_directory import Run
from saysel.display.numbers import percent
from saysel.errors import UsageError
from saysel.plan.cell_choice import chosen_cell
from saysel.records import Prediction
from saysel.scoring import clusters_of, to_arrays
from saysel.scoring.bootstrap import cluster_count
from saysel.scoring.risk_control import DELTA, Threshold, safe_threshold
from saysel.storage import read_records


@dataclass(frozen=True)
class AnswerOrAbstain:
    """The rule for one model of a run.

        rule = AnswerOrAbstain.of_run("runs/quickstart", risk=0.1)
        rule.withholds(0.6)  # why an answer with this confidence is withheld; None: it is given

    With probability 1 - delta over the run's questions, at most a share `risk` of the answers that
    are given to other questions of the same kind are wrong. If questions belong to clusters, the
    probability is approximate, see `saysel.scoring.risk_control`.

    Attributes:
        risk: largest share of wrong answers among those that are given.
        threshold: from which confidence on they are given; `None`: none keeps the risk.
        questions, split: number of judged questions that the threshold was chosen on, and their
            split.
        delta: probability that the guarantee fails.
        clusters: that the questions belong to; `None` if they are independent.
    """

    risk: float
    threshold: Threshold | None
    questions: int
    split: str
    delta: float = DELTA
    clusters: int | None = None

    @classmethod
    def of_run(
        cls,
        run: Run | str | PathLike[str],
        risk: float,
        *,
        cell: str | None = None,
        delta: float = DELTA,
    ) -> AnswerOrAbstain:
        """The rule for the run's last model, asked for its confidence like in `saysel.ask`.

        The threshold is chosen on the predictions of the recipe's evaluation.

        Args:
            run: a run, or the path of a run directory.
            cell: the cell of a matrix run.

        Raises:
            UsageError: the risk is not between 0 and 1; it is not a run directory; or the run has
                not evaluated its last model with `verbalized`.
        """
        if not 0 < risk < 1:
            raise UsageError(f"--risk must be above 0 and below 1, such as 0.1 (got {risk:g})")
        if not isinstance(run, Run):
            if not Run.exists(run):
                raise UsageError(
                    f"{run}: --risk needs a run directory, whose predictions it chooses the "
                    "threshold on"
                )
            run = Run(run)
        split, predictions, clusters = _evaluated(run, cell)
        judged = to_arrays(predictions, clusters)
        threshold = safe_threshold(judged, risk, delta)
        number = cluster_count(judged.cluster, len(judged)) if clusters else None
        return cls(risk, threshold, len(judged), split, delta, number)

    def withholds(self, confidence: float | None) -> str | None:
        """Why an answer with this confidence is withheld; `None` if it is given."""
        if self.threshold is None:
            return f"no confidence keeps the share of wrong answers at {self.risk:.1%}"
        if confidence is None:
            return "it states no confidence"
        if not self.threshold.accepts(confidence):
            threshold = percent(self.threshold.confidence)
            return f"its confidence of {percent(confidence)} is below {threshold}"
        return None

    def __str__(self) -> str:
        where = f"{self.questions:,} questions of the split '{self.split}'"
        more, probability = "questions", f"{1 - self.delta:.0%}"
        if self.clusters is not None:
            where += f", which belong to {self.clusters:,} clusters"
            more, probability = "clusters", f"approximately {probability}"
        if self.threshold is None:
            return (
                f"every answer is withheld: no confidence keeps the share of wrong answers at "
                f"{self.risk:.1%} on the {where}; allow a larger risk, or evaluate on more {more}"
            )
        return (
            f"answers with a confidence of {percent(self.threshold.confidence)} or more are given: "
            f"{self.threshold.wrong:,} of {self.threshold.answers:,} were wrong on the {where}; "
            f"with probability {probability}, at most {self.risk:.1%} of those given to other "
            "questions of this kind are wrong"
        )


def _evaluated(run: Run, cell: str | None) -> tuple[str, list[Prediction], Mapping[str, str]]:
    """The last model's evaluation by its stated confidence.

    Returns:
        The split, the predictions, and the cluster of each question by id.
    """
    from saysel.estimators.verbalized import VerbalizedEstimator
    from saysel.export.model import last_model
    from saysel.recipes.questions import questions
    from saysel.stages.evaluate import EvaluateStage

    chosen = chosen_cell(run.directory, run.plan, cell)
    made, _ = last_model(run.directory, run.plan, chosen)
    for step in chosen.of(EvaluateStage):
        estimator = step.estimator
        as_asked = isinstance(estimator, VerbalizedEstimator) and estimator.style == "trained"
        if as_asked and step.model == made.model and step.is_done(run.directory):
            predictions = read_records(step.directory_in(run.directory), Prediction)
            evaluate = chosen.recipe.evaluate
            clusters: Mapping[str, str] = {}
            if evaluate.cluster is not None:
                clusters = clusters_of(questions(chosen.recipe, evaluate.split), evaluate.cluster)
            return evaluate.split, list(predictions), clusters
    raise UsageError(
        f"{run.directory}: --risk needs the predictions of '{made.model}' by the estimator "
        f"'verbalized': add it to evaluate.estimators, and run saysel run again"
    )
