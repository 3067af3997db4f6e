# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""Microsoft's current SDK for agents: its `CloudAdapter` on aiohttp, one reply. ``agents.py PORT``."""

import sys

import local
from aiohttp import web
from microsoft_agents.activity import Activity, ActivityTypes, Attachment, InvokeResponse
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.aiohttp import CloudAdapter, jwt_authorization_middleware, start_agent_process
from microsoft_agents.hosting.core import ActivityHandler, AgentAuthConfiguration
from microsoft_agents.hosting.core.authorization.jwt import jwt_token_validator


class Bot(ActivityHandler):
    def __init__(self):
        self.card = local.card()

    async def on_invoke_activity(self, turn_context):
        shown = Attachment(content_type=local.CARD_TYPE, content=self.card)
        await turn_context.send_activity(Activity(type=ActivityTypes.message, attachments=[shown]))
        return InvokeResponse(status=200, body={"statusCode": 200, "type": local.CARD_TYPE, "value": self.card})


def main(port):
    local.redirect()
    jwt_token_validator.BOTFRAMEWORK_JWKS_URIS[local.ISSUER] = f"{local.SIMULATOR}/keys"
    known = AgentAuthConfiguration(
        client_id=local.APP, tenant_id=local.TENANT, client_secret="secret", connection_name="SERVICE_CONNECTION"
    )
    connections = MsalConnectionManager(connections_configurations={"SERVICE_CONNECTION": known})
    adapter, bot = CloudAdapter(connection_manager=connections), Bot()

    async def messages(request):
        return await start_agent_process(request, bot, adapter)

    app = web.Application(middlewares=[jwt_authorization_middleware])
    app["agent_configuration"] = known
    app.router.add_post("/api/messages", messages)
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
