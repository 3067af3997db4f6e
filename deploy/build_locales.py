"""Compile the message catalogues: every `dialogs/locales/*/LC_MESSAGES/*.po` to a `.mo` beside it.

Hatchling calls `CustomBuildHook` on every build, also editable ones. The Makefile runs
`python deploy/build_locales.py [FILE.po ...]` when a catalogue changed. A fault in a catalogue fails both.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = "dialogs/locales/*/LC_MESSAGES/*.po"

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(rf"\s*(?:#.*|(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?{_QUOTED}\s*)?")
# An entry's key: its optional context and its id, each over one or more lines.
_KEY = re.compile(rf"^(?:msgctxt\s+((?:{_QUOTED}\s*)+))?msgid\s+((?:{_QUOTED}\s*)+)", re.MULTILINE)


class BrokenCatalogueError(Exception):
    """The message names the file and its faults."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Hatchling's entry point. The wheel includes the `.mo` files as artifacts."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile all catalogues of the project."""
        del version, build_data
        for po in find(Path(self.root)):
            compile_catalogue(po)


def find(root: Path = ROOT) -> list[Path]:
    """Return every catalogue of the project at `root`, sorted."""
    return sorted(root.glob(CATALOGUES))


def compile_catalogue(po: Path) -> Path:
    """Write the `.mo` beside `po` and return its path. Raises `BrokenCatalogueError` and writes nothing on a fault."""
    text = po.read_bytes()
    try:
        # The folder above LC_MESSAGES is the language: it decides which plural forms are checked.
        catalogue = read_po(BytesIO(text), locale=po.parent.parent.name, abort_invalid=True)
        source = text.decode("utf-8")
    except (PoFileError, ValueError) as error:
        raise BrokenCatalogueError(f"{po}: {error}") from error
    if faults := list(_faults(catalogue, source)):
        raise BrokenCatalogueError("\n".join(f"{po}: {fault}" for fault in faults))

    compiled = BytesIO()
    write_mo(compiled, catalogue)
    mo = po.with_suffix(".mo")
    # Replace atomically: another process may be reading the file.
    unfinished = mo.with_name(f".{mo.name}.{os.getpid()}")
    unfinished.write_bytes(compiled.getvalue())
    unfinished.replace(mo)
    return mo


def _faults(catalogue: Catalog, source: str) -> Iterator[str]:
    """Yield faults that Babel accepts: open quotes, duplicates, fuzzy entries, bad placeholders."""
    for number, line in enumerate(source.split("\n"), 1):
        if not _LINE.fullmatch(line):
            yield f"line {number}: neither a comment nor a keyword with a quoted text: {line.strip()}"
    # Babel keeps the first of two entries with the same key and silently drops the other.
    for (context, key), count in Counter(map(_key, _KEY.finditer(source))).items():
        if count > 1:
            yield f"{key!r} appears {count} times" + (f" in the context {context!r}" if context else "")
    for message in catalogue:
        if message.id and message.fuzzy:
            yield f"line {message.lineno}: {message.id!r} is marked fuzzy and would be skipped"
    for message, errors in catalogue.check():
        for error in errors:
            yield f"line {message.lineno}: {message.id!r}: {error}"


def _key(entry: re.Match[str]) -> tuple[str, str]:
    context, key = ("".join(re.findall(_QUOTED, entry[group] or "")) for group in (1, 3))
    return context, key


def main(names: list[str]) -> int:
    """Compile the named catalogues, or all, and report every broken one. Return the exit status."""
    status = 0
    for po in [Path(name) for name in names] or find():
        try:
            compile_catalogue(po)
        except (BrokenCatalogueError, OSError) as error:
            print(error, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
