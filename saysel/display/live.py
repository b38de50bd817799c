"""Lines on a terminal that are replaced in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from saysel.display.terminal import printable


@contextmanager
def live_lines() -> Iterator[Callable[[Sequence[str]], None]]:
    """A function that shows lines in place of those that it showed before."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False) as live:

        def show(lines: Sequence[str]) -> None:
            text = Text(printable("\n".join(lines)), no_wrap=True, overflow="ellipsis")
            live.update(text, refresh=True)

        yield show
