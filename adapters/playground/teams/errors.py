"""Error responses of the Bot Connector."""

import math

from adapters.playground.simulator import Fault, Json

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


class TeamsError(Exception):
    """An error response. `retry_after`: seconds."""

    def __init__(self, status: int, code: str, message: str = "", retry_after: float | None = None):
        super().__init__(f"{status} {code}")
        headers = {"Retry-After": str(math.ceil(retry_after))} if retry_after is not None else {}
        body: Json = {"error": {"code": code, "message": message or code}}
        if status == 401:
            headers, body = {"WWW-Authenticate": "Bearer"}, {"message": message}
        self.status, self.code, self.body, self.headers = status, code, body, headers


def injected_error(fault: Fault) -> TeamsError:
    """Return the error that a fault asks for; without `error`, the usual code of its status."""
    status = fault.status or (500 if fault.retry_after is None else 429)
    code = fault.error or _CODES.get(status, "ServiceError")
    return TeamsError(status, code, "Injected.", fault.retry_after)
