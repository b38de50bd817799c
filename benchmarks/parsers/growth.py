"""How long readers of replies take as hostile replies grow: the slowest of each, per size.

    python benchmarks/parsers/growth.py

A reply is one piece of text, repeated; the pieces are those of `tests/replies/hostile.py`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.replies.hostile import PIECES, READERS

SIZES = (16_000, 64_000, 256_000)


def seconds(reader: str, text: str) -> float:
    start = time.thread_time()
    READERS[reader](text)
    return time.thread_time() - start


def main() -> None:
    print("| reader | " + " | ".join(f"{size:,} characters" for size in SIZES) + " | slowest on |")
    print("|---" * (len(SIZES) + 2) + "|")
    for reader in READERS:
        times = {
            piece: [seconds(reader, piece * (size // len(piece))) for size in SIZES]
            for piece in PIECES
        }
        slowest = max(times, key=lambda piece: times[piece][-1])
        largest = [max(column) for column in zip(*times.values(), strict=True)]
        cells = " | ".join(f"{one:.2f} s" for one in largest)
        print(f"| `{reader}` | {cells} | `{slowest!r}` |")


if __name__ == "__main__":
    main()
