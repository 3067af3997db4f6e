# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""The minimum: aiohttp, the signature verified, an empty response. ``plain.py PORT SECRET``."""

import hashlib
import hmac
import sys

from aiohttp import web


def main(port, secret):
    async def pressed(request):
        raw = await request.read()
        stamp = request.headers["X-Slack-Request-Timestamp"]
        expected = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
        good = hmac.compare_digest(f"v0={expected}", request.headers["X-Slack-Signature"])
        return web.Response(status=200 if good else 401)

    app = web.Application()
    app.router.add_post("/slack/events", pressed)
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
