"""What one person sees of Teams, as JSON, and what they do there."""

from typing import Any

from adapters.playground.sandbox import APP, ActionError, Person, Sandbox
from adapters.playground.teams.cards import Incomplete, fill
from adapters.playground.teams.models import Conversation, Message
from adapters.playground.teams.user_actions import Exchange

Json = dict[str, Any]


class TeamsPane:
    """The pane; the task module a person has open is its own, by person. `offers`: the app package's words."""

    def __init__(self, offers: dict[str, Json]) -> None:
        self._offers = offers
        self._tasks: dict[str, Json] = {}

    def state(self, sandbox: Sandbox, person: Person) -> Json:
        places = sandbox.conversations(person)
        offered = self._offers.get(person.locale[:2]) or next(iter(self._offers.values()))
        task = self._tasks.get(person.key)
        return {
            "app": {"name": APP},
            "commands": offered["commands"],
            "extension": offered["extension"],
            "places": [{"id": each.id, "kind": each.kind, "name": each.name or APP} for each in places],
            "messages": {
                each.id: [_message(one, person) for one in sandbox.teams.messages(each, by_bot=False)]
                for each in places
            },
            "task": task and {"title": task["title"], "card": task["card"]},
        }

    async def act(self, sandbox: Sandbox, person: Person, do: str, given: Json) -> str | None:
        """Do what the person does; return the words that only they are shown.

        Raises `ActionError`, and `LookupError` or `AssertionError` for what Teams itself would not let them do.
        """
        try:
            answer = await self._act(sandbox, person, do, given)
        except Incomplete as incomplete:
            raise ActionError(incomplete.text) from None
        if answer and not answer.ok:
            raise ActionError(person.t("playground.teams.failed"))
        return (answer.message or answer.task_message) if answer else None

    async def _act(self, sandbox: Sandbox, person: Person, do: str, given: Json) -> Exchange | None:
        user_actions, user = sandbox.teams_user_actions, person.teams
        match do:
            case "type":
                return await _type(sandbox, person, given)
            case "press":
                message = _seen(sandbox, person, given)
                answer = await user_actions.press(user, message, given["path"], given.get("inputs"))
                return self._open(person, answer, {"message": message})
            case "seen":
                return await user_actions.refresh(user, _seen(sandbox, person, given))
            case "extension":
                where, command = _place(sandbox, person, given), str(given["id"])
                answer = await user_actions.fetch_task(user, where, command)
                return self._open(person, answer, {"where": where, "command": command})
            case "task":
                return await self._submit(sandbox, person, given)
            case "task_close":
                self._tasks.pop(person.key, None)
                return None
            case _:
                raise LookupError(do)

    async def _submit(self, sandbox: Sandbox, person: Person, given: Json) -> Exchange:
        task = self._tasks[person.key]
        data = fill(task["card"], given["path"], given.get("inputs"))
        if "command" in task:
            answer = await sandbox.teams_user_actions.submit_action(person.teams, task["where"], task["command"], data)
        else:
            answer = await sandbox.teams_user_actions.submit_task(person.teams, task["message"], data)
        return self._open(person, answer, task)

    def _open(self, person: Person, answer: Exchange, about: Json) -> Exchange:
        """Show the form that came back; without a next form a task module closes, unless it could not be sent."""
        if answer.task_card:
            title = answer.body["task"]["value"].get("title", APP)
            self._tasks[person.key] = {**about, "title": title, "card": answer.task_card}
        elif answer.ok:
            self._tasks.pop(person.key, None)
        return answer


async def _type(sandbox: Sandbox, person: Person, given: Json) -> Exchange | None:
    where, text = _place(sandbox, person, given), str(given["text"])
    if where.kind == "personal":
        return await sandbox.teams_user_actions.personal(person.teams, text)
    thread = sandbox.teams.find(given.get("root"))
    if given.get("mention"):
        return await sandbox.teams_user_actions.mention(person.teams, where, text, thread=thread)
    # Without a mention it is for the people there: the app hears nothing of it.
    said = {"type": "message", "text": text}
    sandbox.teams.record(Message(sandbox.teams.new_id(), where, thread.root if thread else None, said, by=person.teams))
    return None


def _message(message: Message, person: Person) -> Json:
    card = message.card_for(person.teams) if message.cards else None
    return {
        "id": message.id,
        "root": message.root,
        "author": message.by.name if message.by else APP,
        "bot": message.by is None,
        "edited": message.edits > 0,
        "text": message.text,
        "card": card,
        "refreshes": bool(card and card.get("refresh")),
    }


def _place(sandbox: Sandbox, person: Person, given: Json) -> Conversation:
    place = sandbox.teams.places[given["place"]]
    if person.teams not in place.members:
        raise LookupError(place.id)
    return place


def _seen(sandbox: Sandbox, person: Person, given: Json) -> Message:
    message = sandbox.teams.log[given["message"]]
    if message.where is not _place(sandbox, person, given) or message.deleted:
        raise LookupError(message.id)
    return message
