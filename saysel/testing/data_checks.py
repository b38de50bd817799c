"""Checks of components that provide questions and make training examples."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from saysel.errors import NoSplit
from saysel.interfaces import Clusterer, RationaleWriter, Source, Target
from saysel.records import Cluster, Question, Rationale, Response
from saysel.testing.examples import clusters, question, responses
from saysel.testing.expectations import check_options, expect, expect_raises


def check_source(source: Source, splits: Sequence[str] = ("train", "dev", "heldout")) -> None:
    """Questions are valid, in a fixed order, and in one split only."""
    check_options(source)
    questions = {split: list(source.questions(split)) for split in splits}
    for split in splits:
        _check_split(source, split, questions[split])
    for one_split, other_split in combinations(splits, 2):
        one, other = ({each.prompt for each in questions[s]} for s in (one_split, other_split))
        shared = sorted(one & other)
        expect(not shared, f"in both '{one_split}' and '{other_split}': {shared[:1]}")
    expect_raises(NoSplit, lambda: list(source.questions("no such split")), "an unknown split")
    expect(source.digest() == source.digest(), "digest changes between two calls")


def _check_split(source: Source, split: str, questions: list[Question]) -> None:
    expect(questions, f"split '{split}' has no questions")
    again = list(source.questions(split))
    expect(again == questions, f"split '{split}' is different when it is read again")
    ids = {each.id for each in questions}
    expect(len(ids) == len(questions), f"split '{split}' has a duplicate id")
    for each in questions:
        expect(each.answers and all(each.answers), f"question '{each.id}' has no answer")
        expect(each.prompt.strip(), f"question '{each.id}' has no prompt")
        json.dumps(each.meta, allow_nan=False)
        ideal = source.ideal(each)
        expect(
            ideal is None or 0 <= ideal.confidence <= 1,
            f"the ideal confidence of question '{each.id}' must be in [0, 1], got {ideal!r}",
        )


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
        sampled = responses(*answers)
        found = clusterer.cluster(question(), sampled)
        members = [index for cluster in found for index in cluster.members]
        answered = {response.index for response in sampled if response.answer is not None}
        expect(len(members) == len(set(members)), f"a response is in two clusters: {members}")
        expect(set(members) <= answered, f"a response without an answer is in a cluster: {members}")
        expect(not answered or found, f"{answers} gave no cluster")
        sizes = [len(cluster.members) for cluster in found]
        expect(sizes == sorted(sizes, reverse=True), f"the largest must come first: {sizes}")
        for cluster in found:
            _check_cluster(cluster, sampled)


def _check_cluster(cluster: Cluster, sampled: list[Response]) -> None:
    expect(cluster.members == tuple(sorted(cluster.members)), "members must be in ascending order")
    expect(cluster.question_id == "capital", "a cluster must have the question's id")
    expect(
        cluster.representative in [sampled[index] for index in cluster.members],
        f"{cluster.representative!r} is not a member of the cluster that it represents",
    )
    share = len(cluster.members) / len(sampled)
    expect(
        math.isclose(cluster.share, share),
        f"a cluster's share is its fraction of all responses: {share}, got {cluster.share}",
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
        if rationale is None:
            continue
        expect(
            isinstance(rationale, Rationale),
            f"a rationale must be a Rationale or None, got {rationale!r}",
        )
        expect(
            rationale.question_id == asked.id,
            f"the rationale of question '{asked.id}' has the id '{rationale.question_id}'",
        )
        expect(
            not rationale.text or rationale.text.strip(),
            "a rationale must not be blank; return None, or an empty text for a response without",
        )


def check_target(target: Target, meta: Mapping[str, Any] | None = None) -> None:
    """The target is a response to the question with a confidence in [0, 1], or `None`.

    Fitting is deterministic, and does not change the target that is fitted.

    Args:
        meta: `Question.meta`, for targets that use it.
    """
    check_options(target)
    three = clusters({"Rome": 5, "Paris": 4, "paris": 1})
    cases: list[tuple[list[Cluster], list[float | None]]] = [
        ([], []),
        (three, [0.0, 1.0, 1.0]),
        (three, [0.0, 0.0, 0.0]),
        (three, [1.0, 1.0, 1.0]),
        (three, [None, None, None]),
        (three, [None, 0.3, 0.7]),
    ]
    items = [
        (
            question(id=f"capital-{n}", prompt=f"{question().prompt} ({n})", meta=meta or {}),
            given,
            correct,
        )
        for n, (given, correct) in enumerate(cases)
    ]
    before = target.model_dump()
    fitted, again = target.fit(items), target.fit(items)
    expect(isinstance(fitted, type(target)), f"fit must return a {type(target).__name__}")
    expect(isinstance(target.fit([]), type(target)), "fit must work without questions")
    expect(target.model_dump() == before, "fit must not change the target it is called on")
    for asked, given, correct in items:
        chosen = fitted.target(asked, given, correct)
        expect(
            again.target(asked, given, correct) == chosen,
            f"fitted again on the same questions, it gives something other than {chosen!r}",
        )
        if chosen is None:
            continue
        response, confidence = chosen
        if response.declined:
            expect(target.declines, "it declines, so its class must say declines = True")
            expect(confidence is None, f"a declined response has no confidence, got {confidence}")
            continue
        expect(
            response in [cluster.representative for cluster in given],
            f"{response!r} represents none of the clusters",
        )
        expect(
            confidence is not None and 0 <= confidence <= 1,
            f"a confidence must be in [0, 1], got {confidence}",
        )
