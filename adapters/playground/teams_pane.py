"""What one person sees of Teams, as JSON, and what they do there."""

from typing import Any

from adapters.playground.company import APP, Company, NotPossible, Person
from adapters.playground.teams.cards import Incomplete, fill
from adapters.playground.teams.state import Conversation, Message
from adapters.playground.teams.user import Answer

Json = dict[str, Any]


class TeamsPane:
    """The pane; the task module a person has open is its own, by person. `offers`: the app package's words."""

    def __init__(self, offers: dict[str, Json]) -> None:
        self._offers = offers
        self._tasks: dict[str, Json] = {}

    def state(self, world: Company, person: Person) -> Json:
        places = world.conversations(person)
        offered = self._offers.get(person.locale[:2]) or next(iter(self._offers.values()))
        task = self._tasks.get(person.key)
        return {
            "app": {"name": APP},
            "commands": offered["commands"],
            "extension": offered["extension"],
            "places": [{"id": each.id, "kind": each.kind, "name": each.name or APP} for each in places],
            "messages": {
                each.id: [_message(one, person) for one in world.teams.messages(each, by_bot=False)] for each in places
            },
            "task": task and {"title": task["title"], "card": task["card"]},
        }

    async def act(self, world: Company, person: Person, do: str, given: Json) -> str | None:
        """Do what the person does; return the words that only they are shown.

        Raises `NotPossible`, and `LookupError` or `AssertionError` for what Teams itself would not let them do.
        """
        try:
            answer = await self._act(world, person, do, given)
        except Incomplete as incomplete:
            raise NotPossible(incomplete.words) from None
        if answer and not answer.ok:
            raise NotPossible(person.t("playground.teams.failed"))
        return (answer.message or answer.task_message) if answer else None

    async def _act(self, world: Company, person: Person, do: str, given: Json) -> Answer | None:
        users, user = world.users, person.teams
        match do:
            case "type":
                return await _type(world, person, given)
            case "press":
                message = _seen(world, person, given)
                answer = await users.press(user, message, given["path"], given.get("inputs"))
                return self._open(person, answer, {"message": message})
            case "seen":
                return await users.refresh(user, _seen(world, person, given))
            case "extension":
                where, command = _place(world, person, given), str(given["id"])
                answer = await users.fetch_task(user, where, command)
                return self._open(person, answer, {"where": where, "command": command})
            case "task":
                return await self._submit(world, person, given)
            case "task_close":
                self._tasks.pop(person.key, None)
                return None
            case _:
                raise LookupError(do)

    async def _submit(self, world: Company, person: Person, given: Json) -> Answer:
        task = self._tasks[person.key]
        data = fill(task["card"], given["path"], given.get("inputs"))
        if "command" in task:
            answer = await world.users.submit_action(person.teams, task["where"], task["command"], data)
        else:
            answer = await world.users.submit_task(person.teams, task["message"], data)
        return self._open(person, answer, task)

    def _open(self, person: Person, answer: Answer, about: Json) -> Answer:
        """Show the form that came back; without a next form a task module closes, unless it could not be sent."""
        if answer.task_card:
            title = answer.body["task"]["value"].get("title", APP)
            self._tasks[person.key] = {**about, "title": title, "card": answer.task_card}
        elif answer.ok:
            self._tasks.pop(person.key, None)
        return answer


async def _type(world: Company, person: Person, given: Json) -> Answer | None:
    where, text = _place(world, person, given), str(given["text"])
    if where.kind == "personal":
        return await world.users.personal(person.teams, text)
    thread = world.teams.find(given.get("root"))
    if given.get("mention"):
        return await world.users.mention(person.teams, where, text, thread=thread)
    # Without a mention it is for the people there: the app hears nothing of it.
    said = {"type": "message", "text": text}
    world.teams.record(Message(world.teams.new_id(), where, thread.root if thread else None, said, by=person.teams))
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


def _place(world: Company, person: Person, given: Json) -> Conversation:
    place = world.teams.places[given["place"]]
    if person.teams not in place.members:
        raise LookupError(place.id)
    return place


def _seen(world: Company, person: Person, given: Json) -> Message:
    message = world.teams.log[given["message"]]
    if message.where is not _place(world, person, given) or message.deleted:
        raise LookupError(message.id)
    return message
