"""``make trace``: write the function calls of one button press on each platform into a file, between its markers.

The calls come from `tests.trace`. Comprehensions and lambdas are left out, and repeated calls are counted.
"""

import asyncio
import sys
from itertools import groupby
from pathlib import Path

from deploy.markers import replace_block
from tests.trace import Trace, record


def trace_block(trace: Trace) -> str:
    """Return the trace as a Markdown block: one line per visit of a file, then the totals."""
    named = [call for call in trace.calls if not call[1].startswith("<")]
    lines = [
        f"{file}: {_names([name for _, name in calls])}" for file, calls in groupby(named, key=lambda call: call[0])
    ]
    total = f"{len(trace.files)} files, {trace.changes} changes from file to file, {len(trace.calls)} calls"
    return "\n".join(("```text", *lines, "", total, "```"))


def _names(names: list[str]) -> str:
    counts = [(name, len(list(same))) for name, same in groupby(names)]
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        text = path.read_text(encoding="utf-8")
        for platform in ("slack", "teams"):
            begin, end = f"<!-- trace {platform}: made by `make trace` -->", f"<!-- end of trace {platform} -->"
            text = replace_block(text, begin, end, trace_block(asyncio.run(record(platform))))
        path.write_text(text, encoding="utf-8")
