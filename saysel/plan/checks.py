"""Which components of a recipe cannot work together."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.recipes.recipe import Recipe


def incompatibilities(recipe: Recipe, models: Sequence[str]) -> list[str]:
    """What keeps a recipe's components from working together, one line each.

    Args:
        recipe: of one cell.
        models: names of the models that it makes: `base`, then the training phases.
    """
    return [
        *_unknown_models(recipe, models),
        *_unusable_estimators(recipe),
        *_targets_without_words(recipe),
        *_untrainable_models(recipe),
        *_unreachable_models(recipe),
    ]


def _unknown_models(recipe: Recipe, models: Sequence[str]) -> list[str]:
    """Options that name a model which no phase trains."""
    evaluate = recipe.evaluate
    named = [
        (f"evaluate.estimators[{index}].models", estimator.models or ())
        for index, estimator in enumerate(evaluate.estimators)
    ]
    if evaluate.faithfulness is not None:
        named.append(("evaluate.faithfulness.models", evaluate.faithfulness.models or ()))
    return [
        f"{path}: no training phase makes '{name}'; there are {', '.join(models)}"
        for path, names in named
        for name in names
        if name not in models
    ]


def _unusable_estimators(recipe: Recipe) -> list[str]:
    """Estimators fitted on the evaluated split, or that need what the sampler or model lacks."""
    split, problems = recipe.evaluate.split, []
    sampler = recipe.evaluate.sampler or recipe.sample
    for index, estimator in enumerate(recipe.evaluate.estimators):
        path = f"evaluate.estimators[{index}]"
        if split in estimator.splits():
            problems.append(
                f"{path}: would be fitted on the split '{split}', on which it is evaluated "
                "(evaluate.split): fit it on another"
            )
        if estimator.needs_logprobs() and not sampler.gives_logprobs():
            problems.append(
                f"{path}: '{estimator.use}' needs log-probabilities, and the sampler "
                f"'{sampler.use}' gives none: use one that does, such as transformers"
            )
        if estimator.needs_choices() and recipe.model.remote and not sampler.gives_choices():
            problems.append(
                f"{path}: '{estimator.use}' needs the most likely tokens at each place, and the "
                f"sampler '{sampler.use}' does not return them: set top_logprobs on the sampler "
                "'openai', or use another estimator"
            )
        if estimator.needs_weights() and recipe.model.remote:
            problems.append(
                f"{path}: '{estimator.use}' reads the model's hidden states, and the model "
                f"'{recipe.model.use}' is at a server: use pretrained, or another estimator"
            )
    return problems


def _targets_without_words(recipe: Recipe) -> list[str]:
    """Targets that teach to decline in a format that cannot."""
    target, format = recipe.target, recipe.format
    if not (recipe.train and target.declines) or format.declining_answer() is not None:
        return []
    return [
        f"format: the target '{target.use}' teaches to decline, and '{format.use}' has no answer "
        'for it: set format.decline, e.g. format.decline="I don\'t know"'
    ]


def _untrainable_models(recipe: Recipe) -> list[str]:
    """Models at a server, and quantized ones without an adapter."""
    model, problems = recipe.model, []
    if model.remote and recipe.train:
        problems.append(
            f"train: the model '{model.use}' is at a server and cannot be trained: use "
            "pretrained, or leave train empty"
        )
    if recipe.train and model.needs_adapter() and not recipe.train[0].makes_adapter():
        problems.append(
            f"train[0].lora: '{recipe.train[0].use}' without an adapter trains all weights, which "
            "cannot be done on a quantized model: set lora, e.g. {r: 16, alpha: 32}, or load the "
            "model without quantization"
        )
    return problems


def _unreachable_models(recipe: Recipe) -> list[str]:
    """Samplers that cannot ask the model: it is at a server and they load models, or vice versa."""
    model, problems = recipe.model, []
    samplers = {"sample": recipe.sample}
    if recipe.evaluate.sampler is not None:
        samplers["evaluate.sampler"] = recipe.evaluate.sampler
    for path, sampler in samplers.items():
        if model.remote and not sampler.remote:
            problems.append(
                f"{path}: '{sampler.use}' loads models, and '{model.use}' is at a server: use "
                "openai or anthropic"
            )
        if sampler.remote and not model.remote and not recipe.train:
            problems.append(
                f"model: the sampler '{sampler.use}' asks a server: name its model with "
                "{use: remote, name: …}"
            )
    path, evaluator = list(samplers.items())[-1]
    if recipe.train and evaluator.remote:
        problems.append(
            f"{path}: '{evaluator.use}' asks a server, which does not have the models that train "
            "makes: name a sampler that loads them, e.g. evaluate.sampler=transformers"
        )
    return problems
