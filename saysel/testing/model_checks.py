"""Checks of components that provide, sample, train or evaluate a language model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from saysel.costs.ledger import Ledger
from saysel.errors import SayselError
from saysel.interfaces import EstimationContext, Estimator, Model, Prompt, Sampler, Trainer
from saysel.records import Example, ModelRef
from saysel.testing.examples import Data, Steps, build, responses, stories
from saysel.testing.expectations import check_options, expect, expect_raises


def check_model(model: Model, directory: Path) -> None:
    """`prepare` returns a model that transformers loads, and the same one when called again."""
    check_options(model)
    source, format = stories(), build("format", "sayself")
    total, unit = model.work(source)
    expect(total >= 0 and unit, f"work must return an amount and its unit, got {(total, unit)!r}")
    first = model.prepare(source, format, directory, 0, Steps())
    check_model_ref(first)
    again = model.prepare(source, format, directory, 0, Steps())
    expect(again == first, f"prepare called again returned {again!r} instead of {first!r}")


def check_sampler(sampler: Sampler, model: ModelRef) -> None:
    """n generations per prompt; log-probabilities, where known, are not positive."""
    check_options(sampler)
    format = build("format", "sayself")
    prompts = [format.prompt(one) for one in stories().questions("train")][:3]
    for n in (1, 2):
        samples = list(sampler.sample(model, prompts, n, 0))
        sizes = [len(generations) for generations in samples]
        expect(
            sizes == [n] * 3, f"3 prompts with n = {n} must give {[n] * 3} generations, got {sizes}"
        )
        for one in (one for generations in samples for one in generations):
            expect(isinstance(one.text, str), f"a generation's text must be a str, got {one!r}")
            expect(one.tokens >= 0, f"a generation cannot have {one.tokens} tokens")
            expect(
                one.logprob is None or one.logprob <= 1e-6,
                f"a sum of log-probabilities cannot be {one.logprob}",
            )
    scores = sampler.logprobs(model, prompts, ["the cellar", "", "the cellar"])
    expect(
        scores is None
        or (len(scores) == 3 and scores[0] and not scores[1] and max(scores[0]) <= 1e-6),
        "logprobs must return the log-probability of every token of every completion, or None; "
        f"got {scores!r} for 'the cellar', '' and 'the cellar'",
    )
    expect(
        sampler.gives_logprobs() == (scores is not None),
        f"gives_logprobs says {sampler.gives_logprobs()}, but logprobs returned {scores!r}",
    )
    limit = sampler.reply_limit()
    expect(limit is None or limit >= 1, f"reply_limit must be None or at least 1, got {limit}")
    if sampler.remote:
        _check_requests(sampler, model, prompts[0])


def _check_requests(sampler: Sampler, model: ModelRef, prompt: Prompt) -> None:
    """Estimates and metering of a sampler that asks a server."""
    size = sampler.choices_per_request()
    expect(size >= 1, f"choices_per_request must be at least 1, got {size}")
    if not sampler.metered:
        return
    expect(sampler.reply_limit() is not None, "a metered sampler needs a reply_limit")
    named = sampler.served_model() or model.path
    with TemporaryDirectory() as directory:
        prices = Path(directory) / "prices.yaml"
        prices.write_text(json.dumps({named: [1.0, 1.0]}))
        free = Ledger(Path(directory), "check", prices=str(prices))
        with free.opened():
            list(sampler.sample(model, [prompt], 1, 0))
        expect(
            free.totals().get("requests", 0) >= 1 and free.has_record_of(named),
            f"a metered sampler must record its requests to '{named}' in the ledger "
            "(saysel.costs.ledger.current)",
        )
        with replace(free, max_cost=1e-12, stage="limit").opened():
            expect_raises(
                SayselError,
                lambda: list(sampler.sample(model, [prompt], 1, 1)),
                "a request beyond max_cost",
            )


def check_trainer(trainer: Trainer, model: ModelRef, directory: Path) -> None:
    """Training returns a model that loads, reports its progress, and resumes after a crash."""
    check_options(trainer)
    format = build("format", "sayself")
    asked = list(stories().questions("train"))
    learned = [
        Example(
            one.id,
            tuple(format.prompt(one)),
            format.render(one.answers[0], "I would mostly say so.", 0.6),
            0.6,
        )
        for one in asked
    ]
    drawn = [
        replace(draw, text=format.render(one.answers[0], None, 0.6))
        for one in asked
        for draw in responses(*one.answers * 2, question_id=one.id)
    ]
    total, unit = trainer.work(len(learned))
    expect(total >= 1 and unit, f"work must return an amount and its unit, got {(total, unit)!r}")
    refs = []
    for _ in range(2):  # the second time as if a crash had come just before the end was recorded
        progress = Steps()
        refs.append(trainer.train(model, Data(asked, learned, drawn, progress=progress), directory))
        check_model_ref(refs[-1])
        expect(
            progress.done == progress.total,
            f"reported {progress.done} {progress.unit} of {progress.total}",
        )
    expect(refs[0] == refs[1], f"train called again returned {refs[1]!r} instead of {refs[0]!r}")


def check_estimator(estimator: Estimator, model: ModelRef) -> None:
    """One prediction per question, in order, not yet judged; confidence in [0, 1] or `None`."""
    check_options(estimator)
    expect(estimator.replies() >= 1, f"replies must be positive, got {estimator.replies()}")
    data = Data()
    clusterer = build("clusterer", "exact")
    context = EstimationContext(
        *(data.sampler, data.format, clusterer, data.judge, data.temperature),
        seed=0,
        questions=lambda split: list(stories().questions(split)),
    )
    asked = list(stories().questions("train"))[:3]
    expect(
        "train" not in estimator.splits(), "an estimator must not be fitted on the training split"
    )
    chats = estimator.chats(asked[0], data.format)
    expect(
        bool(chats) and estimator.replies() % len(chats) == 0,
        f"replies must be the same number for each chat, got {estimator.replies()} for "
        f"{len(chats)} chats",
    )
    made = list(estimator.fit(model, context).estimate(model, asked, context))
    expect(
        [one.question_id for one in made] == [one.id for one in asked],
        f"3 questions gave predictions for {[one.question_id for one in made]}",
    )
    for one in made:
        expect(
            one.confidence is None or 0 <= one.confidence <= 1,
            f"a confidence must be in [0, 1], got {one.confidence}",
        )
        expect(one.correct is None, "an estimator must not judge its own predictions")
        expect(one.tokens >= 0, f"a prediction cannot have {one.tokens} tokens")
        shares = one.shares.values()
        expect(
            all(0 < share <= 1 for share in shares) and sum(shares) <= 1 + 1e-9,
            f"shares of samples must add up to at most 1: {dict(one.shares)}",
        )


def check_model_ref(ref: ModelRef) -> None:
    """Model and tokenizer load and fit together."""
    from saysel import hf

    model, tokenizer = hf.load_model(ref), hf.load_tokenizer(ref)
    expect(tokenizer.eos_token_id is not None, f"{ref!r}: the tokenizer has no end token")
    inputs = tokenizer("What is the capital of France?", return_tensors="pt")
    logits = model(input_ids=inputs["input_ids"].to(model.device)).logits
    expect(bool(logits.isfinite().all()), f"{ref!r}: the model computes NaN or infinite logits")
