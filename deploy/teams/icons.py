"""Draw the Teams app's icons, a fork in a road: ``python deploy/teams/icons.py``.

Standard library only. Shapes are signed distance functions over a square of -1 to 1, negative inside. A pixel's
distance to the edge gives its opacity, which makes smooth edges.
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
Color = tuple[int, int, int]


def segment(x: float, y: float, a: Point, b: Point) -> float:
    """Return the distance from a point to the line from `a` to `b`."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = max(0.0, min(1.0, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - a[0] - along * dx, y - a[1] - along * dy)


def fork(x: float, y: float) -> float:
    """Return the distance to the fork."""
    stem = segment(x, y, (0, 0.62), (0, 0.14))
    left = segment(x, y, (0, 0.14), (-0.40, -0.26))
    right = segment(x, y, (0, 0.14), (0.29, -0.15))
    return min(stem, left, right) - 0.095


def dot(x: float, y: float) -> float:
    """Return the distance to the dot at the left: in-house."""
    return math.hypot(x + 0.44, y + 0.34) - 0.26


def ring(x: float, y: float) -> float:
    """Return the distance to the ring at the right: outsourced."""
    return abs(math.hypot(x - 0.44, y + 0.34) - 0.21) - 0.075


def png(size: int, pixel: Callable[[float, float], tuple[int, ...]]) -> bytes:
    """Return a PNG file; `pixel` maps a point to red, green, blue and alpha, 0 to 255."""
    at = [(2 * (n + 0.5) / size) - 1 for n in range(size)]
    lines = b"".join(b"\0" + bytes(part for x in at for part in pixel(x, y)) for y in at)
    head = struct.pack(">2I5B", size, size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cover(distance: float, size: int) -> float:
    """Return how much of a pixel lies inside the shape, 0 to 1."""
    return max(0.0, min(1.0, 0.5 - distance * size / 2))


def blend(under: Color, over: Color, opacity: float) -> Color:
    """Return `under` covered by `over` with opacity `opacity`."""
    red, green, blue = (round(u + (o - u) * opacity) for u, o in zip(under, over, strict=True))
    return red, green, blue


def color(x: float, y: float) -> tuple[int, ...]:
    """Return a pixel of the color icon. The symbol stays in the middle: Teams may crop the border."""
    x, y, size = x / 0.8, (y - 0.05) / 0.8, round(192 * 0.8)
    background = blend(INK, PAPER, cover(min(fork(x, y), ring(x, y)), size))
    return *blend(background, SPARK, cover(dot(x, y), size)), 255


def outline(x: float, y: float) -> tuple[int, ...]:
    """Return a pixel of the outline icon: white on transparent, as Teams requires."""
    x, y = x * 0.86, y * 0.86 + 0.05
    opacity = cover(min(shape(x, y) for shape in (fork, dot, ring)), 37)
    return *PAPER, round(255 * opacity)


if __name__ == "__main__":
    (OUT / "color.png").write_bytes(png(192, color))
    (OUT / "outline.png").write_bytes(png(32, outline))
