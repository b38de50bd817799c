"""Recipe files and the recipes that they build on (`extends`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel import registry
from saysel.errors import UsageError
from saysel.recipes.text import read_yaml
from saysel.registry import suggest


def packaged() -> list[str]:
    """The names of the recipes that come with saysel and with plugins, sorted."""
    return registry.names(registry.RECIPE)


def locate(reference: str, folder: Path) -> Path:
    """The file of a recipe.

    Args:
        reference: the name of a packaged recipe, or a path relative to the folder.

    Raises:
        UsageError: it is neither.
    """
    names = packaged()
    if reference in names:
        return registry.recipe(reference)
    path = folder / Path(reference).expanduser()
    if path.suffix in (".yaml", ".yml") or len(path.parts) > len(folder.parts) + 1 or path.exists():
        return path
    hint = suggest(reference, names)
    raise UsageError(
        f"{reference}: no such file, and no packaged recipe has this name; "
        + (f"{hint} " if hint else "")
        + f"packaged: {', '.join(names) or 'none'}"
    )


def read_with_base(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The content of a recipe file, merged over the recipe that it extends.

    Args:
        extending: the files that extend this one, to recognise circles.

    Raises:
        UsageError: a file is missing, unreadable or not a YAML mapping; `extends` is not a text,
            names no recipe, or leads back to a file that it came from.
    """
    file = path.resolve()
    if file in extending:
        circle = " -> ".join(str(step) for step in (*extending[extending.index(file) :], file))
        raise UsageError(f"{path}: extends goes in a circle: {circle}")
    return with_base(read_yaml(path), str(path), path.parent, (*extending, file))


def with_base(
    content: dict[str, Any], where: str, folder: Path, extending: tuple[Path, ...] = ()
) -> dict[str, Any]:
    """The content of a recipe merged over the recipe that it extends, without empty keys.

    Args:
        where: what messages call the recipe.
        folder: what the path under `extends` is relative to.
        extending: see `read_with_base`.

    Raises:
        UsageError: see `read_with_base`.
    """
    reference = content.pop("extends", None)
    if reference is not None:
        if not isinstance(reference, str):
            raise UsageError(f"{where}: extends must be one name or path (got {reference!r})")
        try:
            base_path = locate(reference, folder)
        except UsageError as error:
            raise UsageError(f"{where}: extends {error}") from None
        base = read_with_base(base_path, extending)
        base.pop("name", None)  # the recipe gets a separate run directory
        content = merged(base, content)
    return without_empty(content)


def without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """The content without keys that are left empty, so that they take their defaults."""
    return {key: value for key, value in content.items() if value is not None}


def merged(base: Any, over: Any) -> Any:
    """A value of a recipe over that of the recipe it extends.

    Mappings are merged. Other values, and components with a different `use`, are replaced.
    """
    if isinstance(base, dict) and isinstance(over, str):
        over = {"use": over} if "use" in base else over
    elif isinstance(base, str) and isinstance(over, dict):
        base = {"use": base}
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if "use" in over and over["use"] != base.get("use", over["use"]):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
