"""saysel teaches language models to say how sure they are, and why."""

from saysel.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]
