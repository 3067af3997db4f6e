"""The log format. It contains no personal data. All code logs with the standard library; structlog formats the lines.

The field ``request`` of a line is the id of the request or job, which is bound with structlog's `bind_contextvars`.
"""

import json
import logging
import sys
import traceback
from functools import partial

import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.settings import Settings

FIELDS = ("method", "route", "status", "platform", "outcome", "ms")
"""Fields of ``extra`` that are logged as JSON. Others are dropped: a library's may contain personal data."""


def _add_exception(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Log the class and the stack of an exception, not its message, which may quote a person."""
    exception_type, _, stack = entry.pop("exc_info", None) or (None, None, None)
    if exception_type:
        entry["exception"] = "".join([*traceback.format_tb(stack), exception_type.__name__])
    return entry


def formatter(log_format: str, *, colors: bool = False) -> logging.Formatter:
    """Return the formatter of log lines. `log_format`: ``json`` or ``text``."""
    is_json = log_format == "json"
    processors: list[Processor] = [
        structlog.processors.TimeStamper("iso", key="time" if is_json else "timestamp"),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        merge_contextvars,
        *([structlog.stdlib.ExtraAdder(FIELDS)] if is_json else []),  # in text, the message contains them
        _add_exception,
    ]
    renderers: list[Processor] = [structlog.processors.EventRenamer("message")] if is_json else []
    renderers.append(
        structlog.processors.JSONRenderer(partial(json.dumps, ensure_ascii=False))
        if is_json
        else structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )


def configure_logging(settings: Settings) -> None:
    """Log this project at the level of the settings, libraries at WARNING: their messages may quote a person."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format, colors=sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("adapters", "bot"):
        logging.getLogger(name).setLevel(settings.log_level)
