"""How long readers of replies and answers take as hostile texts grow: the slowest, per size.

    python benchmarks/parsers/growth.py

A text is one piece, repeated; pieces and readers are those of `tests/replies/hostile.py` and
`tests/answers/hostile.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.answers import hostile as answers
from tests.replies import hostile as replies

SIZES = (16_000, 64_000, 256_000)


def seconds(read: Callable[[str], object], text: str) -> float:
    start = time.thread_time()
    read(text)
    return time.thread_time() - start


def rows(readers: Mapping[str, Callable[[str], object]], pieces: Sequence[str]) -> None:
    for name, read in readers.items():
        times = {
            piece: [seconds(read, piece * (size // len(piece))) for size in SIZES]
            for piece in pieces
        }
        slowest = max(times, key=lambda piece: times[piece][-1])
        largest = [max(column) for column in zip(*times.values(), strict=True)]
        cells = " | ".join(f"{one:.2f} s" for one in largest)
        print(f"| `{name}` | {cells} | `{slowest!r}` |", flush=True)


def main() -> None:
    print("| reader | " + " | ".join(f"{size:,} characters" for size in SIZES) + " | slowest on |")
    print("|---" * (len(SIZES) + 2) + "|")
    rows(replies.READERS, replies.PIECES)
    rows(answers.READERS, answers.PIECES)


if __name__ == "__main__":
    main()
