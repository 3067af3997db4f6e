"""``make settings``: write the table of settings from `bot.settings` into a file, between its markers."""

import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr

from bot.settings import GROUPS, Settings
from deploy.markers import replace_block

BEGIN, END = "<!-- settings: made by `make settings` -->", "<!-- end of settings -->"


def table() -> str:
    """Return the table, in Markdown."""
    lines = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            lines.append(f"| **{GROUPS[name]}** | | |")
        values = [f"`{value}`" for value in _choices(field.annotation)]
        description = "; ".join(filter(None, (" or ".join(values), field.description)))
        lines.append(f"| `{name.upper()}` | {_default(field.default)} | {description} |")
    return "\n".join(lines)


def insert_table(text: str) -> str:
    """Return `text` with the table between the markers. Raises `ValueError` without the markers."""
    return replace_block(text, BEGIN, END, table())


def _choices(annotation: Any) -> list[str]:
    """Return the values of a ``Literal``, however deep it is in an annotation."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in _choices(part)]


def _default(value: object) -> str:
    if isinstance(value, SecretStr):  # a default is not secret
        value = value.get_secret_value()
    if isinstance(value, tuple):
        value = ",".join(value)
    if value in {None, ""}:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(insert_table(path.read_text(encoding="utf-8")), encoding="utf-8")
