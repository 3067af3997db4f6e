"""A minimal client of the connector, and the cards and responses that the tests of the simulator send."""

from typing import Any

from aiohttp import ClientSession

from adapters.playground.simulator import Json
from adapters.playground.teams.rules import CARD_TYPE
from adapters.playground.teams.server import SCOPE, TeamsSimulator


def submit(title: str, **data: Any) -> Json:
    return {"type": "Action.Submit", "title": title, "data": {"step": 1, **data}}


def execute(title: str, **data: Any) -> Json:
    action = submit(title, **data)
    return {**action, "type": "Action.Execute", "verb": "answer", "fallback": action}


def text(value: str, **more: Any) -> Json:
    return {"type": "TextBlock", "text": value, "wrap": True, **more}


def card(*actions: Json, body: Any = (), **more: Any) -> Json:
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": "A question",
        "speak": "A question",
        "body": [
            text("A question"),
            *body,
            {"type": "ActionSet", "actions": list(actions) or [execute("Yes", option="yes")]},
        ],
        **more,
    }


def card_message(content: Json) -> Json:
    return {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": content}]}


TEXT = {"type": "message", "text": "hello"}


class Bot:
    """A minimal client of the connector."""

    def __init__(self, teams: TeamsSimulator):
        self.teams, self.token = teams, ""

    async def login(self, **changes: str) -> tuple[int, Json]:
        form = {"grant_type": "client_credentials", "client_id": self.teams.app_id, "scope": SCOPE}
        form |= {"client_secret": self.teams.app_password, **changes}
        tenant = form.pop("tenant", self.teams.tenant)
        async with (
            ClientSession() as session,
            session.post(f"{self.teams.url}/{tenant}/oauth2/v2.0/token", data=form) as response,
        ):
            body = await response.json()
            self.token = body.get("access_token", self.token)
            return response.status, body

    async def call(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        kind: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            ClientSession(self.teams.service_url, headers=headers) as session,
            session.request(method, f"v3/{path}", **kind) as response,
        ):
            self.retry_after = response.headers.get("Retry-After")
            return response.status, (await response.json() if await response.read() else None)

    async def send(self, conversation: str, activity: Any = None) -> tuple[int, Any]:
        return await self.call("POST", f"conversations/{conversation}/activities", activity or TEXT)


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def invoked(kind: str, value: Any, status: int = 200) -> Json:
    return {"statusCode": status, "type": kind, "value": value}
