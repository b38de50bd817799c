"""Contracts of clusterers, rationale writers, targets, formats and judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saysel.contracts.returned import is_list, is_number, is_pair, listed, refuse
from saysel.records import Cluster, Question, Rationale, Response

if TYPE_CHECKING:
    from saysel.interfaces import Component

ROLES = ("system", "user", "assistant")


def clusters(
    component: Component, returned: Any, /, question: Question, responses: Sequence[Response]
) -> list[Cluster]:
    """Of `Clusterer.cluster`."""
    required = (
        "a list of Clusters, largest first, whose members are indices of responses with an "
        "answer, each in one cluster, represented by one of its members"
    )
    answered = {response.index for response in responses if response.answer is not None}
    if not is_list(returned) or not all(isinstance(cluster, Cluster) for cluster in returned):
        refuse(component, returned, required)
    members = [index for cluster in returned for index in cluster.members]
    sizes = [len(cluster.members) for cluster in returned]
    valid = all(
        cluster.question_id == question.id
        and cluster.members
        and isinstance(cluster.representative, Response)
        and cluster.representative.index in cluster.members
        and is_number(cluster.share, 0, 1)
        for cluster in returned
    )
    if (
        not valid
        or not set(members) <= answered
        or len(set(members)) < len(members)
        or sizes != sorted(sizes, reverse=True)
    ):
        summary = [(cluster.question_id, cluster.members, cluster.share) for cluster in returned]
        refuse(component, summary, f"{required} (question '{question.id}')")
    return list(returned)


def rationales(
    component: Component, returned: Any, /, items: Sequence[tuple[Question, Any]]
) -> list[Rationale | None]:
    """Of `RationaleWriter.write`."""
    required = (
        "one Rationale or None for each question, in order, with the question's id and a text"
    )
    written = listed(component, returned, len(items), required)
    for (question, _), rationale in zip(items, written, strict=True):
        if rationale is not None and not (
            isinstance(rationale, Rationale)
            and rationale.question_id == question.id
            and isinstance(rationale.text, str)
        ):
            refuse(component, rationale, f"{required} (question '{question.id}')")
    return written


def target(
    component: Component,
    returned: Any,
    /,
    question: Question,
    clusters: Sequence[Cluster],
    correct: Any,
) -> Any:
    """Of `Target.target`."""
    if returned is None:
        return None
    response, confidence = returned if is_pair(returned) else (None, None)
    if not (
        isinstance(response, Response)
        and response.question_id in {cluster.question_id for cluster in clusters}
        and (confidence is None if response.declined else is_number(confidence, 0, 1))
    ):
        required = (
            "a Response to the question and a confidence from 0 to 1, or None; one that declines "
            "has no confidence"
        )
        refuse(component, returned, f"{required} (question '{question.id}')")
    return returned


def fitted(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Target.fit` and `Estimator.fit`."""
    interface = next(parent for parent in type(component).__mro__ if "kind" in vars(parent))
    if not isinstance(returned, interface):
        refuse(component, returned, f"the {component.kind} to use", "fit")
    return returned


def judgements(
    component: Component, returned: Any, /, items: Sequence[tuple[Question, str]]
) -> list[float | None]:
    """Of `Judge.judge`."""
    required = "one correctness from 0 to 1, or None, for each answer, in order"
    judged = listed(component, returned, len(items), required)
    for correct in judged:
        if correct is not None and not is_number(correct, 0, 1):
            refuse(component, correct, required)
    return [None if correct is None else float(correct) for correct in judged]


def prompt(component: Component, returned: Any, /, question: Question) -> Any:
    """Of `Format.prompt`."""
    if not (
        is_list(returned)
        and returned
        and all(
            isinstance(message, Mapping)
            and message.get("role") in ROLES
            and isinstance(message.get("content"), str)
            for message in returned
        )
    ):
        required = "a list of messages with a role (system, user or assistant) and a content"
        refuse(component, returned, required, "prompt")
    return returned


def text(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Format.render` and `Format.reasoning`."""
    if not isinstance(returned, str):
        refuse(component, returned, "a text", "render")
    return returned


def parsed(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Format.parse`."""
    if not (
        isinstance(returned, tuple)
        and getattr(returned, "_fields", ()) == ("answer", "rationale", "confidence", "declined")
        and isinstance(returned[0], str | None)
        and isinstance(returned[1], str | None)
        and (returned[2] is None or is_number(returned[2], 0, 1))
    ):
        required = "Parsed(answer, rationale, confidence): texts or None, and 0 to 1 or None"
        refuse(component, returned, required, "parse")
    answer, _, confidence, declined = returned
    if declined and (answer, confidence) != (None, None):
        refuse(component, returned, "neither answer nor confidence if it declines", "parse")
    return returned
