# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""Only Microsoft's types: the token verified by PyJWT with a cached key, the activity deserialized, the card updated
with one PUT by aiohttp; no storage. ``types_only.py PORT [uvloop]``.
"""

import asyncio
import json
import sys
from urllib.parse import quote

import aiohttp
import jwt
import local
from aiohttp import web
from botbuilder.schema import Activity


class Bot:
    def __init__(self, http, keys):
        self.http, self.keys, self.card = http, keys, local.card()
        self.token = None

    async def messages(self, request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = self.keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["RS256"], audience=local.APP, issuer=local.ISSUER)
        activity = Activity.deserialize(json.loads(await request.read()))
        where = f"{quote(activity.conversation.id, safe='')}/activities/{activity.reply_to_id}"
        changed = {"type": "message", "attachments": [{"contentType": local.CARD_TYPE, "content": self.card}]}
        url = f"{activity.service_url}v3/conversations/{where}"
        async with self.http.put(url, json=changed, headers={"Authorization": f"Bearer {self.token}"}) as answer:
            await answer.json()
        return web.json_response({"statusCode": 200, "type": local.CARD_TYPE, "value": self.card})


async def built():
    http = aiohttp.ClientSession()
    async with http.get(f"{local.SIMULATOR}/keys") as answer:
        keys = {key["kid"]: jwt.PyJWK(key, "RS256") for key in (await answer.json())["keys"]}
    bot = Bot(http, keys)
    async with http.post(f"{local.SIMULATOR}/{local.TENANT}/oauth2/v2.0/token") as answer:
        bot.token = (await answer.json())["access_token"]
    app = web.Application()
    app.router.add_post("/api/messages", bot.messages)
    return app


def main(port, *options):
    if "uvloop" in options:
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    web.run_app(built(), host="127.0.0.1", port=int(port), loop=loop, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
