"""Spans of OpenTelemetry, for the code that opens them.

Without tracing these functions do nothing and nothing of OpenTelemetry is imported; `bot.telemetry.tracing` replaces
them. Call them through the module (``spans.span(...)``). The attribute ``name`` is the name of the span; attributes
added while it is open are recorded as well.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Attributes = dict[str, Any]
OpenSpan = Callable[[Attributes], AbstractContextManager[Attributes]]

request_span: OpenSpan = nullcontext
"""Opens the first span of a trace."""
job_span: OpenSpan = nullcontext
"""Opens a span in the trace that stored the job. The attribute ``trace`` is what `trace_context` returned then."""
span: OpenSpan = nullcontext
"""Opens a span inside the current one; does nothing when there is none."""
trace_context: Callable[[], dict[str, str]] = dict
"""Returns what the payload of a job stores of the current trace."""
