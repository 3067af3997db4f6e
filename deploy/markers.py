"""Generated blocks in Markdown files, between two marker lines."""

import re


def replace_block(text: str, begin: str, end: str, block: str) -> str:
    """Return `text` with `block` between the lines `begin` and `end`. Raises `ValueError` if not both exist once."""
    pattern = f"(?s)({re.escape(begin)}\n).*?({re.escape(end)})"
    result, count = re.subn(pattern, lambda match: f"{match[1]}{block}\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"expected the markers {begin!r} and {end!r} once")
    return result
