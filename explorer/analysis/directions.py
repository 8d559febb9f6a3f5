"""The length of a vector, and how far it is turned from another."""

from collections.abc import Sequence
from math import acos, degrees, fsum, hypot, isfinite, nan


def length(vector: Sequence[float]) -> float:
    """The Euclidean length."""
    return hypot(*vector)


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """From −1 (opposite) to 1 (the same direction); NaN where one has no direction: it is zero, or not finite."""
    lengths = length(a), length(b)
    if not all(lengths) or not all(map(isfinite, lengths)):
        return nan
    return max(-1.0, min(1.0, fsum((x / lengths[0]) * (y / lengths[1]) for x, y in zip(a, b))))


def angle(a: Sequence[float], b: Sequence[float]) -> float:
    """The angle between two vectors in degrees, from 0 to 180; NaN where one has no direction."""
    return degrees(acos(cosine(a, b)))


def share_of_squares(vector: Sequence[float], columns: Sequence[int]) -> float:
    """The share of the squared length that some of its numbers hold, from 0 to 1; NaN where it has no length."""
    whole = length(vector)
    if not whole or not isfinite(whole):
        return nan
    return fsum((vector[column] / whole) ** 2 for column in columns)
