"""Checks of components that need no language model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from saysel.errors import NoSplit
from saysel.interfaces import (
    Clusterer,
    Engine,
    Format,
    Judge,
    Metric,
    PredictionArrays,
    RationaleWriter,
    RewardFn,
    Source,
    Target,
)
from saysel.records import Cluster, Rationale
from saysel.testing.examples import clusters, question, responses
from saysel.testing.expectations import check_options, expect, expect_raises


def check_source(source: Source, splits: Sequence[str] = ("train", "dev", "heldout")) -> None:
    """Questions are usable, in a fixed order, and in one split only."""
    check_options(source)
    found = {split: list(source.questions(split)) for split in splits}
    for split, asked in found.items():
        expect(asked, f"split '{split}' has no questions")
        expect(
            list(source.questions(split)) == asked, f"split '{split}' is another when read again"
        )
        ids = {one.id for one in asked}
        expect(len(ids) == len(asked), f"split '{split}' has an id twice")
        for one in asked:
            expect(one.answers and all(one.answers), f"question '{one.id}' has no answer")
            expect(one.prompt.strip(), f"question '{one.id}' has no prompt")
            json.dumps(one.meta, allow_nan=False)
            best = source.ideal(one)
            expect(
                best is None or 0 <= best.confidence <= 1,
                f"the ideal confidence of question '{one.id}' must be in [0, 1], got {best!r}",
            )
    for (one_split, some), (other_split, others) in combinations(found.items(), 2):
        shared = {one.prompt for one in some} & {one.prompt for one in others}
        expect(not shared, f"in '{one_split}' and '{other_split}' at once: {sorted(shared)[:1]}")
    expect_raises(NoSplit, lambda: list(source.questions("no such split")), "an unknown split")
    expect(source.digest() == source.digest(), "digest changes between two calls")


def check_clusterer(clusterer: Clusterer) -> None:
    """Clusters are a partition of the responses that have an answer, largest first."""
    check_options(clusterer)
    cases: list[tuple[str | None, ...]] = [
        (),
        (None,),
        ("Paris",),
        ("Paris", None, "Rome", "Paris", "the Paris", "ROME", "Oslo"),
        ("Oslo", "Paris", "Paris"),
    ]
    for answers in cases:
        drawn = responses(*answers)
        found = clusterer.cluster(question(), drawn)
        members = [index for cluster in found for index in cluster.members]
        answered = {response.index for response in drawn if response.answer is not None}
        expect(len(members) == len(set(members)), f"a response is in two clusters: {members}")
        expect(set(members) <= answered, f"a response without an answer is in a cluster: {members}")
        expect(not answered or found, f"{answers} gave no cluster")
        sizes = [len(cluster.members) for cluster in found]
        expect(sizes == sorted(sizes, reverse=True), f"the largest must come first: {sizes}")
        for cluster in found:
            expect(cluster.members == tuple(sorted(cluster.members)), "members must ascend")
            expect(cluster.question_id == "capital", "a cluster must carry the question's own id")
            expect(
                cluster.representative in [drawn[index] for index in cluster.members],
                f"{cluster.representative!r} is not a member of the cluster it speaks for",
            )
            share = len(cluster.members) / len(drawn)
            expect(
                math.isclose(cluster.share, share),
                f"a cluster's share counts all responses: {share}, got {cluster.share}",
            )


def check_rationale(writer: RationaleWriter) -> None:
    """One rationale or `None` per item, in order, each with its question's id."""
    check_options(writer)
    expect(writer.write([]) == [], "no items must give no rationales")
    items = [
        (question(id="a"), clusters({"Paris": 6, "Rome": 3, "Oslo": 1}, "a")),
        (question(id="b"), []),
        (question(id="c"), clusters({"Paris": 4}, "c")),
    ]
    written = writer.write(items)
    expect(len(written) == 3, f"3 items must give 3 rationales, got {len(written)}")
    for (asked, _), rationale in zip(items, written, strict=True):
        expect(
            rationale is None or isinstance(rationale, Rationale),
            f"a rationale is a Rationale or None, got {rationale!r}",
        )
        if rationale is not None:
            expect(
                rationale.question_id == asked.id,
                f"the rationale of question '{asked.id}' carries id '{rationale.question_id}'",
            )
            expect(
                not rationale.text or rationale.text.strip(),
                "a rationale of blanks must be None, or empty where the reply is to have none",
            )


def check_target(target: Target, meta: Mapping[str, Any] | None = None) -> None:
    """The target is a response of the question with a confidence in [0, 1], or `None`.

    It is fitted first, gives the same when fitted again, and changes in nothing by it itself.

    Args:
        meta: what the questions carry besides, for targets that look there.
    """
    check_options(target)
    found = clusters({"Rome": 5, "Paris": 4, "paris": 1})
    cases: list[tuple[list[Cluster], list[float | None]]] = [
        ([], []),
        (found, [0.0, 1.0, 1.0]),
        (found, [0.0, 0.0, 0.0]),
        (found, [1.0, 1.0, 1.0]),
        (found, [None, None, None]),
        (found, [None, 0.3, 0.7]),
    ]
    asked = [
        question(id=f"capital-{place}", prompt=f"{question().prompt} ({place})", meta=meta or {})
        for place in range(len(cases))
    ]
    items = [(one, given, correct) for one, (given, correct) in zip(asked, cases, strict=True)]
    before = target.model_dump()
    fitted, again = target.fit(items), target.fit(items)
    expect(isinstance(fitted, type(target)), f"fit must return a {type(target).__name__}")
    expect(isinstance(target.fit([]), type(target)), "fit must bear that there are no questions")
    expect(target.model_dump() == before, "fit must not change the target it is called on")
    for one, given, correct in items:
        chosen = fitted.target(one, given, correct)
        expect(
            again.target(one, given, correct) == chosen,
            f"fitted again on the same questions, it gives something else than {chosen!r}",
        )
        if chosen is None:
            continue
        response, confidence = chosen
        expect(
            response in [cluster.representative for cluster in given],
            f"{response!r} speaks for none of the clusters",
        )
        expect(0 <= confidence <= 1, f"a confidence lies in [0, 1], got {confidence}")


def check_format(format: Format) -> None:
    """What is rendered is read back, and no text at all makes `parse` fail."""
    check_options(format)
    prompt = format.prompt(question())
    expect(prompt and prompt[-1]["role"] == "user", "a prompt ends with the user's turn")
    asked = "".join(message["content"] for message in prompt)
    expect(question().prompt in asked, "the prompt must contain the question")
    for tenths in range(11):
        text = format.render("the cellar", "I am not sure.", tenths / 10, "Let me think.")
        parsed = format.parse(text)
        expect(
            parsed.answer == "the cellar" and parsed.rationale == "I am not sure.",
            f"{text!r} is read as {parsed!r}",
        )
        expect(
            parsed.confidence is not None and abs(parsed.confidence - tenths / 10) <= 0.05 + 1e-9,
            f"confidence {tenths / 10} in {text!r} is read as {parsed.confidence}",
        )
        expect(
            text.count(format.confidence_marker) == 1,
            f"{text!r} must contain the marker {format.confidence_marker!r} once",
        )
        expect(
            format.reasoning(text) == "Let me think.",
            f"the reasoning in {text!r} is read as {format.reasoning(text)!r}",
        )
    for behind, stated in format.confidences.items():
        text = format.render("the cellar", "I am not sure.", stated)
        expect(
            text.endswith(format.confidence_marker + behind),
            f"confidence {stated} must be written as {behind!r} at the end, not as {text!r}",
        )
        read = format.parse(text).confidence
        expect(read == stated, f"{behind!r} states {stated}, but is read as {read}")
        for missing in range(1, len(behind)):
            incomplete = text[:-missing]
            read = format.parse(incomplete, cut=True).confidence
            expect(
                read is None,
                f"parse(cut=True) reads {incomplete!r}, which the limit on tokens ended, as "
                f"confidence {read} instead of None",
            )
    bare = format.parse(format.render("the cellar", None, None))
    expect(bare == ("the cellar", None, None), f"an answer alone is read back as {bare!r} instead")
    marker = format.confidence_marker
    for junk in ("", "\0", "\n" * 50, "…" * 99, marker, f"{marker} 1e999", f"{marker} -1", text):
        for cut in (junk, junk[: len(junk) // 2], junk[::-1]):
            for ended in (False, True):
                read = format.parse(cut, cut=ended).confidence
                expect(
                    read is None or 0 <= read <= 1,
                    f"a confidence lies in [0, 1]; {cut!r} is read as {read}",
                )
            format.reasoning(cut)


def check_judge(judge: Judge) -> None:
    """One correctness in [0, 1] or `None` per item, in order; the accepted answer is right.

    Naming the accepted answer behind another one does not make that right.
    """
    check_options(judge)
    expect(judge.judge([]) == [], "no items must give no judgements")
    leaking = "Oslo Self-reflection: I would sometimes say Paris."
    items = [
        (question(), answer) for answer in ("Paris", "", "Oslo", "not Paris but Rome", leaking)
    ]
    judged = judge.judge(items)
    expect(len(judged) == len(items), f"{len(items)} items gave {len(judged)} judgements")
    for (_, answer), correct in zip(items, judged, strict=True):
        expect(
            correct is None or 0 <= correct <= 1,
            f"correctness lies in [0, 1] or is None; {answer!r} got {correct!r}",
        )
    expect(judged[0] in (1, None), f"the accepted answer itself is judged {judged[0]}")
    expect(judged[2] != 1, "a wrong answer is judged right")
    expect(
        judged[4] != 1,
        f"{leaking!r} is judged right: an answer is compared, and naming the right one besides "
        "does not count",
    )


def check_reward(reward: RewardFn) -> None:
    """One finite reward per reply; it pays to be right where one is sure, and to be readable."""
    check_options(reward)
    expect(reward.reward([], []) == [], "no replies must give no rewards")
    correct = [1.0, 0.0, 1.0, 0.0, 0.5, 1.0, 0.0]
    confidence = [1.0, 1.0, 0.0, 0.0, 0.5, None, None]
    paid = reward.reward(correct, confidence)
    expect(len(paid) == len(correct), f"{len(correct)} replies gave {len(paid)} rewards")
    expect(all(math.isfinite(value) for value in paid), f"rewards must be finite: {paid}")
    expect(
        paid[0] > paid[1], f"sure and right earns {paid[0]}, no more than sure and wrong: {paid[1]}"
    )
    expect(max(paid[5:]) < max(paid[:5]), f"an unreadable confidence earns as much as any: {paid}")
    expect(max(paid[5:]) < 0, f"an unreadable confidence must earn less than 0: {paid}")


def check_metric(metric: Metric) -> None:
    """A float that does not hang on the order of the predictions; NaN where it is not defined.

    `resampled` gives what `compute` gives of the rows that were drawn.
    """
    import numpy as np

    check_options(metric)
    better = metric.better
    expect(better in ("higher", "lower", "neither"), f"better cannot be {better!r}")
    rng = np.random.default_rng(0)
    confidence = rng.integers(0, 11, 200) / 10
    confidence[:20] = np.nan
    tokens = rng.integers(5, 50, 200).astype(float)
    columns = PredictionArrays((rng.random(200) < 0.6).astype(float), confidence, tokens)
    for given in (
        columns,
        columns.stated(),
        columns.take(np.arange(1)),
        PredictionArrays(np.zeros(3), np.full(3, np.nan)),
    ):
        value = metric.compute(given)
        expect(isinstance(value, float), f"compute must return a float, got {value!r}")
    value = metric.compute(columns)
    shuffled = metric.compute(columns.take(rng.permutation(200)))
    expect(math.isfinite(value), f"200 ordinary predictions give {value}")
    expect(
        math.isclose(value, shuffled, rel_tol=1e-9, abs_tol=1e-12),
        f"the same predictions in another order give {shuffled} instead of {value}",
    )
    rows = rng.integers(200, size=200)
    weights = np.bincount(rows, minlength=200)[None].astype(float)
    drawn, apart = metric.compute(columns.take(rows)), metric.resampled(columns, weights)
    expect(np.shape(apart) == (1,), f"one resample gives an array of shape {np.shape(apart)}")
    expect(
        bool(np.allclose(apart, drawn, rtol=1e-9, atol=1e-12, equal_nan=True)),
        f"resampled gives {apart[0]} where compute gives {drawn} of the same rows",
    )


def check_engine(engine: Engine) -> None:
    """Results come in the shards' order, and a failing shard is not swallowed."""
    check_options(engine)
    expect(list(engine.map(abs, [])) == [], "no shards must give no results")
    found = list(engine.map(abs, iter([-3, 1, -2])))
    expect(found == [3, 1, 2], f"abs of -3, 1, -2 came as {found}")
    expect_raises(
        ValueError, lambda: list(engine.map(math.sqrt, [1.0, -1.0])), "a shard that fails"
    )
