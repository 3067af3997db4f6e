"""Whoever asks more than anybody can mean is told so, kindly, and at no cost: no query, and seldom a call."""

from aiohttp import web
from botbuilder.schema import Activity, ActivityTypes

from adapters.ports import Admission, Advisor
from adapters.teams import activities
from adapters.teams.handler import word
from adapters.teams.settings import language_of
from adapters.teams.stage import Stage
from dialogs.words import words


def turned_away(advisor: Advisor, stage: Stage, activity: Activity) -> web.Response | None:
    """Return the answer to an activity that is not let in, None for one that is.

    Only messages and presses count: what Teams tells us about an installation must not get lost.
    """
    if activity.type not in {ActivityTypes.message, ActivityTypes.invoke}:
        return None
    admission = advisor.admits(f"teams:{activities.tenant(activity)}", activity.from_property.id)
    if admission is Admission.LET_IN:
        return None
    said = words(language_of(activity.locale)).text("notice.too_fast")
    if activity.type == ActivityTypes.invoke:  # has to be answered, and a word costs no more than none
        return web.json_response(word(activity, said))
    if admission is Admission.REFUSED:
        place = activities.place(activity).at(None)
        stage.later(stage.connector.send(place, {"type": "message", "text": said}))
    return web.Response()
