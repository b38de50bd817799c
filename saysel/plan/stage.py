"""What a stage is: the steps it adds to a plan, what they cost, and how they run.

A stage is one file of `saysel/stages/` with one subclass of `Stage`, and one line in
`saysel.plan.stage_names`. An instance is one step of a plan: the stage with the recipe and the
inputs it reads.

    @dataclass(frozen=True, kw_only=True, eq=False)
    class CountStage(Stage):
        \"\"\"Count the words of each response.\"\"\"

        stage: ClassVar[str] = "count"

        @classmethod
        def cell_steps(cls, cell):
            for sample in cell.of(SampleStage):
                yield cls(recipe=cell.recipe, inputs={"sample": sample})

        def content(self):
            return {"unit": "words"}

        def run(self, context):
            responses = context.records(self.inputs["sample"], Response)
            return {"words": sum(len(response.text.split()) for response in responses)}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from saysel.plan.context import StageContext
from saysel.plan.estimates import Amount, RequestEstimate
from saysel.plan.fingerprint import fingerprint
from saysel.recipes.matrix import Choice
from saysel.recipes.recipe import Recipe
from saysel.recipes.values import shortened
from saysel.storage.markers import finished

#: Name of the model that no training phase has changed.
BASE = "base"


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage(ABC):
    """One step of a plan.

    Attributes:
        recipe: of the first cell that needs the step.
        inputs: the steps whose records it reads, by role.
        model: name of the model that the step makes or asks: `base`, or a training phase.
    """

    #: The stage's name, as in `STAGES` and on the command line.
    stage: ClassVar[str]
    #: True: what it makes is only used for training. A recipe that trains nothing runs it if
    #: `--until` names such a stage.
    makes_training_data: ClassVar[bool] = False
    #: True: it leaves a model in its directory (`saysel.storage.models`).
    makes_model: ClassVar[bool] = False
    #: False: it writes outside its directory, so its result cannot be copied from another run.
    is_collected: ClassVar[bool] = True
    #: True: it trains, so that its work is timed by the step, not by the token.
    trains: ClassVar[bool] = False

    recipe: Recipe
    inputs: Mapping[str, Stage] = field(default_factory=dict)
    model: str = BASE

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        """The steps that it adds to a cell.

        Args:
            cell: with the steps of the stages before this one.
        """
        return ()

    @classmethod
    def run_steps(cls, recipe: Recipe, cells: Sequence[Cell]) -> Iterable[Stage]:
        """The steps that it adds once for all cells, for stages that read all of them.

        Args:
            recipe: with its matrix.
            cells: with the steps of the stages before this one.
        """
        return ()

    @property
    def name(self) -> str:
        """The stage, with the phase, model or estimator where there are several."""
        return self.stage

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """What determines its result beyond its inputs, in JSON types; see `identity`."""

    def splits(self) -> tuple[str, ...]:
        """The splits of the source that it reads, which are validated before the run."""
        return ()

    def work(self) -> Amount:
        """How much there is to do at most; every reply is taken to be as long as allowed.

        Raises:
            DataError: the source's questions cannot be used.
        """
        return Amount(0, "")

    def requests(self) -> Iterator[RequestEstimate]:
        """What it asks of servers; helpers are in `saysel.plan.estimates`."""
        return iter(())

    @abstractmethod
    def run(self, context: StageContext) -> dict[str, Any]:
        """Read records, call components, write records.

        Called again after a crash with the same directory, it continues from what is there.

        Returns:
            What the manifest records of it; `tokens` are those generated.
        """

    def is_done(self, run_directory: Path) -> bool:
        """Whether the step has nothing to do in a run directory.

        Raises:
            DamagedFile: its files are not those that were written.
        """
        return finished(self.directory_in(run_directory)) is not None

    @cached_property
    def fingerprint(self) -> str:
        """12 hex digits; steps of one fingerprint give the same result."""
        inputs = {role: step.fingerprint for role, step in self.inputs.items()}
        return fingerprint(self.stage, self.content(), inputs)

    @cached_property
    def directory(self) -> str:
        """Name of its directory below `stages/`."""
        return f"{shortened(self.name)}-{self.fingerprint}"

    def directory_in(self, run_directory: Path) -> Path:
        """The directory that holds what it makes."""
        return run_directory / "stages" / self.directory


StageType = TypeVar("StageType", bound=Stage)


@dataclass(frozen=True)
class Cell:
    """One combination of the matrix.

    Attributes:
        label: `rationale=llm,seed=1`; empty without a matrix.
        recipe: the cell's own recipe.
        steps: everything it needs, in order.
        number: from 1, in the order of the matrix.
        choices: its value of each axis of the matrix, by the axis's name.
    """

    label: str
    recipe: Recipe
    steps: tuple[Stage, ...] = ()
    number: int = 1
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def of(self, stage: type[StageType]) -> list[StageType]:
        """The steps of one stage."""
        return [step for step in self.steps if isinstance(step, stage)]

    def models(self) -> dict[str, Stage]:
        """The steps that make a model, by the model's name, in the order of training."""
        return {step.model: step for step in self.steps if step.makes_model}


@dataclass(frozen=True)
class Plan:
    """All cells, and their steps once each, in an order in which they can run.

    Attributes:
        recipe: with its matrix.
        cells: one per combination of the matrix.
        steps: cell by cell, each where it is first needed; then those that read all cells.
    """

    recipe: Recipe
    cells: tuple[Cell, ...]
    steps: tuple[Stage, ...]

    def of(self, stage: type[StageType]) -> list[StageType]:
        """The steps of one stage."""
        return [step for step in self.steps if isinstance(step, stage)]

    def cell_of(self, step: Stage) -> Cell | None:
        """The first cell that needs a step; `None` for a step that reads all cells."""
        return next((cell for cell in self.cells if step in cell.steps), None)
