"""Hypervolume: how much of the space of goals a set of points beats, the usual measure of a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence

Values = tuple[float, ...]


def hypervolume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Volume between points, of which less is better, and a reference that is worse than they are.

    Points that are not better than the reference in every goal add nothing. By slices along the last goal, exact.
    Source: Zitzler and Thiele, PPSN 1998.
    """
    inside = [tuple(point) for point in points if all(p < r for p, r in zip(point, reference, strict=True))]
    return _volume(sorted(set(inside), key=lambda point: point[-1]), tuple(reference))


def _volume(points: list[Values], reference: Values) -> float:
    """points: ascending in the last goal, all better than the reference."""
    if not points:
        return 0.0
    if len(reference) == 1:
        return reference[0] - points[0][0]
    volume = 0.0
    for index, point in enumerate(points):
        above = points[index + 1][-1] if index + 1 < len(points) else reference[-1]
        if above > point[-1]:
            slice_points = sorted({other[:-1] for other in points[: index + 1]}, key=lambda other: other[-1])
            volume += (above - point[-1]) * _volume(slice_points, reference[:-1])
    return volume
