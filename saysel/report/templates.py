"""The pages' templates and style: values are escaped, and a missing one is an error."""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

from saysel.report.figures import svg

FOLDER = Path(__file__).parent


def environment(folder: Path) -> jinja2.Environment:
    """The templates of a folder, which may import those of this one."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


ENVIRONMENT = environment(FOLDER)


def template(name: str) -> jinja2.Template:
    """A template in this folder."""
    return ENVIRONMENT.get_template(name)


def style_sheet() -> Markup:
    """The style of pages and figures."""
    return Markup(svg.style_sheet() + (FOLDER / "page.css").read_text(encoding="utf-8"))
