"""The connector's error responses."""

import math

from adapters.playground.simulator import Json, PlatformError

FAULT_CODES = {
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
"""Status of a fault -> the connector's usual error code."""


class TeamsError(PlatformError):
    """An error response. `retry_after`: seconds."""

    def __init__(self, status: int, code: str, message: str = "", retry_after: float | None = None):
        headers = {"Retry-After": str(math.ceil(retry_after))} if retry_after is not None else {}
        body: Json = {"error": {"code": code, "message": message or code}}
        if status == 401:
            headers, body = {"WWW-Authenticate": "Bearer"}, {"message": message}
        super().__init__(code, status, body, headers)
