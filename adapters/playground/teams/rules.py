"""The rules for what the app sends: Teams' limits, the store's guidelines and our own. Checks list all violations.

The tables hold the elements of Adaptive Card schema 1.5.0 that our cards use; others are violations. Sources:
adaptivecards.io schema 1.5.0, Teams' message limits, the store guidelines.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from adapters.playground.simulator import Json

Spec = type | frozenset[str] | tuple[str, ...] | str
"""A property's type, its allowed values, a list of objects of these kinds, or one object of a kind."""

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
TASKS = ("composeExtension/fetchTask", "composeExtension/submitAction", "task/fetch", "task/submit")
"""Invokes that ask for a form or send it."""

MAX_ACTIONS = 6
MAX_BYTES = 28 * 1024
MAX_REFRESH_USERS = 60


def _enum(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


_ELEMENTS = ("TextBlock", "RichTextBlock", "FactSet", "Container", "ColumnSet", "ActionSet", "Input.ChoiceSet")
_ACTIONS = ("Action.Execute", "Action.Submit", "Action.OpenUrl")
_BLOCK: dict[str, Spec] = {"separator": bool, "spacing": _enum("default none small medium large extraLarge padding")}
_LOOKS: dict[str, Spec] = {
    "color": _enum("default dark light accent good warning attention"),
    "isSubtle": bool,
    "size": _enum("default small medium large extraLarge"),
    "weight": _enum("default lighter bolder"),
}
_BUTTON: dict[str, Spec] = {"style": _enum("default positive destructive"), "tooltip": str}
KINDS: dict[str, tuple[dict[str, Spec], dict[str, Spec]]] = {
    "AdaptiveCard": (
        {"version": _enum("1.0 1.1 1.2 1.3 1.4 1.5"), "body": _ELEMENTS, "fallbackText": str, "speak": str},
        {"$schema": str, "refresh": "Refresh", "msteams": dict},
    ),
    "Refresh": ({"action": "Action.Execute", "userIds": list}, {}),
    "TextBlock": ({"text": str, "wrap": bool}, {**_BLOCK, **_LOOKS, "style": _enum("default heading")}),
    "RichTextBlock": ({"inlines": ("TextRun",)}, _BLOCK),
    "TextRun": ({"text": str}, _LOOKS),
    "FactSet": ({"facts": ("Fact",)}, _BLOCK),
    "Fact": ({"title": str, "value": str}, {}),
    "Container": ({"items": _ELEMENTS}, {**_BLOCK, "style": _enum("default emphasis good attention warning accent")}),
    "ColumnSet": ({"columns": ("Column",)}, _BLOCK),
    "Column": (
        {"items": _ELEMENTS},
        {"width": _enum("auto stretch"), "verticalContentAlignment": _enum("top center bottom")},
    ),
    "ActionSet": ({"actions": _ACTIONS}, _BLOCK),
    "Input.ChoiceSet": (
        {"id": str, "label": str, "choices": ("Input.Choice",)},
        {**_BLOCK, "value": str, "style": _enum("compact expanded filtered"), "isRequired": bool, "errorMessage": str},
    ),
    "Input.Choice": ({"title": str, "value": str}, {}),
    "Action.Execute": ({"title": str, "verb": str, "data": dict, "fallback": "Action.Submit"}, _BUTTON),
    "Action.OpenUrl": ({"title": str, "url": str}, _BUTTON),
    "Action.Submit": ({"title": str, "data": dict}, {**_BUTTON, "associatedInputs": _enum("auto none")}),
}
"""Kind -> required and optional properties.

Teams requires fewer. But phones cut off a text without `wrap`, old clients show no button without a `fallback`, and
presses without `data` cannot be distinguished.
"""
_IMPLIED = ("AdaptiveCard", "Refresh", "Fact", "Input.Choice")
"""Kinds whose `type` may be missing where no other kind is allowed."""
_SLACK = re.compile(r"(?<![a-z])slack(?![a-z])", re.IGNORECASE)


def check_card(card: Any) -> list[str]:
    """Return the violations in an Adaptive Card, as `path: violation`."""
    violations = list(_node(card, ("AdaptiveCard",), "card"))
    if not isinstance(card, dict):
        return violations
    if card.get("msteams") not in (None, {"width": "Full"}):
        violations.append(f"card.msteams: only width Full, not {card['msteams']}")
    nodes = list(walk(card))
    actions = [node for node in nodes if str(node.get("type")).startswith("Action.")]
    if len(actions) > MAX_ACTIONS:
        violations.append(f"card: {len(actions)} actions, more than {MAX_ACTIONS}")
    ids = [node["id"] for node in nodes if isinstance(node.get("id"), str)]
    violations += [f"card: id {id!r} is used {ids.count(id)} times" for id in sorted(set(ids)) if ids.count(id) > 1]
    return [*violations, *_size(card, "card"), *_mentions_slack(card, "card")]


def walk(node: Any) -> Iterator[Json]:
    """Yield every visible object and action of a card, without data and fallbacks."""
    if isinstance(node, list):
        for item in node:
            yield from walk(item)
    elif isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("data", "fallback", "msteams", "refresh"):
                yield from walk(value)


def _node(node: Any, kinds: tuple[str, ...], path: str) -> Iterator[str]:
    """Yield the violations in an object of one of these kinds, and below it."""
    if not isinstance(node, dict):
        yield f"{path}: not an object but {type(node).__name__}"
        return
    kind = node.get("type", kinds[0] if kinds[0] in _IMPLIED else None)
    if kind not in kinds:
        yield f"{path}: {kind!r} is not allowed here"
        return
    required, optional = KINDS[kind]
    for key in required:
        if not _filled(node.get(key)):
            yield f"{path}.{key}: missing or empty"
    properties = required | optional
    for key, value in node.items():
        if key in properties:
            yield from _value(value, properties[key], f"{path}.{key}")
        elif key != "type":
            yield f"{path}.{key}: not a property of {kind}"
    if kind == "Input.ChoiceSet":
        yield from _choices(node, path)
    elif kind == "Action.OpenUrl" and not str(node.get("url")).startswith("https://teams.microsoft.com/l/"):
        yield f"{path}.url: leaves Teams"
    elif kind == "Refresh":
        yield from _refresh(node.get("userIds"), path)


def _value(value: Any, spec: Spec, path: str) -> Iterator[str]:
    if isinstance(spec, str):
        yield from _node(value, (spec,), path)
    elif isinstance(spec, tuple) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _node(item, spec, f"{path}[{index}]")
    elif isinstance(spec, frozenset) and isinstance(value, str) and value.lower() in spec:
        return
    elif not isinstance(spec, type) or not isinstance(value, spec):
        yield f"{path}: {value!r:.60} does not fit"


def _choices(node: Json, path: str) -> Iterator[str]:
    offered = [str(choice.get("value")) for choice in walk(node.get("choices"))]
    if len(offered) != len(set(offered)):
        yield f"{path}.choices: a value twice"
    if any("," in value for value in offered):
        yield f"{path}.choices: a comma in a value"
    if node.get("value") and str(node["value"]) not in offered:
        yield f"{path}.value: {node['value']!r} is not among the choices"
    if node.get("isRequired") and not _filled(node.get("errorMessage")):
        yield f"{path}.errorMessage: a required input says what is wrong"


def _refresh(users: Any, path: str) -> Iterator[str]:
    if not isinstance(users, list) or len(users) > MAX_REFRESH_USERS:
        yield f"{path}.userIds: a list of at most {MAX_REFRESH_USERS}"
    elif not all(isinstance(user, str) and user.startswith("29:") for user in users):
        yield f"{path}.userIds: only ids of people (29:…)"


def _filled(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _size(value: Json, path: str) -> Iterator[str]:
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size >= MAX_BYTES:
        yield f"{path}: {size} bytes, 28 KB or more"


def _mentions_slack(node: Any, path: str) -> Iterator[str]:
    """Yield where a text names Slack. Ignore `data`, which nobody sees."""
    if isinstance(node, str) and _SLACK.search(node):
        yield f"{path}: names Slack"
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _mentions_slack(item, f"{path}[{index}]")
    elif isinstance(node, dict):
        for key, value in node.items():
            if key != "data":
                yield from _mentions_slack(value, f"{path}.{key}")


def check_activity(activity: Any) -> list[str]:
    """Return the violations in an activity that the app sends, its card included."""
    match activity:
        case {"type": "message", "text": str(text), **more} if _filled(text):
            violations = list(_mentions_slack(text, "activity.text"))
        case {"type": "message", "attachments": [attachment], **more}:
            violations = _attachment(attachment, "activity.attachments[0]")
        case {"type": "typing"}:
            return []
        case _:
            return [f"activity: neither a text nor one card nor typing: {activity!r:.80}"]
    if more.get("entities"):
        violations += _prompt(more.pop("entities"))
    # Teams splits a message with text and a card in two; the id is then lost.
    return [*violations, *(f"activity.{key}: not known here" for key in more), *_size(activity, "activity")]


def _prompt(entities: Any) -> Iterator[str]:
    match entities:
        case [{"type": "targetedMessageInfo", "messageId": str(), **more}] if not more:
            return
    yield f"activity.entities: not a reference to one targeted message: {entities!r:.80}"


def _attachment(attachment: Any, path: str, *more: str) -> list[str]:
    """`more`: allowed properties apart from type and content."""
    if not isinstance(attachment, dict) or attachment.get("contentType") != CARD_TYPE:
        return [f"{path}.contentType: not {CARD_TYPE}"]
    extra = set(attachment) - {"contentType", "content", *more}
    return [*(f"{path}.{key}: not known" for key in sorted(extra)), *check_card(attachment.get("content"))]


def check_invoke_response(name: str, status: int | None, body: Any) -> list[str]:
    """Return the violations in the response to an invoke: a press on a card, or a form asked for or sent."""
    if status != 200:
        return [f"HTTP status {status}, not 200"]
    match name, body:
        case "adaptiveCard/action", {"statusCode": 200, "type": kind, "value": value, **more} if not more:
            if kind == CARD_TYPE:
                return check_card(value)
            if kind == MESSAGE_TYPE:
                return list(_text(value))
        case _, {"task": {"type": "message", "value": value}} if name in TASKS:
            return list(_text(value))
        case _, {"task": {"type": "continue", "value": {"title": title, "card": card}}} if name in TASKS:
            violations = [*_text(title), *_attachment(card, "task.value.card")]
            if any(node.get("type") == "Action.Execute" for node in walk(card)):
                violations.append("task.value.card: a form is sent with Action.Submit, not Action.Execute")
            return violations
        case (
            "composeExtension/submitAction",
            {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [card]}},
        ):
            return _attachment(card, "composeExtension", "preview")
    return [f"body: not a response to {name}: {body!r:.80}"]


def _text(text: Any) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        yield f"body: not a text but {text!r:.60}"
    yield from _mentions_slack(text, "body")
