"""Seeds derived from names and numbers: the same parts give the same seed on every machine."""

from __future__ import annotations

import random
from hashlib import blake2b


def seed_of(*parts: object) -> int:
    """A seed of 32 bits for a generator of numpy, torch or a server.

    seed_of("sample", recipe.seed, shard)
    """
    digest = blake2b(_joined(parts), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def generator(*parts: object) -> random.Random:
    """A generator of Python's own, for shuffling and choosing.

    generator("ppo", seed, epoch).shuffle(order)
    """
    return random.Random(_joined(parts).decode())


def _joined(parts: tuple[object, ...]) -> bytes:
    return "/".join(map(str, parts)).encode()
