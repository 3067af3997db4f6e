"""Print paragraphs on a terminal: wrapping, styles, columns."""

import textwrap

from rich.console import Console
from rich.text import Text

MAX_WIDTH = 80
"""Characters in a line: longer lines are hard to read."""

TITLE, STRONG, GOOD, NOTE, QUIET = "bold cyan", "bold", "bold green", "yellow", "dim"


class Screen:
    """Writes paragraphs to a console. Wraps by itself, because rich breaks lines at non-breaking spaces."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = max(20, min(console.width, MAX_WIDTH))

    def line(self, text: str = "", style: str = "", *, indent: int = 0, prefix: str = "", quiet: str = "") -> None:
        """Write a paragraph with a hanging indent after `prefix`. The text of `quiet` follows in a dim style."""
        margin = " " * indent
        wrapped = textwrap.wrap(
            f"{text} {quiet}" if quiet else text,
            self.width,
            initial_indent=margin + prefix,
            subsequent_indent=margin + " " * len(prefix),
            break_on_hyphens=False,
        )
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

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _end_of(part: str, count: int) -> int:
    """Return the index in `part` after its first `count` non-space characters, at most its length."""
    for index, character in enumerate(part):
        if character != " ":
            if count == 0:
                return index
            count -= 1
    return len(part)
