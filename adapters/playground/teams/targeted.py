"""Targeted messages: what only one person in a channel or group chat sees, for a day.

Every function raises TeamsError as the connector answers. Sources: Microsoft's page on targeted messages, and what
the service answered in issue 738 of microsoft/teams.ts (a recipient in an edit) and issue 334 of microsoft/teams.py
(an environment without them). Microsoft documents no code for a recipient who is not a member, for a personal chat,
or for an edit with the wrong visibility: they are bad arguments here.
"""

from aiohttp import web

from adapters.playground.simulator import Json
from adapters.playground.teams.errors import TeamsError
from adapters.playground.teams.models import Conversation, Message, TeamsState, User

PROMPT = "targetedMessageInfo"
"""The type of the entity that shows a person's targeted message above the answer to it."""


def is_targeted(request: web.Request) -> bool:
    return request.query.get("isTargetedActivity") == "true"


def pop_recipient(activity: Json, where: Conversation, *, supported: bool) -> User:
    """Remove the recipient from a targeted message and return the person."""
    if not supported:
        raise TeamsError(400, "ServiceError", "Unknown")
    if activity.get("type") != "message" or where.kind == "personal":
        raise _bad_argument("Targeted messages are messages in a channel or a group chat")
    match activity.pop("recipient", None):
        case {"id": str(id)}:
            person = next((user for user in where.members if user.id == id), None)
        case _:
            raise _bad_argument("Recipient is missing")
    if person is None:
        raise _bad_argument("Recipient is not a member of the conversation")
    return person


def check_thread(root: Message | None, person: User | None) -> None:
    """Check that a message in a person's targeted thread is for that person. Nobody else can reply there."""
    if root and root.targeted_to and root.targeted_to is not person:
        raise _bad_argument("A targeted message has no replies")


def check_change(message: Message, activity: Json, *, is_targeted: bool) -> None:
    """Check an edit or a deletion: it keeps the visibility, and names no recipient of a targeted message."""
    if is_targeted != (message.targeted_to is not None):
        raise _bad_argument("Cannot edit the visibility of a message")
    if is_targeted and "recipient" in activity:
        raise _bad_argument("Cannot edit Recipient of Targeted Message")


def find_prompt(state: TeamsState, where: Conversation, activity: Json) -> Message | None:
    """Return the person's targeted message that is shown above this one."""
    entities = activity.get("entities") or ()
    ids = [entity.get("messageId") for entity in entities if isinstance(entity, dict) and entity.get("type") == PROMPT]
    if not ids:
        return None
    prompt = state.find(ids[0])
    if prompt is None or prompt.where is not where or not prompt.targeted_to or not prompt.by:
        raise TeamsError(400, "INVALID_TARGETED_MESSAGE_ID")
    if not state.exists(prompt):
        raise TeamsError(404, "TARGETED_MESSAGE_EXPIRED_OR_DELETED")
    return prompt


def _bad_argument(message: str) -> TeamsError:
    return TeamsError(400, "BadArgument", message)
