# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""A bare bolt app: one action listener that acknowledges and changes the card with one Web API call; no storage.

``bolt.py PORT API_URL SECRET [shared] [uvloop]``. `shared`: the client uses one `ClientSession`.
"""

import asyncio
import re
import sys

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

AUTHORIZED = AuthorizeResult(
    enterprise_id=None, team_id="T0BENCH01", bot_user_id="U0BENCHBOT", bot_token="xoxb-benchmark"
)


async def authorize(**_context):
    return AUTHORIZED


async def pressed(ack, body, client):
    await ack()
    message = body["message"]
    await client.chat_update(
        channel=body["channel"]["id"], ts=message["ts"], text=message["text"], blocks=message["blocks"]
    )


async def built(api_url, secret, shared):
    session = aiohttp.ClientSession() if shared else None
    client = AsyncWebClient(base_url=api_url, session=session)
    app = AsyncApp(signing_secret=secret, authorize=authorize, client=client)
    app.action(re.compile(".*"))(pressed)
    return app.web_app(path="/slack/events")


def main(port, api_url, secret, *options):
    if "uvloop" in options:
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    web.run_app(built(api_url, secret, "shared" in options), host="127.0.0.1", port=int(port), loop=loop, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
