"""Where a causal language model comes from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from saysel.interfaces.component import Component, Progress
from saysel.interfaces.format import Format
from saysel.interfaces.source import Source
from saysel.records import ModelRef


class Model(Component):
    """Provides a causal language model.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Model
    from saysel.records import ModelRef


    class DirectoryModel(Model):
        '''A model in a local directory.'''

        path: str = Field(description="directory of the model and its tokenizer")

        def prepare(self, source, format, directory, seed, progress):
            return ModelRef(self.path)


    @saysel.hookimpl
    def saysel_models():
        return {"directory": "sayselfile:DirectoryModel"}
    ```
    """

    kind = "model"

    #: Whether the model runs at a server, where only remote samplers can use it.
    remote: ClassVar[bool] = False

    @abstractmethod
    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        """Make the model available and return a reference to it.

        Called again after a crash with the same directory, it continues where it stopped.
        `directory / "checkpoints"` is deleted when the stage is done.

        Args:
            source: the questions, for models built from scratch.
            format: how prompts and responses are written, for the same models.
            directory: reserved for this component.
            seed: for weights and data order.
        """

    def work(self, source: Source) -> tuple[int, str]:
        """The amount of work of `prepare` and its unit, for estimates."""
        return 0, "steps"

    def needs_adapter(self) -> bool:
        """Whether only an adapter can be trained, as on a quantized model."""
        return False

    def served_name(self) -> str | None:
        """The model's name at a server; `None` if no server has it."""
        return None

    def config(self) -> Mapping[str, Any] | None:
        """The content of the model's `config.json`, if it is on this machine."""
        return None

    def digest(self) -> str:
        """Hash of what the model depends on beyond the options, such as the files of a directory.

        It is part of the fingerprint of the stage.
        """
        return ""
