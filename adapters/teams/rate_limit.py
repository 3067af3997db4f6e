"""Whoever asks more than anybody can mean is told so, kindly, and at no cost: no query, and seldom a call."""

from aiohttp import web
from botbuilder.schema import Activity, ActivityTypes

from adapters.ports import Application, Decision
from adapters.teams.activity import conversation_of, tenant_of
from adapters.teams.card_sender import CardSender
from adapters.teams.listeners import message_answer
from adapters.teams.settings import language_of
from dialogs.translations import translations


def rate_limit_answer(application: Application, sender: CardSender, activity: Activity) -> web.Response | None:
    """Return the answer to an activity that is not let in, None for one that is.

    Only messages and presses count: what Teams tells us about an installation must not get lost.
    """
    if activity.type not in {ActivityTypes.message, ActivityTypes.invoke}:
        return None
    admission = application.check_rate_limit(f"teams:{tenant_of(activity)}", activity.from_property.id)
    if admission is Decision.ALLOW:
        return None
    said = translations(language_of(activity.locale))("notice.too_fast")
    if activity.type == ActivityTypes.invoke:  # has to be answered, and a word costs no more than none
        return web.json_response(message_answer(activity, said))
    if admission is Decision.REJECT:
        place = conversation_of(activity).at(None)
        sender.later(sender.connector.send(place, {"type": "message", "text": said}))
    return web.Response()
