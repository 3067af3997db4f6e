"""What `bot.commands.doctor` finds, and how it is printed."""

import sys
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "skipped", "warning", "failure"]
Result = tuple[Level, str] | tuple[Level, str, str]
"""Level, message, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `todo`: what to do about it."""

    check: str
    level: Level
    message: str
    todo: str = ""


def print_findings(findings: list[Finding]) -> None:
    """Print a line for each finding, with a mark of its level."""
    marks = {"ok": "✓", "skipped": "-", "warning": "!", "failure": "✗"}
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        marks = {"ok": "ok", "skipped": "- ", "warning": "! ", "failure": "X "}
    for finding in findings:
        todo = f" -> {finding.todo}" if finding.todo else ""
        print(f"{marks[finding.level]} {finding.check}: {finding.message}{todo}")
