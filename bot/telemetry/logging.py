"""The log: what happened, and nothing about a person. structlog writes the lines.

Whoever logs uses the standard library, adapters and libraries too: a level that is off costs what it costs there.
Beside its message a record may carry the fields of `FIELDS`, as ``extra``: short values of ours, to count by.
Each line has the id of the request or the job it is about.
"""

import json
import logging
import sys
import traceback
from functools import partial

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.settings import Settings

FIELDS = ("method", "route", "status", "platform", "outcome", "ms")
"""What else a record may carry; of a library's nothing is taken."""


SLOW = 1.0
"""Seconds after which an answer is worth a line."""


def bind_request_id(request: str) -> None:
    """Say what is answered or done from here on, in this task and in those it begins: the id of a request or a job."""
    bind_contextvars(request=request)


def _failure(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Of an exception its kind and where it came from: what it says may quote a person."""
    kind, _, frames = entry.pop("exc_info", None) or (None, None, None)
    if kind:
        entry["exception"] = "".join([*traceback.format_tb(frames), kind.__name__])
    return entry


def formatter(how: str, *, colors: bool = False) -> logging.Formatter:
    """Return what makes a line of a record: ``json``, or ``text`` for people."""
    fields = structlog.stdlib.ExtraAdder(FIELDS) if how == "json" else None  # people find them in the message
    both: list[Processor] = [
        structlog.processors.TimeStamper("iso", key="time" if how == "json" else "timestamp"),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        merge_contextvars,
        *([fields] if fields else []),
        _failure,
    ]
    last: list[Processor] = (
        [
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(partial(json.dumps, ensure_ascii=False)),
        ]
        if how == "json"
        else [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=both, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )


def configure_logging(settings: Settings) -> None:
    """Ours as the settings say; of libraries, which may quote what a person sent, only warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format, colors=sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("adapters", "bot"):
        logging.getLogger(name).setLevel(settings.log_level)


def route_of(request: web.BaseRequest) -> str | None:
    """Return the route that was asked for, as we wrote it; None where there is none."""
    resource = request.match_info.route.resource if isinstance(request, web.Request) else None
    return resource.canonical if resource else None


class AccessLogger(AbstractAccessLogger):
    """The route that was asked for, not the path: a path is written by whoever asks, a query may hold a secret.

    What went well and in time is for DEBUG: there are metrics of it, and a line takes longer than some requests.
    """

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        level = logging.INFO if response.status >= 400 or time > SLOW else logging.DEBUG
        if not self.logger.isEnabledFor(level):
            return
        line = (request.method, route_of(request) or "-", response.status, round(time * 1000))
        fields = dict(zip(("method", "route", "status", "ms"), line, strict=True))
        self.logger.log(level, "%s %s %d %d ms", *line, extra=fields)
