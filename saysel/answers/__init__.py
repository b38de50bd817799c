"""Equality of short answers: one normal form for judges, clusterers and mentions.

    normalise   text → words in lower case, numbers in digits
    key         text → its normal form; equal keys mean the same answer (an equivalence relation)
    matches     accepted answers, answer → whether a judge accepts it; wider than equal keys

A key depends on the text alone. A judge knows which side is the accepted one and can therefore
accept more: "Paris, France" for "Paris", or "18 dollars" for "18".

No input is executed, and every function takes time linear in the length of its input. Texts of
more than `MAX_LENGTH` characters are compared word for word.
"""

from saysel.answers.keys import key, keys
from saysel.answers.matching import matches
from saysel.answers.normalise import MAX_LENGTH, normalise

__all__ = ["MAX_LENGTH", "key", "keys", "matches", "normalise"]
