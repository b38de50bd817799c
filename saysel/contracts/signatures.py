"""Check that a class has the attributes and the method signatures that its interface requires."""

from __future__ import annotations

import inspect
from inspect import Parameter


def mismatch(cls: type, interface: type) -> str | None:
    """How a class differs from its interface, as a sentence; `None` if it does not.

    Required arguments are passed by position, so their names may differ. Those with a default are
    passed by name: a method without one of them was written for an older version of the interface.
    """
    for name, annotation in inspect.get_annotations(interface).items():
        if str(annotation).startswith("ClassVar") and not hasattr(cls, name):
            return f"it must set the class attribute {name}"
    for name, method in vars(interface).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        arguments = list(inspect.signature(method).parameters.values())
        required = [a for a in arguments if a.default is Parameter.empty]
        optional = {a.name: None for a in arguments if a.default is not Parameter.empty}
        try:
            inspect.signature(getattr(cls, name)).bind(*required, **optional)
        except TypeError:
            wanted = ", ".join(
                a.name if a.default is Parameter.empty else f"{a.name}={a.default!r}"
                for a in arguments[1:]
            )
            return f"its method {name} must accept the arguments ({wanted})"
    return None
