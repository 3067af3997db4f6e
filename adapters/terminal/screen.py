"""Print paragraphs on a terminal: wrapping, styles, columns."""

import textwrap
from collections.abc import Iterable
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

MAX_WIDTH = 80
"""Characters in a line: longer lines are hard to read."""

MIN_TABLE_WIDTH = 60
"""Below this, a table has one column."""

TITLE, STRONG, GOOD, NOTE, QUIET = "bold cyan", "bold", "bold green", "yellow", "dim"


class Screen:
    """Writes paragraphs to a console. Wraps by itself, because rich breaks lines at non-breaking spaces."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = max(20, min(console.width, MAX_WIDTH))

    def line(self, text: str = "", style: str = "", *, indent: int = 0, prefix: str = "", quiet: str = "") -> None:
        """Write a paragraph with a hanging indent after `prefix`. The text of `quiet` follows in a dim style."""
        wrapped = _wrap(f"{text} {quiet}" if quiet else text, self.width, prefix, indent)
        # Wrapping moves only spaces, so the dim part begins after this many other characters.
        left = len(text.replace(" ", "")) + len(prefix.replace(" ", ""))
        for part in wrapped or [""]:
            end = _end_of(part, left)
            left -= len(part[:end].replace(" ", ""))
            self._print(Text.assemble((part[:end], style), (part[end:], QUIET)))

    def gap(self) -> None:
        """Write an empty line."""
        self._print(Text())

    def rule(self) -> None:
        """Write a horizontal line."""
        self._print(Text("─" * self.width, QUIET))

    def columns(self, items: list[str], style: str = QUIET, separator: str = " · ") -> None:
        """Write short items in rows; never break inside an item."""
        row = ""
        for item in items:
            longer = f"{row}{separator}{item}" if row else item
            if row and len(longer) > self.width:
                self._print(Text(row, style))
                longer = item
            row = longer
        if row:
            self._print(Text(row, style))

    def table_row(self, title: str, style: str, items: Iterable[tuple[str, str]], *, prefix: str) -> None:
        """Write `title` with a list beside it, or below it on a narrow terminal. `items`: prefix and text of each."""
        if self.width < MIN_TABLE_WIDTH:
            self.line(title, style, prefix=prefix)
            for sign, text in items:
                self.line(text, prefix=sign, indent=len(prefix))
            return
        column = self.width * 2 // 5
        left = _wrap(title, column - 2, prefix)
        right = [line for sign, text in items for line in _wrap(text, self.width - column, sign)]
        for start, item in zip_longest(left, right, fillvalue=""):
            self._print(Text.assemble((start.ljust(column) if item else start, style), item))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _wrap(text: str, width: int, prefix: str, indent: int = 0) -> list[str]:
    """Return `text` in lines of at most `width` characters, with a hanging indent after `prefix`."""
    margin = " " * indent
    return textwrap.wrap(
        text,
        width - (cell_len(prefix) - len(prefix)),  # an emoji takes two cells
        initial_indent=margin + prefix,
        subsequent_indent=margin + " " * cell_len(prefix),
        break_on_hyphens=False,
    )


def _end_of(part: str, count: int) -> int:
    """Return the index in `part` after its first `count` non-space characters, at most its length."""
    for index, character in enumerate(part):
        if character != " ":
            if count == 0:
                return index
            count -= 1
    return len(part)
