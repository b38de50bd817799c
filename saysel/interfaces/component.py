"""Components, their options, and how they report progress."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self

from saysel.contracts.guard import guard
from saysel.registry import build

Item = TypeVar("Item")
Result = TypeVar("Result")


class NotFingerprintedMarker:
    """Marks an option that affects speed but never results."""


#: `batch_size: NotFingerprinted[int] = 32`: changing this option does not repeat any stage.
NotFingerprinted = Annotated[Item, NotFingerprintedMarker()]


class FingerprintedIfSetMarker:
    """Marks an option that was added later and changes nothing while it has its default."""


#: `vllm: FingerprintedIfSet[VLLM | None] = None`: runs from before the option existed stay valid.
FingerprintedIfSet = Annotated[Item, FingerprintedIfSetMarker()]


class ContentHashedMarker:
    """Marks an option that names a file whose content counts; a `digest` has to cover it."""


#: `path: ContentHashed[Path]`: the fingerprint contains the file's content instead of its path.
ContentHashed = Annotated[Item, ContentHashedMarker()]


class Options(BaseModel):
    """A group of recipe keys: a component, a section of the recipe, or a group inside one.

    Attributes:
        renamed: old names of keys with the current ones, such as `{"explore": "temperature"}`, and
            old values as `{"mode: drawn": "sampled"}`. A recipe that uses an old name is refused
            with one line that gives the new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}


class Component(Options, ABC):
    """What all kinds share.

    Attributes:
        use: the name by which the recipe chose this component; empty if it was made in Python.
        kind: the recipe's word for the kind, set by the classes below.
        version: increase it when the same options give different results, to repeat old runs.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    use: str = Field("", description="name of the component")

    def smoke(self) -> Self:
        """The same component with as little work as possible, for rehearsals (`--smoke`)."""
        return self

    def check_installed(self) -> None:
        """Check that the packages it needs are installed; called by `saysel check` and before runs.

        Raises:
            MissingExtra: a package is missing.
        """

    def check_available(self) -> None:
        """Check before a run that everything else it needs is there: a key, a file.

        Raises:
            UsageError: something is missing.
        """

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        # Implementations only: the kinds and this class have nothing to check.
        if hasattr(cls, "kind") and "kind" not in cls.__dict__:
            guard(cls, Component)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # A field annotated with a kind, rather than with one implementation, takes its name.
        if "kind" not in cls.__dict__:
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            lambda value: build(cls.kind, value),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda component: component.model_dump(mode="json")
            ),
            metadata={"kind": cls.kind},  # for `saysel.recipes.schema`
        )


class Progress(Protocol):
    """Receives the progress of a component; the framework draws the bar and measures the speed."""

    def begin(self, total: int, unit: str) -> None:
        """Start work of `total` units."""

    def advance(self, units: int = 1) -> None:
        """Report that more units are done."""
