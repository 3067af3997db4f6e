# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""Microsoft's stock bot: `CloudAdapter`, an `ActivityHandler`, one reply; ``stock.py PORT [waterfall]``.

`waterfall`: the reply is a step of a `WaterfallDialog`, its state in a `MemoryStorage`.

The published SDK answers every invoke that has a body with 500, since it encodes the body as JSON twice. This handler
leaves out the first encoding, so that the bot works.
"""

import sys

import local
from aiohttp import web
from botbuilder.core import ActivityHandler, InvokeResponse
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, ActivityTypes, AdaptiveCardInvokeResponse, Attachment


class Settings:
    APP_ID = local.APP
    APP_PASSWORD = "secret"
    APP_TYPE = "SingleTenant"
    APP_TENANTID = local.TENANT
    TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL = local.METADATA
    TO_BOT_FROM_CHANNEL_TOKEN_ISSUER = local.ISSUER
    TO_CHANNEL_FROM_BOT_LOGIN_URL = f"https://login.microsoftonline.com/{local.TENANT}"
    TO_CHANNEL_FROM_BOT_OAUTH_SCOPE = "https://api.botframework.com"


class Bot(ActivityHandler):
    def __init__(self):
        self.card = local.card()

    async def reply(self, context):
        shown = Attachment(content_type=local.CARD_TYPE, content=self.card)
        await context.send_activity(Activity(type=ActivityTypes.message, attachments=[shown]))

    async def on_invoke_activity(self, turn_context):
        await self.reply(turn_context)
        answer = AdaptiveCardInvokeResponse(status_code=200, type=local.CARD_TYPE, value=self.card)
        return InvokeResponse(status=200, body=answer)


class Waterfall(Bot):
    def __init__(self):
        from botbuilder.core import ConversationState, MemoryStorage
        from botbuilder.dialogs import Dialog, DialogSet, WaterfallDialog

        super().__init__()
        self.state = ConversationState(MemoryStorage())
        self.dialogs = DialogSet(self.state.create_property("dialog"))

        async def step(context):
            await Bot.reply(self, context.context)
            return Dialog.end_of_turn

        self.dialogs.add(WaterfallDialog("check", [step, step, step, step]))

    async def reply(self, context):
        from botbuilder.dialogs import DialogTurnStatus

        context.activity.type = ActivityTypes.message  # a waterfall goes on with nothing else
        dialog = await self.dialogs.create_context(context)
        result = await dialog.continue_dialog()
        if result.status in {DialogTurnStatus.Empty, DialogTurnStatus.Complete}:
            await dialog.begin_dialog("check")
        await self.state.save_changes(context)
        context.activity.type = ActivityTypes.invoke


def main(port, *options):
    local.redirect()
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(Settings()))
    bot = Waterfall() if "waterfall" in options else Bot()

    async def messages(request):
        return await adapter.process(request, bot)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
