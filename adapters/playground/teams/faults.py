"""The answers of the connector that are no success: its own, and those a test asks for."""

import math
from dataclasses import dataclass
from typing import Literal

from adapters.playground.teams.rules import Json

_CODES = {
    401: "Unauthorized",
    403: "BotNotInConversationRoster",
    404: "ConversationNotFound",
    412: "PreconditionFailed",
    413: "MessageSizeTooBig",
    429: "Throttled",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


class Refused(Exception):
    """An answer of the connector that is not a success."""

    def __init__(self, status: int, code: str, message: str = "", retry_after: float | None = None):
        super().__init__(f"{status} {code}")
        headers = {"Retry-After": str(math.ceil(retry_after))} if retry_after is not None else {}
        body: Json = {"error": {"code": code, "message": message or code}}
        if status == 401:
            headers, body = {"WWW-Authenticate": "Bearer"}, {"message": message}
        self.status, self.body, self.headers = status, body, headers


@dataclass
class Fault:
    """What goes wrong with the next `times` requests of an operation.

    `status` answers that without doing anything, or, with `effect`, although it is done; `drop` closes the
    connection before or after doing it; `delay` waits first, in seconds, and alone only slows; `hold` waits
    between doing it and the answer, which may then find nobody waiting.
    """

    operation: str
    status: int | None = None
    times: int = 1
    retry_after: float | None = None
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    code: str = ""
    hold: float = 0.0
    effect: bool = False

    def refuse(self) -> None:
        """Exchange the status, if there is one."""
        if self.status:
            code = self.code or _CODES.get(self.status, "ServiceError")
            raise Refused(self.status, code, "Injected.", self.retry_after)
