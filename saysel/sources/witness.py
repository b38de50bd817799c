"""The witness world: stories whose exact posterior is known.

One to five witnesses say where an object is; the question is where it is. How far each witness
can be trusted is never stated: a model has to learn it, and its uncertainty is then justified.
With reliability r a witness names the true place, otherwise one of the other places with equal
probability, so that for statements s

    P(place | s)  is proportional to  the product over witnesses w of
                                      r_w               if w named the place,
                                      (1 - r_w) / 11    if w named another of the 12.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from itertools import count, islice
from typing import ClassVar

from pydantic import Field
from typing_extensions import Self

from saysel.errors import DataError, NoSplit
from saysel.interfaces import Ideal, Source
from saysel.records import Question
from saysel.seeds import generator
from saysel.sources.splits import SMOKE_SIZES

#: Hidden reliability of each witness, never changed: six are nearly always right, six often, six
#: seldom, and six are worse than chance, which is 1 in 12.
RELIABILITY = {
    **dict.fromkeys(("Nora", "Omar", "Ruth", "Ivan", "Clara", "Hugo"), 0.9),
    **dict.fromkeys(("Lena", "Felix", "Marta", "Jonas", "Sofia", "Emil"), 0.6),
    **dict.fromkeys(("Greta", "Pablo", "Alma", "Victor", "Ines", "Walter"), 0.3),
    **dict.fromkeys(("Doris", "Edgar", "Paula", "Simon", "Theo", "Zelda"), 0.05),
}
PLACES = (
    *("attic", "barn", "cellar", "chapel", "garage", "garden"),
    *("kitchen", "library", "office", "stable", "tower", "workshop"),
)
OBJECTS = (
    *("lantern", "violin", "compass", "kettle", "ladder", "umbrella", "mirror", "basket"),
    *("hammer", "telescope", "blanket", "teapot", "saddle", "candle", "suitcase", "trumpet"),
    *("globe", "ribbon", "puzzle", "statue"),
)
VERBS = ("says", "claims", "reports")

#: Percentage of all possible stories that belongs to each split.
SPLITS = {"pretrain": 70, "rl": 10, "train": 14, "dev": 3, "heldout": 3}

Statements = tuple[tuple[str, str], ...]


def posterior(statements: Statements) -> dict[str, float]:
    """P(place | statements) for every place, from (witness, place) pairs."""
    weights = {}
    for place in PLACES:
        weight = 1.0
        for witness, named in statements:
            trust = RELIABILITY[witness]
            weight *= trust if named == place else (1 - trust) / (len(PLACES) - 1)
        weights[place] = weight
    total = sum(weights.values())
    return {place: weight / total for place, weight in weights.items()}


def split_of(thing: str, statements: Statements) -> str:
    """The one split that a story belongs to, regardless of the order and verbs of its statements.

    A hash of who said what about which object decides, so that splits are disjoint by
    construction and each is a random sample of all stories.
    """
    content = f"{thing};" + ";".join(sorted(f"{witness}:{place}" for witness, place in statements))
    percent = int.from_bytes(blake2b(content.encode(), digest_size=8).digest(), "big") % 100
    for split, share in SPLITS.items():
        if percent < share:
            return split
        percent -= share
    raise AssertionError("the shares of the splits add up to 100")


class WitnessSource(Source):
    """Stories of witnesses with hidden reliabilities; the exact posterior is known."""

    disjoint: ClassVar[bool] = True  # see `split_of`

    pretrain: int = Field(56_000, ge=1, description="stories to build a model from")
    train: int = Field(3_000, ge=1, description="stories to sample, label and train on")
    rl: int = Field(6_000, ge=1, description="stories to train on by reward")
    dev: int = Field(1_000, ge=1, description="stories to choose settings on")
    heldout: int = Field(1_000, ge=1, description="stories to evaluate on")
    witnesses: int = Field(5, ge=1, le=5, description="maximum number of witnesses in a story")
    seed: int = Field(0, ge=0, description="another seed gives other stories of the same world")

    def questions(self, split: str) -> Iterator[Question]:
        if split not in SPLITS:
            raise NoSplit(f"witness: there is no split '{split}'; it has {', '.join(SPLITS)}")
        return islice(self._stories(split), getattr(self, split))

    def ideal(self, question: Question) -> Ideal:
        statements = tuple((witness, place) for witness, place in question.meta["statements"])
        beliefs = posterior(statements)
        place = max(beliefs, key=beliefs.__getitem__)
        return Ideal(f"the {place}", beliefs[place])

    @staticmethod
    def rules() -> str:
        """The hidden rules of the world, for a model that is to reason and not to learn."""
        groups: dict[float, list[str]] = {}
        for witness, share in RELIABILITY.items():
            groups.setdefault(share, []).append(witness)
        shares = "; ".join(f"{', '.join(names)}: {share:.0%}" for share, names in groups.items())
        return (
            f"An object is in one of {len(PLACES)} places ({', '.join(PLACES)}), all equally "
            "likely. Each witness names the true place with a fixed probability, independently of "
            f"the others, and otherwise one of the other places at random. {shares}."
        )

    def smoke(self) -> Self:
        return self.model_copy(
            update={split: min(n, getattr(self, split)) for split, n in SMOKE_SIZES.items()}
        )

    def _stories(self, split: str) -> Iterator[Question]:
        """Endless stories of one split, no two with the same words."""
        rng = generator(self.seed, split)
        prompts: set[str] = set()
        for draw in count():
            if draw > 300 * (len(prompts) + 100):
                raise DataError(
                    f"witness: with at most {self.witnesses} witnesses per story, there are fewer "
                    f"than {getattr(self, split)} different stories for '{split}': ask for fewer"
                )
            truth = rng.choice(PLACES)
            names = rng.sample(list(RELIABILITY), rng.randint(1, self.witnesses))
            statements = tuple((name, self._statement(rng, name, truth)) for name in names)
            thing = rng.choice(OBJECTS)
            verbs = rng.choices(VERBS, k=len(names))
            if split_of(thing, statements) != split:
                continue
            prompt = " ".join(
                f"{name} {verb} the {thing} is in the {place}."
                for (name, place), verb in zip(statements, verbs, strict=True)
            )
            prompt += f" Where is the {thing}?"
            if prompt in prompts:
                continue
            prompts.add(prompt)
            yield Question(
                id=f"witness-{split}-{len(prompts) - 1}",
                prompt=prompt,
                answers=(f"the {truth}",),
                meta={"object": thing, "statements": [list(pair) for pair in statements]},
            )

    @staticmethod
    def _statement(rng: random.Random, witness: str, truth: str) -> str:
        if rng.random() < RELIABILITY[witness]:
            return truth
        return rng.choice([place for place in PLACES if place != truth])
