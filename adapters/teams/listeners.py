"""Microsoft's turn and activity handler, as far as they serve: from an activity to the one of ours that answers it.

Invokes are dispatched here, not by the SDK, which writes their answers as JSON twice (500) and turns an error of ours
into 501.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from botbuilder.core import ActivityHandler, BotAdapter, TurnContext
from botbuilder.schema import Activity, ActivityTypes, ConversationReference, ResourceResponse

from adapters.ports import Application, OutcomeUnknown, PermanentFailure, RetryLater, ServiceUnavailable
from adapters.teams import cards
from adapters.teams.activity import conversation_of, team_of, tenant_of
from adapters.teams.adaptive_cards import Json
from adapters.teams.buttons import ButtonResult, Buttons
from adapters.teams.card_sender import CardSender
from adapters.teams.channels import Channels
from adapters.teams.connector import CARD_TYPE, Connector
from adapters.teams.installations import Installations
from adapters.teams.request import IncomingRequest
from adapters.teams.settings import language_of
from adapters.teams.task_modules import TaskModules
from adapters.teams.typed_text import TypedText
from dialogs.session import Actor
from dialogs.views import Notice

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
ANSWER = "answer"
"""Where in a turn's state the body of an invoke's response is."""

log = logging.getLogger(__name__)


class OutgoingAdapter(BotAdapter):  # type: ignore[misc]  # the SDK has no types
    """What a turn context sends through: our own connector, in place of the SDK's blocking one."""

    def __init__(self, connector: Connector) -> None:
        super().__init__()
        self._connector = connector

    async def send_activities(self, context: TurnContext, activities_: Sequence[Activity]) -> list[ResourceResponse]:
        place = conversation_of(context.activity).at(None)
        sent = [await self._connector.send(place, one.serialize()) for one in activities_]
        return [ResourceResponse(id=id) for id in sent]

    async def update_activity(self, context: TurnContext, activity: Activity) -> None:
        place = conversation_of(context.activity).at(activity.id)
        await self._connector.update(place, activity.serialize())

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        await self._connector.delete(conversation_of(context.activity).at(reference.activity_id))


class ActivityListener(ActivityHandler):  # type: ignore[misc]  # the SDK has no types
    """One for the process. Raises `ServiceUnavailable` when the activity should be delivered again."""

    def __init__(self, application: Application, sender: CardSender) -> None:
        self._application = application
        self._sender = sender
        self._channels = Channels(application, sender.connector)
        self._presses = Buttons(application, sender, self._channels)
        self._typed = TypedText(application, sender, self._presses)
        self._forms = TaskModules(application, sender)
        self._installs = Installations(application, sender, self._channels)

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """Typed words, or a button of a client that knows no Action.Execute."""
        activity = turn_context.activity
        request = await self._heard(activity)
        self._sender.later(self._channels.remember(request, team_of(activity)))
        try:
            if isinstance(activity.value, dict):
                await self._without_answer(replace(request, data=activity.value))
            else:
                await self._typed.hear(request)
        except (RetryLater, OutcomeUnknown, PermanentFailure) as error:
            log.warning("An answer to a message is not sent: %r", error)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        activity = turn_context.activity
        added = activity.recipient.id in [one.id for one in activity.members_added]
        removed = activity.recipient.id in [one.id for one in activity.members_removed]
        gone = activity.channel_data.get("eventType") in ("teamDeleted", "teamHardDeleted")  # may be anything
        await self._installed(activity, added=added, removed=removed or gone)

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        action = turn_context.activity.action
        await self._installed(turn_context.activity, added=action == "add", removed=action == "remove")

    async def on_invoke_activity(self, turn_context: TurnContext) -> None:
        """Answer an invoke, always; the answer is left in the turn's state.

        An error there would be shown to the person as one of Teams: until there is something better, it is a word.
        """
        activity = turn_context.activity
        request = _as_heard(activity, language_of(activity.locale))
        turn_context.turn_state[ANSWER] = _failed(activity, request)
        try:
            request = await self._heard(activity)
            answer = await self._invoked(activity, request)
        except (RetryLater, OutcomeUnknown, PermanentFailure, ServiceUnavailable) as error:
            log.warning("A press is answered with a word: %r", error)
            answer = _failed(activity, request)
        except Exception:
            log.exception("A press is answered with a word")
            answer = _failed(activity, request)
        turn_context.turn_state[ANSWER] = answer

    async def _invoked(self, activity: Activity, request: IncomingRequest) -> Json | None:
        value = activity.value or {}
        match activity.name:
            case "adaptiveCard/action":
                action = value.get("action")
                data = action.get("data") if isinstance(action, dict) else None
                pressed = replace(request, data=data if isinstance(data, dict) else {})
                return _answer(await self._presses.press(pressed), pressed)
            case "composeExtension/fetchTask" | "task/fetch":
                return self._forms.open(request)
            case "composeExtension/submitAction" | "task/submit":
                data = value.get("data")
                filled = replace(request, data=data if isinstance(data, dict) else {})
                return await self._forms.submit(filled, extension=activity.name.startswith("composeExtension"))
        return None

    async def _without_answer(self, request: IncomingRequest) -> None:
        """A press that cannot be answered in its place: what is for one person goes to their own chat."""
        outcome = await self._presses.press(request)
        if outcome.shown:
            return
        card = outcome.card or cards.draw(Notice("word", outcome.word))
        await self._sender.whisper(request, card, "")

    async def _installed(self, activity: Activity, *, added: bool, removed: bool) -> None:
        if not (added or removed):
            return
        request, team = await self._heard(activity), team_of(activity)
        try:
            if added:
                await self._installs.added(request, team)
            else:
                await self._installs.removed(request, team)
        except (RetryLater, OutcomeUnknown, PermanentFailure) as error:
            log.warning("A welcome is not sent: %r", error)

    async def _heard(self, activity: Activity) -> IncomingRequest:
        person, tenant = activity.from_property, f"teams:{tenant_of(activity)}"
        pressed = activity.name == "adaptiveCard/action"  # a dialog has its own language; this is for words beside it
        chosen = await self._application.get_language(tenant, person.id, allow_cached=pressed)
        return _as_heard(activity, chosen or language_of(activity.locale))


def _as_heard(activity: Activity, language: str) -> IncomingRequest:
    person = activity.from_property
    return IncomingRequest(
        actor=Actor(f"teams:{tenant_of(activity)}", person.id, language),
        name=person.name or "",
        place=conversation_of(activity),
        bot=activity.recipient.id,
        idempotency_key=f"teams:{activity.conversation.id}:{activity.id}",
        said=activity.text,
        occurred_at=activity.timestamp,
    )


def _answer(outcome: ButtonResult, request: IncomingRequest) -> Json:
    if outcome.card is not None:
        return {"statusCode": 200, "type": CARD_TYPE, "value": outcome.card}
    message_answer = outcome.word or request.t("teams.heard")
    return {"statusCode": 200, "type": MESSAGE_TYPE, "value": message_answer}


def _failed(activity: Activity, request: IncomingRequest) -> Json:
    return message_answer(activity, request.t("notice.error"))


def message_answer(activity: Activity, said: str) -> Json:
    """Return the answer to an invoke that is only a word."""
    if activity.name == "adaptiveCard/action":
        return {"statusCode": 200, "type": MESSAGE_TYPE, "value": said}
    return {"task": {"type": "message", "value": said}}


def typing_activity() -> Activity:
    """Return the sign that an answer is on its way."""
    return Activity(type=ActivityTypes.typing)
