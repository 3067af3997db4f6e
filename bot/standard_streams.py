"""Standard streams that are closed or that fail."""

import os
import sys


def open_closed_streams() -> bool:
    """Open the null device for each closed standard stream. Return whether standard output was open.

    Otherwise the next file to be opened, such as the database, would be the standard output.
    """
    can_print = sys.stdout is not None
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    return can_print


def discard_output() -> None:
    """Keep the interpreter from writing the rest at exit, which would fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
    os.close(null)
