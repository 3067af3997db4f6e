"""Draws the app's icons, a way that forks: in-house, or handed over. ``python deploy/teams/icons.py``.

Nothing but the standard library: the shapes are distances, the edges smoothed by how far a pixel lies from them.
"""

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "adapters" / "teams" / "app_files"
INK, PAPER = (27, 58, 107), (255, 255, 255)
SPARK = (255, 183, 77)

Point = tuple[float, float]
Colour = tuple[int, int, int]


def segment(x: float, y: float, a: Point, b: Point) -> float:
    """Return the distance from a point to a line between two."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = max(0.0, min(1.0, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - a[0] - along * dx, y - a[1] - along * dy)


def way(x: float, y: float) -> float:
    """Return the distance to the fork, in a square of -1 to 1; negative inside."""
    stem = segment(x, y, (0, 0.62), (0, 0.14))
    left = segment(x, y, (0, 0.14), (-0.40, -0.26))
    right = segment(x, y, (0, 0.14), (0.29, -0.15))
    return min(stem, left, right) - 0.095


def home(x: float, y: float) -> float:
    """Return the distance to the full dot: in-house."""
    return math.hypot(x + 0.44, y + 0.34) - 0.26


def away(x: float, y: float) -> float:
    """Return the distance to the ring: handed over."""
    return abs(math.hypot(x - 0.44, y + 0.34) - 0.21) - 0.075


def png(size: int, pixel: Callable[[float, float], tuple[int, ...]]) -> bytes:
    """Return a picture; `pixel` gives red, green, blue and how opaque for a point of -1 to 1."""
    at = [(2 * (n + 0.5) / size) - 1 for n in range(size)]
    lines = b"".join(b"\0" + bytes(part for x in at for part in pixel(x, y)) for y in at)
    head = struct.pack(">2I5B", size, size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cover(distance: float, size: int) -> float:
    """Return how much of a pixel lies inside."""
    return max(0.0, min(1.0, 0.5 - distance * size / 2))


def blend(under: Colour, over: Colour, much: float) -> Colour:
    """Return a colour over another."""
    red, green, blue = (round(u + (o - u) * much) for u, o in zip(under, over, strict=True))
    return red, green, blue


def colour(x: float, y: float) -> tuple[int, ...]:
    """The symbol within the middle, where Teams' own frames never cut."""
    x, y, size = x / 0.8, (y - 0.05) / 0.8, round(192 * 0.8)
    found = blend(INK, PAPER, cover(min(way(x, y), away(x, y)), size))
    return *blend(found, SPARK, cover(home(x, y), size)), 255


def outline(x: float, y: float) -> tuple[int, ...]:
    """White on nothing, as Teams asks."""
    x, y = x * 0.86, y * 0.86 + 0.05
    much = cover(min(shape(x, y) for shape in (way, home, away)), 37)
    return *PAPER, round(255 * much)


if __name__ == "__main__":
    (OUT / "color.png").write_bytes(png(192, colour))
    (OUT / "outline.png").write_bytes(png(32, outline))
