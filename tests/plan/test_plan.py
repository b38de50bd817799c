from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from saysel.errors import RecipeError
from saysel.interfaces import ContentHashed
from saysel.plan.fingerprint import identity
from saysel.plan.plan import plan
from saysel.plan.stage_names import STAGES
from saysel.recipes.faithfulness import Grader
from saysel.recipes.paths import assign
from saysel.recipes.phases import phases
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef
from saysel.rewards.linear import LinearReward
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.grade import GradeStage
from saysel.trainers.ppo.trainer import PPOTrainer
from saysel.trainers.sft import SFTTrainer

RECIPE: dict[str, Any] = {
    "name": "mine",
    "source": "witness",
    "train": ["sft", {"use": "ppo", "reward": "quadratic"}],
    "evaluate": {"estimators": ["verbalized", {"use": "self_consistency", "models": ["base"]}]},
}
ALL = {
    *("model", "sample", "cluster", "rationale", "target", "train-sft", "train-ppo"),
    *("evaluate-base-verbalized", "evaluate-base-self_consistency"),
    *("evaluate-sft-verbalized", "evaluate-ppo-verbalized", "report"),
}
BASE = {"evaluate-base-verbalized", "evaluate-base-self_consistency"}
AFTER_PPO = {"train-ppo", "evaluate-ppo-verbalized", "report"}
AFTER_SFT = AFTER_PPO | {"train-sft", "evaluate-sft-verbalized"}


def recipe(**changes: Any) -> Recipe:
    """The recipe with the values at some paths changed."""
    content: dict[str, Any] = Recipe.model_validate(RECIPE).resolved()
    for path, value in changes.items():
        assign(content, Recipe, path, value)
    return Recipe.model_validate(content)


def changed(before: Recipe, after: Recipe) -> set[str]:
    """Names of the steps that would have to run (again)."""
    done = {step.directory for step in plan(before).steps}
    return {step.name for step in plan(after).steps if step.directory not in done}


def test_the_steps_come_in_an_order_in_which_they_can_run() -> None:
    todo = plan(recipe())

    assert {step.name for step in todo.steps} == ALL
    assert [step.name for step in todo.steps][:7] == [
        *("model", "sample", "cluster", "rationale", "target", "train-sft", "train-ppo")
    ]
    assert todo.steps[-1].stage == "report"
    seen: set[str] = set()
    for step in todo.steps:
        assert {above.directory for above in step.inputs.values()} <= seen
        seen.add(step.directory)
    assert {step.stage for step in todo.steps} == set(STAGES) - {"faithfulness", "grade"}


def test_a_plan_is_the_same_every_time() -> None:
    assert changed(recipe(), recipe()) == set()


@pytest.mark.parametrize(
    "path", ["sample.batch_size", "train[0].micro_batch_size", "train[1].checkpoint_every"]
)
def test_options_that_only_change_speed_repeat_nothing(path: str) -> None:
    assert changed(recipe(), recipe(**{path: 7})) == set()


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        ({"train[1].reward": "linear"}, AFTER_PPO),
        ({"train[1].steps": 7}, AFTER_PPO),
        ({"train[0].epochs": 7}, AFTER_SFT),
        ({"target": "largest_cluster"}, AFTER_SFT | {"target"}),
        ({"rationale.max_answers": 2}, AFTER_SFT | {"target", "rationale"}),
        (
            {"sample.temperature": 0.5},
            ALL - {"model"},
        ),
        # What a model says of itself takes as many samples as its estimators want.
        ({"sample.n": 7}, ALL - {"model"} - BASE),
        ({"seed": 1}, ALL),
        ({"source.train": 10}, ALL),
        ({"model.layers": 2}, ALL),
        ({"report.title": "Another"}, {"report"}),
        ({"evaluate.metrics": ["accuracy"]}, {"report"}),
        ({"name": "other"}, set()),
        # PPO decodes as the evaluation does; SFT does not decode.
        (
            {"evaluate.temperature": 0.1},
            AFTER_PPO
            | {f"evaluate-{model}-verbalized" for model in ("base", "sft")}
            | {"evaluate-base-self_consistency"},
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_change_repeats_the_steps_that_depend_on_it(
    change: dict[str, Any], redone: set[str]
) -> None:
    assert changed(recipe(), recipe(**change)) == redone


def test_files_count_by_their_content(tmp_path: Path) -> None:
    row = '{"question": "Who?", "answer": "Nora"}\n'
    for name, text in (("a", row), ("b", row), ("c", row + row.replace("Who", "When"))):
        (tmp_path / f"{name}.jsonl").write_text(text)
    one, same, other = (
        recipe(source={"use": "jsonl", "path": str(tmp_path / f"{name}.jsonl")}) for name in "abc"
    )

    assert changed(one, same) == set()
    assert changed(one, other) == ALL


def test_a_file_of_any_component_counts_by_its_content(tmp_path: Path) -> None:
    class Listed(LinearReward):
        path: ContentHashed[Path]
        more: ContentHashed[tuple[str, ...]] = ()

    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for path, text in ((one, "a"), (same, "a"), (other, "b")):
        path.write_text(text)
    known = identity(Listed(path=one, more=(str(one),)))

    assert identity(Listed(path=same, more=(str(same),))) == known
    assert identity(Listed(path=other, more=(str(one),))) != known
    assert identity(Listed(path=one, more=(str(other),))) != known
    one.write_text("c")
    assert identity(Listed(path=one, more=(str(same),))) != known
    assert identity(Listed(path=tmp_path / "x")) != identity(Listed(path=tmp_path / "y"))


def test_other_weights_in_the_same_directory_are_another_model(
    small_model: ModelRef, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_model.path, tmp_path / "model"))
    chosen = recipe(model={"use": "pretrained", "path": str(folder)})
    before = [step.fingerprint for step in plan(chosen).steps]
    assert [step.fingerprint for step in plan(chosen).steps] == before

    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert not set(before) & {step.fingerprint for step in plan(chosen).steps}
    grader = Grader.model_validate({"model": {"use": "pretrained", "path": str(folder)}})
    known = identity(grader)
    (folder / "config.json").write_text("{}")
    assert identity(grader) != known


def test_options_of_any_type_have_an_identity() -> None:
    class Odd(LinearReward):
        words: frozenset[str] = frozenset({"b", "a", "c"})
        day: date = date(2026, 1, 2)
        place: Path = Path("here")

    options = identity(Odd())["options"]
    assert options == {"words": ["a", "b", "c"], "day": "2026-01-02", "place": "here"}
    json.dumps(options)


def test_evaluating_further_models_repeats_no_evaluation() -> None:
    more = recipe(**{"evaluate.estimators[1].models": ["base", "ppo"]})

    assert changed(recipe(), more) == {"evaluate-ppo-self_consistency", "report"}


def test_a_raised_version_of_a_component_repeats_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {step.directory for step in plan(recipe()).steps}
    monkeypatch.setattr(type(recipe().rationale), "version", 2)

    again = {step.name for step in plan(recipe()).steps if step.directory not in before}
    assert again == AFTER_SFT | {"target", "rationale"}


def test_components_with_equal_options_have_different_identities() -> None:
    quadratic, linear = (recipe(**{"train[1].reward": name}) for name in ("quadratic", "linear"))

    assert identity(quadratic.train[1]) != identity(linear.train[1])
    assert "checkpoint_every" not in identity(quadratic.train[1])["options"]


def test_cells_of_a_matrix_share_the_steps_that_agree() -> None:
    todo = plan(recipe(matrix={"train[1].reward": ["quadratic", "linear"]}))

    assert [cell.label for cell in todo.cells] == [
        "reward=quadratic",
        "reward=linear",
    ]
    twice = [step.name for step in todo.steps if step.name in AFTER_PPO - {"report"}]
    assert sorted(twice) == sorted([*(AFTER_PPO - {"report"})] * 2)
    assert len(todo.steps) == len(ALL) + len(AFTER_PPO - {"report"})
    first, second = ({step.directory for step in cell.steps} for cell in todo.cells)
    assert len(first & second) == len(ALL - AFTER_PPO)
    alone = {step.directory for step in plan(recipe()).steps} - {todo.steps[-1].directory}
    assert first <= alone


@pytest.mark.parametrize(
    "matrix",
    [
        {"evaluate.faithfulness.grader.retries": [1, 2]},
        {"evaluate.faithfulness.candidates": ["split", "question"]},
        {"evaluate.faithfulness.models": [["base"], ["sft"], ["base", "sft"]]},
        {"evaluate.faithfulness.n": [4, 5], "evaluate.faithfulness.grader.questions": [6, 7]},
        {"evaluate.estimators[1].models": [["base"], ["base", "ppo"]], "leaks": ["stop", "drop"]},
        {"sample.n": [5, 6], "train[0].epochs": [1, 2]},
        {"rationale.max_answers": [2, 3], "target": ["correct_cluster", "largest_cluster"]},
    ],
    ids=lambda matrix: "+".join(matrix),
)
def test_each_cell_of_a_matrix_has_the_steps_of_its_recipe_alone(matrix: dict[str, Any]) -> None:
    for cell in plan(reflecting(matrix=matrix)).cells:
        (alone,) = plan(cell.recipe).cells
        assert [step.directory for step in cell.steps] == [step.directory for step in alone.steps]


def test_a_reference_changes_the_report_alone() -> None:
    """And without one, the report is that of a recipe which cannot name one."""
    plain, named = (
        plan(recipe(matrix={"train[1].reward": ["quadratic", "linear"]}, **keys))
        for keys in ({}, {"report": {"reference": "reward=linear"}})
    )
    assert plain.steps[-1].content()["title"] == {"title": None}
    pairs = zip(plain.steps, named.steps, strict=True)
    differ = [one.name for one, other in pairs if one.fingerprint != other.fingerprint]
    assert differ == ["report"]


def test_a_seed_shares_nothing() -> None:
    todo = plan(recipe(matrix={"seed": [0, 1]}))

    assert len(todo.steps) == 2 * (len(ALL) - 1) + 1


def test_without_training_only_the_base_is_evaluated() -> None:
    todo = plan(recipe(train=[]))

    assert [step.name for step in todo.steps] == [
        *("model", "evaluate-base-verbalized", "evaluate-base-self_consistency", "report")
    ]


def test_phases_of_one_name_are_numbered() -> None:
    twice = recipe(train=["sft", "ppo", "sft"])

    assert [name for name, _ in phases(twice.train)] == ["sft", "ppo", "sft-2"]
    sft, _, again = (step for step in plan(twice).steps if step.stage == "train")
    assert again.inputs["model"].name == "train-ppo"
    assert sft.fingerprint != again.fingerprint


def test_estimators_of_one_name_are_numbered() -> None:
    two = recipe(
        train=[],
        evaluate={"estimators": [{"use": "self_consistency", "n": n} for n in (5, 10)]},
    )

    names = [step.name for step in plan(two).steps if step.stage == "evaluate"]
    assert names == ["evaluate-base-self_consistency", "evaluate-base-self_consistency-2"]


def test_an_estimator_of_a_model_that_nothing_trains_is_refused() -> None:
    wrong = recipe(**{"evaluate.estimators[1].models": ["base", "dpo"]})

    with pytest.raises(RecipeError) as caught:
        plan(wrong)

    assert caught.value.problems == (
        "evaluate.estimators[1].models: no training phase makes 'dpo'; there are base, sft, ppo",
    )


def test_an_estimator_must_not_be_fitted_on_the_evaluated_split() -> None:
    recalibrated = {"use": "recalibrated", "estimator": "verbalized", "split": "heldout"}
    nested = {"use": "recalibrated", "estimator": {**recalibrated, "split": "dev"}, "split": "rl"}

    with pytest.raises(RecipeError) as caught:
        plan(recipe(**{"evaluate.estimators": ["verbalized", recalibrated]}))

    assert caught.value.problems == (
        "evaluate.estimators[1]: would be fitted on the split 'heldout', on which it is evaluated "
        "(evaluate.split): fit it on another",
    )
    assert plan(recipe(**{"evaluate.estimators": [nested]}))
    with pytest.raises(RecipeError, match="the split 'dev'"):
        plan(recipe(**{"evaluate.estimators": [nested], "evaluate.split": "dev"}))


@pytest.mark.usefixtures("small_parts")
def test_an_estimator_needs_a_sampler_with_log_probabilities() -> None:
    inner = {"use": "recalibrated", "estimator": "p_true"}
    wanted: dict[str, Any] = {"evaluate.estimators": ["verbalized", "sequence_probability", inner]}

    with pytest.raises(RecipeError) as caught:
        plan(recipe(**wanted, sample="small"))

    assert caught.value.problems == tuple(
        f"evaluate.estimators[{place}]: '{name}' needs log-probabilities, and the sampler 'small' "
        "gives none: use one that does, such as transformers"
        for place, name in ((1, "sequence_probability"), (2, "recalibrated"))
    )
    assert plan(recipe(**wanted))


def test_an_estimator_that_reads_hidden_states_needs_the_model() -> None:
    probe = {"use": "probe", "split": "train"}
    wrapped = [{"use": name, "estimator": probe} for name in ("recalibrated", "answer_or_abstain")]
    wanted: dict[str, Any] = {"evaluate.estimators": ["probe", *wrapped], "train": []}
    server = {"model": {"use": "remote", "name": "any"}, "sample": "openai"}

    with pytest.raises(RecipeError) as caught:
        plan(recipe(**wanted, **server))

    assert caught.value.problems == tuple(
        f"evaluate.estimators[{place}]: '{name}' reads the model's hidden states, and the model "
        "'remote' is at a server: use pretrained, or another estimator"
        for place, name in enumerate(("probe", "recalibrated", "answer_or_abstain"))
    )
    assert plan(recipe(**wanted))


def test_token_choices_of_a_server_replace_the_model() -> None:
    wanted: dict[str, Any] = {"evaluate.estimators": ["expected"], "train": []}
    server = {"model": {"use": "remote", "name": "any"}, "sample": "openai"}

    with pytest.raises(RecipeError) as caught:
        plan(recipe(**wanted, **server))

    assert caught.value.problems == (
        "evaluate.estimators[0]: 'expected' needs the most likely tokens at each place, and the "
        "sampler 'openai' does not return them: set top_logprobs on the sampler 'openai', or use "
        "another estimator",
    )
    assert plan(recipe(**wanted, **{**server, "sample": {"use": "openai", "top_logprobs": 20}}))
    assert plan(recipe(**wanted))


def test_what_an_estimator_is_fitted_on_is_part_of_its_fingerprint() -> None:
    recalibrated = recipe(
        **{"evaluate.estimators": [{"use": "recalibrated", "estimator": "verbalized"}]}
    )

    for path, value in (
        ("evaluate.estimators[0].split", "rl"),
        ("evaluate.estimators[0].method", "platt"),
        ("evaluate.estimators[0].estimator", "verbalized_consistency"),
        ("source.dev", 11),
    ):
        content: dict[str, Any] = recalibrated.resolved()
        assign(content, Recipe, path, value)
        assert "evaluate-base-recalibrated" in changed(
            recalibrated, Recipe.model_validate(content)
        ), path


def test_a_default_and_the_same_value_written_out_are_the_same() -> None:
    written = Recipe.model_validate(recipe().resolved())

    assert changed(recipe(), written) == set()
    assert changed(recipe(**{"train[0].epochs": 3}), recipe(**{"train[0].epochs": 3.0})) == set()


def test_an_option_added_later_changes_nothing_at_its_default() -> None:
    options = identity(SFTTrainer())["options"]

    assert {"mask", "soft"}.isdisjoint(options)
    assert identity(SFTTrainer(mask="response"))["options"] == options
    assert identity(SFTTrainer(mask="confidence"))["options"] == {**options, "mask": "confidence"}


def test_an_option_that_was_added_later_counts_once_it_is_set() -> None:
    options = identity(PPOTrainer(top_k=0))["options"]

    assert "vllm" not in options
    assert identity(PPOTrainer(top_k=0, vllm={}))["options"] == {
        **options,
        "vllm": {"max_length": None, "max_weight": 2.0},
    }


REFLECTING = {"n": 4, "grader": {"model": {"use": "pretrained", "path": "grader"}}}
REFLECTED = {f"faithfulness-{name}" for name in ("base", "sft", "ppo")}
GRADED = {f"grade-{name}" for name in ("base", "sft", "ppo")}


def reflecting(**changes: Any) -> Recipe:
    recipe_keys = {key: changes.pop(key) for key in ("matrix",) if key in changes}
    return recipe(**{"evaluate.faithfulness": {**REFLECTING, **changes}}, **recipe_keys)


def test_rationales_are_measured_where_the_recipe_says_so() -> None:
    assert changed(recipe(), reflecting()) == REFLECTED | GRADED | {"report"}
    assert {step.stage for step in plan(reflecting()).steps} == set(STAGES)
    assert changed(recipe(), reflecting(models=["sft"], grader=None)) == {
        *("faithfulness-sft", "report")
    }
    (cell,) = plan(reflecting()).cells
    assert {step.name for step in cell.of(FaithfulnessStage)} == REFLECTED
    assert {step.model: step.name for step in cell.of(GradeStage)} == {
        name: f"grade-{name}" for name in ("base", "sft", "ppo")
    }


def test_another_grader_repeats_no_sampling() -> None:
    other = {**REFLECTING["grader"], "retries": 0}

    assert changed(reflecting(), reflecting(grader=other)) == GRADED | {"report"}
    assert changed(reflecting(), reflecting(candidates="question")) == {"report"}
    assert changed(reflecting(), reflecting(n=5)) == REFLECTED | GRADED | {"report"}


def test_faithfulness_of_an_unknown_model_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"faithfulness.models: no training phase makes 'dpo'"):
        plan(reflecting(models=["sft", "dpo"]))
