"""A page of text on a terminal: wraps words, colours them where there are colours, and knows nothing of a dialog."""

import textwrap

from rich.console import Console
from rich.text import Text

WIDEST = 80
"""Characters in a line at most: longer ones are hard to read."""

TITLE, STRONG, GOOD, NOTE, QUIET = "bold cyan", "bold", "bold green", "yellow", "dim"


class Screen:
    """Writes paragraphs to a console. Wraps by itself, since rich would break a line at a non-breaking space."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = max(20, min(console.width, WIDEST))

    def line(self, text: str = "", style: str = "", *, indent: int = 0, mark: str = "", quiet: str = "") -> None:
        """Write a paragraph: `mark` before it (its lines hang below each other), `quiet` after it, less bright."""
        whole = f"{text} {quiet}" if quiet else text
        margin = " " * indent
        wrapped = textwrap.wrap(
            whole,
            self.width,
            initial_indent=margin + mark,
            subsequent_indent=margin + " " * len(mark),
            break_on_hyphens=False,
        )
        # What is quiet begins after as many characters other than blanks: wrapping moves only those.
        left = len(text.replace(" ", "")) + len(mark.replace(" ", ""))
        for part in wrapped or [""]:
            loud = _place(part, left)
            left -= len(part[:loud].replace(" ", ""))
            self._print(Text.assemble((part[:loud], style), (part[loud:], QUIET)))

    def gap(self) -> None:
        """Leave a line blank."""
        self._print(Text())

    def rule(self) -> None:
        """Draw a line across, between one card and the next."""
        self._print(Text("─" * self.width, QUIET))

    def columns(self, items: list[str], style: str = QUIET, separator: str = " · ") -> None:
        """Write short items in a row, never broken inside an item."""
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


def _place(part: str, count: int) -> int:
    """Return where in `part` its first `count` characters other than blanks end; its length where it has fewer."""
    for place, character in enumerate(part):
        if character != " ":
            if count == 0:
                return place
            count -= 1
    return len(part)
