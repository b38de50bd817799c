"""Check what a component returns against the contract of its kind, for every caller.

`guard` wraps the methods of every implementation, so that a wrong return value is caught before
anything is stored or trained on. The error names the component, what it returned and what it must
return. Rewards are checked by the trainers, which can name the response. Samplers that ask servers
get something else on the way: workers send their calls to the first process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from saysel.contracts import evaluation, labelling, sampling
from saysel.costs.server_calls import sent_by_workers

if TYPE_CHECKING:
    from saysel.interfaces import Component

Check = Callable[..., Any]

#: The check of each method: it takes the component, what the method returned, and the method's
#: arguments, and returns what the caller gets.
CHECKS: dict[str, dict[str, Check]] = {
    "model": {"prepare": sampling.model_ref, "work": sampling.work},
    "source": {"questions": sampling.questions},
    "sampler": {"sample": sampling.samples, "logprobs": sampling.logprobs},
    "clusterer": {"cluster": labelling.clusters},
    "rationale": {"write": labelling.rationales},
    "target": {"fit": labelling.fitted, "target": labelling.target},
    "format": {
        "prompt": labelling.prompt,
        "render": labelling.text,
        "parse": labelling.parsed,
        "reasoning": labelling.text,
    },
    "judge": {"judge": labelling.judgements},
    "trainer": {"train": sampling.model_ref, "work": sampling.work},
    "estimator": {"fit": labelling.fitted, "estimate": evaluation.predictions},
    "metric": {"compute": evaluation.value, "resampled": evaluation.values},
    "engine": {"map": evaluation.results},
}


def guard(cls: type[Component], base: type[Component]) -> None:
    """Wrap the methods that an implementation defines.

    Args:
        cls: the implementation.
        base: `Component`. Classes derived from it were guarded when they were defined.
    """
    for name, check in CHECKS.get(cls.kind, {}).items():
        definer = next(parent for parent in cls.__mro__ if name in vars(parent))
        if definer is cls or not issubclass(definer, base):
            method = vars(definer)[name]
            if cls.kind == "sampler":
                method = sent_by_workers(method)
            setattr(cls, name, _checked(name, method, check))


def _checked(name: str, method: Callable[..., Any], check: Check) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Component, *args: Any, **options: Any) -> Any:
        returned = method(self, *args, **options)
        if getattr(type(self), name) is not call:  # called by `super()`: only the result counts
            return returned
        return check(self, returned, *args, **options)

    return call
