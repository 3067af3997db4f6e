"""The Teams half of the page: its state as JSON, and a person's actions."""

from adapters.playground.sandbox import ActionError, Person, Sandbox
from adapters.playground.simulator import Json
from adapters.playground.teams.cards import Incomplete, fill
from adapters.playground.teams.models import Conversation, Message
from adapters.playground.teams.user_actions import Exchange
from adapters.playground.traffic_log import APP


class TeamsPane:
    """Also holds each person's open task module. `features`: language -> commands and message extension."""

    def __init__(self, features: dict[str, Json]) -> None:
        self._features = features
        self._tasks: dict[str, Json] = {}

    def state(self, sandbox: Sandbox, person: Person) -> Json:
        """Return what the person sees."""
        conversations = [item for item in sandbox.teams.conversations.values() if person.teams in item.members]
        features = self._features.get(person.locale[:2]) or next(iter(self._features.values()))
        task = self._tasks.get(person.key)
        return {
            "app": {"name": APP},
            "commands": features["commands"],
            "slash": features["slash"],
            "extension": features["extension"],
            "conversations": [{"id": item.id, "kind": item.kind, "name": item.name or APP} for item in conversations],
            "messages": {
                item.id: [
                    _message(message, person)
                    for message in sandbox.teams.messages(item, by_bot=False, seen_by=person.teams)
                ]
                for item in conversations
            },
            "task": task and {"title": task["title"], "card": task["card"]},
        }

    async def act(self, sandbox: Sandbox, person: Person, action: str, args: Json) -> str | None:
        """Carry out an action; return the text that only this person sees.

        Raises `ActionError`; and `LookupError` or `AssertionError` for what Teams does not allow.
        """
        try:
            exchange = await self._act(sandbox, person, action, args)
        except Incomplete as incomplete:
            raise ActionError(incomplete.text) from None
        if exchange and not exchange.ok:
            raise ActionError(person.t("playground.teams.failed"))
        return exchange.message if exchange else None

    async def _act(self, sandbox: Sandbox, person: Person, action: str, args: Json) -> Exchange | None:
        user_actions, user = sandbox.teams_user_actions, person.teams
        match action:
            case "type":
                return await _type(sandbox, person, args)
            case "press":
                message = _visible_message(sandbox, person, args)
                exchange = await user_actions.press(user, message, args["path"], args.get("inputs"))
                return self._show_task(person, exchange, {"message": message})
            case "refresh":
                return await user_actions.refresh(user, _visible_message(sandbox, person, args))
            case "extension":
                conversation, command = _conversation(sandbox, person, args), str(args["id"])
                exchange = await user_actions.fetch_task(user, conversation, command)
                return self._show_task(person, exchange, {"conversation": conversation, "command": command})
            case "task":
                return await self._submit(sandbox, person, args)
            case "task_close":
                self._tasks.pop(person.key, None)
                return None
            case _:
                raise LookupError(action)

    async def _submit(self, sandbox: Sandbox, person: Person, args: Json) -> Exchange:
        user_actions, task = sandbox.teams_user_actions, self._tasks[person.key]
        data = fill(task["card"], args["path"], args.get("inputs"))
        if "command" in task:
            exchange = await user_actions.submit_action(person.teams, task["conversation"], task["command"], data)
        else:
            exchange = await user_actions.submit_task(person.teams, task["message"], data)
        return self._show_task(person, exchange, task)

    def _show_task(self, person: Person, exchange: Exchange, origin: Json) -> Exchange:
        """Show the form in the response. Without one the task module closes, unless the request failed."""
        if exchange.task_card:
            title = exchange.answer["task"]["value"].get("title", APP)
            self._tasks[person.key] = {**origin, "title": title, "card": exchange.task_card}
        elif exchange.ok:
            self._tasks.pop(person.key, None)
        return exchange


async def _type(sandbox: Sandbox, person: Person, args: Json) -> Exchange | None:
    conversation, text = _conversation(sandbox, person, args), str(args["text"])
    if conversation.kind == "personal":
        return await sandbox.teams_user_actions.personal(person.teams, text)
    thread = sandbox.teams.find(args.get("root"))
    if args.get("slash"):
        return await sandbox.teams_user_actions.slash(person.teams, conversation, text, thread=thread)
    if args.get("mention"):
        return await sandbox.teams_user_actions.mention(person.teams, conversation, text, thread=thread)
    # Without a mention Teams sends nothing to the app.
    activity, root = {"type": "message", "text": text}, thread.root if thread else None
    sandbox.teams.record(Message(sandbox.teams.new_id(), conversation, root, activity, by=person.teams))
    return None


def _message(message: Message, person: Person) -> Json:
    card = message.card_for(person.teams) if message.cards else None
    return {
        "id": message.id,
        "root": message.root,
        "author": message.by.name if message.by else APP,
        "bot": message.by is None,
        "edited": message.edits > 0,
        "targeted": message.targeted_to is not None,
        "prompt": message.prompt.text if message.prompt else None,
        "text": message.text,
        "card": card,
        "refreshes": bool(card and card.get("refresh")),
    }


def _conversation(sandbox: Sandbox, person: Person, args: Json) -> Conversation:
    conversation = sandbox.teams.conversations[args["conversation"]]
    if person.teams not in conversation.members:
        raise LookupError(conversation.id)
    return conversation


def _visible_message(sandbox: Sandbox, person: Person, args: Json) -> Message:
    message = sandbox.teams.log[args["message"]]
    if message.where is not _conversation(sandbox, person, args) or not sandbox.teams.sees(person.teams, message):
        raise LookupError(message.id)
    return message
