"""A run directory as an object: its scores, predictions and report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from saysel.api.rows import prediction_records, require_predictions, row_key, stored_rows
from saysel.display.tables import aligned, html_table
from saysel.errors import UsageError
from saysel.mirror import is_run, working_copy
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.plan.stage import Cell, Plan
from saysel.recipes.recipe import Recipe, load
from saysel.records import ModelRef
from saysel.report import Row, is_whole, read_metrics
from saysel.report.alarms import alarms
from saysel.report.console import score_table, score_text
from saysel.report.settings_tables import caption, settings_table
from saysel.scoring import ScoreTable
from saysel.storage.mirrors import mirror_of


class Run:
    """A run directory, as `saysel run` writes it.

        run = saysel.Run("runs/quickstart")
        run.scores["ppo:verbalized"]["ece"].value
        pandas.DataFrame(run.predictions)

    Attributes:
        directory: the run directory; of a run on shared storage (`s3://…`), its working copy, where
            files are fetched when they are read.
        ran: names of the steps that had something to do when `saysel.run` made this object.
        notes: remarks on the scores, one line each; from `saysel.run` only.
    """

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        ran: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Open a run directory.

        Args:
            ran, notes: see above.

        Raises:
            UsageError: it is not a run directory.
            StageError: it is on shared storage, which cannot be reached.
        """
        self.directory = working_copy(directory, to_read=True)
        self.ran = tuple(ran)
        self.notes = tuple(notes)

    @staticmethod
    def exists(directory: str | PathLike[str]) -> bool:
        """Whether a directory is a run directory."""
        return is_run(directory)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe, with every default written out."""
        return load(self.directory / "recipe.yaml")

    @cached_property
    def plan(self) -> Plan:
        """The steps of the recipe."""
        return plan(self.recipe)

    @property
    def complete(self) -> bool:
        """Whether all stages are done, the report included."""
        from saysel.runs.run import pending

        return not pending(self.plan, self.directory)

    @property
    def report(self) -> Path:
        """The report page.

        Raises:
            UsageError: there is none yet.
        """
        if not is_whole(self.directory / "report"):
            raise UsageError(f"{self.directory}: the report is missing: saysel run writes it")
        return self.directory / "report" / "index.html"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the report: a model, asked in one way, with its predictions and scores.

        The row of the ideal observer, where there is one, comes without predictions.

        Raises:
            DamagedFile: the report or predictions are missing, or are not what was written.
        """
        return tuple(stored_rows(self.directory, self.plan))

    @cached_property
    def scores(self) -> dict[str, ScoreTable]:
        """The scores of each row by its name, such as `ppo:verbalized`, or `ideal`.

        In a matrix run the label of the cell is put before it: `seed=1:ppo:verbalized`.

        Raises:
            DamagedFile: see `rows`.
        """
        return {
            row_key(row): ScoreTable(row.scores, row.n, row.missing, declined=row.declined)
            for row in self.rows
        }

    @property
    def settings_record(self) -> dict[str, Any] | None:
        """`settings` of `metrics.json`: a matrix run's settings; `None` without a matrix.

        Raises:
            DamagedFile: the report is missing or damaged.
        """
        return read_metrics(self.directory).get("settings")

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The settings of a matrix run with their seeds pooled, for `pandas.DataFrame`.

        One record per setting and metric, with the columns of `settings.csv`; empty without a
        matrix.

        Raises:
            DamagedFile: see `settings_record`.
        """
        from saysel.report.settings_tables import setting_records

        return [] if self.settings_record is None else setting_records(self.settings_record)

    def rows_of(self, cell: str | None) -> tuple[Row, ...]:
        """The rows of one cell, see `last_model`; all rows for `None`."""
        if cell is None:
            return self.rows
        label = chosen_cell(self.directory, self.plan, cell).label
        return tuple(row for row in self.rows if row.cell == label)

    @property
    def alarms(self) -> tuple[str, ...]:
        """Warnings of misleading numbers, each with the name of its row."""
        return tuple(f"{alarm.row}: {alarm.text}" for alarm in alarms(self.rows))

    @cached_property
    def predictions(self) -> list[dict[str, Any]]:
        """All predictions as records, for `pandas.DataFrame(run.predictions)`.

        Each has `cell`, `model`, `estimator`, `question_id`, `question`, `answers` (the accepted
        ones), `answer`, `rationale`, `confidence`, `correct`, `tokens`, `response` and `declined`.
        """
        return prediction_records(self.directory, self.plan, self.rows)

    def last_model(self, cell: str | None = None) -> tuple[Recipe, ModelRef]:
        """A cell's recipe, and the last model that the run has finished.

        Args:
            cell: label of the cell of a matrix run, or a part of it that no other cell has.

        Raises:
            UsageError: there is no model yet, or no such cell.
        """
        from saysel.export.model import last_model

        chosen = chosen_cell(self.directory, self.plan, cell)
        return chosen.recipe, last_model(self.directory, self.plan, chosen)[1]

    def export_model(
        self,
        to: str | PathLike[str] | None = None,
        *,
        merge: bool = False,
        license: str = "unknown",
        cell: str | None = None,
    ) -> Path:
        """Write the last model with a model card, for transformers and vLLM.

        Args:
            to: a directory that is new or empty; by default `export/model` in the run directory,
                unless that is on shared storage.
            merge: add an adapter to the weights of its base.
            license: for the model card, as the hub names it: `mit`, `apache-2.0` …
            cell: see `last_model`.

        Returns:
            The directory.

        Raises:
            SayselError: see `saysel.export.model.write_model`.
        """
        from saysel.export.model import write_model

        chosen = chosen_cell(self.directory, self.plan, cell)
        directory = Path(to) if to is not None else self._export_directory() / "model"
        return write_model(self.directory, self.plan, chosen, directory, merge, license)

    def export_predictions(
        self,
        to: str | PathLike[str] | None = None,
        *,
        license: str = "unknown",
        cell: str | None = None,
    ) -> list[Path]:
        """Write the predictions as logs of lm-evaluation-harness and Inspect, and as a data set.

        Args:
            to: a directory; by default `export` in the run directory, unless that is on shared
                storage.
            license: for the data set's card, as the hub names it.
            cell: see `last_model`; by default all cells.

        Returns:
            The files.

        Raises:
            UsageError: predictions or the report are missing, or `to` for a run on shared storage.
        """
        from saysel.export import write_predictions

        require_predictions(self.directory, self.plan)
        cells: Sequence[Cell] = self.plan.cells
        if cell is not None:
            cells = [chosen_cell(self.directory, self.plan, cell)]
        if not (self.directory / "report" / "metrics.json").is_file():
            raise UsageError(
                f"{self.directory}: the report is missing: saysel report {self.directory}"
            )
        directory = Path(to) if to is not None else self._export_directory()
        return write_predictions(self.directory, cells, directory, license)

    def _export_directory(self) -> Path:
        """Where exports are written by default; a working copy is not a place to look for them."""
        mirror = mirror_of(self.directory)
        if mirror is not None:
            raise UsageError(
                f"{mirror.address}: this run is on shared storage: choose a directory of this "
                "machine for the export with --to"
            )
        return self.directory / "export"

    def draw_report(self, *, cell: str | None = None, figures: Sequence[str] = ()) -> Path:
        """Write the report again from the stored predictions.

        Args:
            cell: write a report of this cell alone, below `report/cells`; see `last_model`.
            figures: further formats of the figures, which are SVG: `pdf`, `png`.

        Returns:
            The page.

        Raises:
            UsageError: predictions are missing, or there is no such cell.
            RunBusy: another process works in the directory.
        """
        from saysel.export import file_name
        from saysel.report.figures.export import export_figures
        from saysel.runs.lock import locked
        from saysel.stages.report import ReportStage
        from saysel.storage import read_record

        require_predictions(self.directory, self.plan)
        again = f"saysel run {self.directory / 'recipe.yaml'} --out {self.directory}"
        whole = page = self.directory / "report"
        (step,) = self.plan.of(ReportStage)
        with locked(self.directory):
            manifest = read_record(self.directory / "manifest.json", f"write it again: {again}")
            if cell is None or not is_whole(whole):
                step.draw(self.directory, manifest)
                self.__dict__.pop("rows", None)
            if cell is not None:
                chosen = chosen_cell(self.directory, self.plan, cell)
                page = whole / "cells" / file_name(chosen.label)
                step.draw_cell(self.directory, manifest, chosen, page)
            export_figures(page / "figures", figures)
        return page / "index.html"

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    def __str__(self) -> str:
        if (record := self.settings_record) is not None:
            header, lines, names = settings_table(record)
            return "\n".join([*aligned([header, *lines], range(names)), caption(record)])
        return "\n".join([score_text(self.rows), *(f"! {alarm}" for alarm in self.alarms)])

    def _repr_html_(self) -> str:
        header, lines, names = score_table(self.rows)
        alarms = "".join(f"<p>⚠ {escape(alarm)}</p>" for alarm in self.alarms)
        return html_table(header, lines, range(names), caption=str(self.directory)) + alarms
