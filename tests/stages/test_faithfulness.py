from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.clusterers.embedding import EmbeddingClusterer
from saysel.formats.sayself import SaySelfFormat
from saysel.formats.tags import TagsFormat
from saysel.interfaces import Format, Sampler
from saysel.recipes.recipe import Recipe
from saysel.records import Generation, ModelRef, Prediction, Reflection
from saysel.stages.faithfulness import ReflectShard, exchanged, lead, meanings, responses
from saysel.storage import Shards
from saysel.testing import question
from tests.support.end_to_end import measure_rationales, results


class Canned(Sampler):
    """Says the same things to everybody, and cannot look inside."""

    said: tuple[str, ...]

    def sample(
        self, model: ModelRef, prompts: Any, n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for _ in prompts:
            yield [Generation(text, 4) for text in (self.said * n)[:n]]


RECIPE = Recipe.model_validate({"name": "mine", "source": "witness"})


# --------------------------------------------------------------------------------- its parts


def test_the_reply_is_grouped_with_the_fresh_samples_and_counts_in_no_share() -> None:
    fresh = [Generation(f"Answer: {answer}", 4) for answer in ("Rome", "rome", "Oslo", "the Oslo")]
    fresh.append(Generation("Well.", 2))
    samples = responses(RECIPE.format, question(), fresh)

    found = meanings(RECIPE, question(), Prediction("q", "…", "ROME", "Hm.", 0.5), samples)
    assert [(one.wordings, one.share, one.own) for one in found] == [
        (("Rome", "rome", "ROME"), 0.4, True),
        (("Oslo", "the Oslo"), 0.4, False),
    ]

    # An answer that no fresh sample gives is still there, with a share of 0.
    found = meanings(RECIPE, question(), Prediction("q", "…", "Bern", "Hm.", 0.5), samples)
    assert found[-1].wordings == ("Bern",) and (found[-1].share, found[-1].own) == (0, True)

    found = meanings(RECIPE, question(), Prediction("q", "…", None, "Hm.", 0.5), samples)
    assert not any(one.own for one in found)


def test_the_reply_has_a_meaning_if_its_clusterer_drops_answers_given_once(minilm: str) -> None:
    cluster = EmbeddingClusterer(model=minilm, instruction="", threshold=0.6, drop_singletons=True)
    recipe = RECIPE.model_copy(update={"cluster": cluster})
    fresh = [Generation(f"Answer: {answer}", 4) for answer in ("Rome", "Rome", "photosynthesis")]
    samples = responses(RECIPE.format, question(), fresh)

    def found(answer: str | None) -> list[tuple[tuple[str, ...], float, bool]]:
        explained = Prediction("q", "…", answer, "Hm.", 0.5)
        meant = meanings(recipe, question(), explained, samples)
        return [(one.wordings, round(one.share, 3), one.own) for one in meant]

    rome = (("Rome",), 0.667, False)
    assert found("a bicycle") == [rome, (("a bicycle",), 0, True)]
    assert found("photosynthesis") == [rome, (("photosynthesis",), 0.333, True)]
    assert found("Rome") == [(("Rome",), 0.667, True)]
    assert found(None) == [rome]


@given(st.lists(st.integers(0, 99), unique=True), st.integers(0, 9))
def test_every_reply_gets_the_rationale_of_another(rows: list[int], seed: int) -> None:
    given_to = exchanged(rows, seed)

    assert sorted(given_to) == sorted(rows)
    assert len(rows) < 2 or all(one != other for one, other in zip(rows, given_to, strict=True))
    assert exchanged(rows, seed) == given_to


@pytest.mark.parametrize(
    ("format", "text", "kept", "dropped"),
    [
        (
            SaySelfFormat(),
            "Hm. Answer: Rome Self-reflection: Or Oslo. Confidence: 3",
            "Hm. Answer: Rome Self-reflection: Or Oslo. Confidence:",
            "Hm. Answer: Rome Confidence:",
        ),
        (
            TagsFormat(),
            "<think>Hm.</think> <answer>Rome</answer> <analysis>Or Oslo.</analysis> <confidence>",
            "<think>Hm.</think> <answer>Rome</answer> <analysis>Or Oslo.</analysis> <confidence>",
            "<think>Hm.</think> <answer>Rome</answer> <confidence>",
        ),
    ],
)
def test_the_lead_ends_where_the_confidence_begins(
    format: Format, text: str, kept: str, dropped: str
) -> None:
    told = Reflection("q", text, "Rome", "Or Oslo.", 1.0, 9, 4, ())

    assert lead(format, told, told.rationale) == kept
    assert lead(format, told, None) == dropped


def test_without_log_probabilities_no_confidence_is_read_again() -> None:
    recipe = RECIPE.model_copy(
        update={"sample": Canned(said=("Answer: Rome Self-reflection: Or Oslo.", "Answer: Oslo"))}
    )
    # No such model: it must not be loaded.
    reflect = ReflectShard(recipe, recipe.format, ModelRef("no/such/model"), 4)
    one, other = reflect(7, [question(id="a"), question(id="b")], lambda items: None)

    assert (one.question_id, one.answer, one.rationale) == ("a", "Rome", "Or Oslo.")
    assert (one.kept, one.dropped, one.swapped) == (None, None, None)
    assert (one.samples, one.tokens, one.correct) == (4, 20, 0.0)
    assert [(m.wordings, m.share) for m in one.meanings] == [(("Rome",), 0.5), (("Oslo",), 0.5)]
    assert replace(other, question_id="a") == one


# ------------------------------------------------------------------------------ in a whole run


def reflections(run: Path) -> list[Reflection]:
    (place,) = (run / "stages").glob("faithfulness-sft-*")
    return list(Shards(place, Reflection))


def test_every_question_is_asked_again(reflected_run: Path) -> None:
    told = reflections(reflected_run)

    assert len(told) == 16
    for one in told:
        assert one.samples == 3
        assert sum(meaning.share for meaning in one.meanings) <= 1 + 1e-9
        assert (one.answer is not None) == any(meaning.own for meaning in one.meanings)
        explained = one.answer is not None and one.rationale is not None
        for read in (one.kept, one.dropped, one.swapped):
            assert (read is not None) == explained
            assert read is None or 0 <= read <= 1
    assert any(one.kept is not None for one in told), "nothing was read: the test sees nothing"


def test_the_report_says_how_faithful_rationales_are(reflected_run: Path) -> None:
    content = json.loads((reflected_run / "report" / "metrics.json").read_text())
    (row,) = content["faithfulness"]
    told = reflections(reflected_run)

    assert (row["model"], row["split"], row["n"], row["samples"]) == ("sft", "heldout", 16, 3)
    assert row["rationales"] == sum(one.rationale is not None for one in told)
    moved = [abs(one.kept - one.swapped) for one in told if one.kept is not None]
    assert row["metrics"]["rationale_swap"]["value"] == pytest.approx(sum(moved) / len(moved))
    assert row["metrics"]["rationale_swap"]["used"] == len(moved)
    page = (reflected_run / "report" / "index.html").read_text()
    assert 'id="rationales"' in page and "Mention recall" in page


def test_a_grader_that_knows_nothing_gives_no_grades(reflected_run: Path) -> None:
    (place,) = (reflected_run / "stages").glob("grade-sft-*")
    done = json.loads((place / "done.json").read_text())
    content = json.loads((reflected_run / "report" / "metrics.json").read_text())
    (row,) = content["faithfulness"]

    assert done["grades"] == done["missing"] == row["ungraded"] > 0
    assert row["graded"] == 0
    assert row["metrics"]["grade"]["value"] is None
    assert "grades could not be parsed" in (reflected_run / "report" / "index.html").read_text()


def test_a_lost_shard_is_restored_unchanged(
    reflected_run: Path, tiny_recipe: Path, small_model: ModelRef, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(reflected_run, tmp_path / "tiny"))
    before = results(run)
    for stage in ("faithfulness", "grade"):
        (place,) = (run / "stages").glob(f"{stage}-sft-*")
        (place / "done.json").unlink()
        (place / "part-00000.parquet").unlink()

    assert measure_rationales(tiny_recipe, run, small_model.path).exit_code == 0
    assert results(run) == before


def test_measuring_rationales_leaves_everything_else_as_it_was(
    reflected_run: Path, plain_run: Path
) -> None:
    before, after = results(plain_run), results(reflected_run)

    assert "faithfulness" not in before["metrics"]
    assert after["metrics"]["rows"] == before["metrics"]["rows"]
    assert {key.split("-")[0] for key in after.keys() - before.keys()} == {"faithfulness", "grade"}
    assert {key: after[key] for key in before if key != "metrics"} == {
        key: value for key, value in before.items() if key != "metrics"
    }
