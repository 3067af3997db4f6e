"""What Teams, its store and we ourselves ask of everything the bot emits. Every check lists all faults at once.

The tables follow the Adaptive Card schema 1.5.0 for the elements a bot would use; others are refused, so that
adding one is a decision. Sources: adaptivecards.io schema 1.5.0, Teams' message limits, the store guidelines.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Spec = type | tuple[type, ...] | frozenset[str] | Callable[[Any], bool]

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
ERROR_TYPE = "application/vnd.microsoft.error"
MESSAGE_TYPE = "application/vnd.microsoft.activity.message"

MAX_ACTIONS = 6
MAX_BYTES = 28 * 1024
MAX_REFRESH_USERS = 60
VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")


def words(text: str) -> tuple[str, ...]:
    """A long list of names, without the quotes."""
    return tuple(text.split())


def _enum(text: str) -> frozenset[str]:
    return frozenset(words(text.lower()))


def _pixels(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d+px", value) is not None


def _width(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number or value in ("auto", "stretch") or _pixels(value)


def _picture(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "data:image/"))


def _link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("https://")


NUMBER = (int, float)
ALIGN = _enum("left center right")
UPRIGHT = _enum("top center bottom")
STYLE = _enum("default emphasis good attention warning accent")
COLOR = _enum("default dark light accent good warning attention")
SIZE = _enum("default small medium large extraLarge")
WEIGHT = _enum("default lighter bolder")
FONT = _enum("default monospace")

_TOGGLEABLE: dict[str, Spec] = {"id": str, "isVisible": bool, "requires": dict}
_BLOCK: dict[str, Spec] = {
    **_TOGGLEABLE,
    "height": _enum("auto stretch"),
    "separator": bool,
    "spacing": _enum("default none small medium large extraLarge padding"),
    "fallback": (dict, str),
}
_INPUT: dict[str, Spec] = {**_BLOCK, "label": str, "isRequired": bool, "errorMessage": str, "value": str}
_BOX: dict[str, Spec] = {
    "style": STYLE,
    "bleed": bool,
    "minHeight": _pixels,
    "selectAction": dict,
    "backgroundImage": (dict, str),
}
_TEXT: dict[str, Spec] = {
    "text": str,
    "color": COLOR,
    "fontType": FONT,
    "isSubtle": bool,
    "size": SIZE,
    "weight": WEIGHT,
}
_CELLS: dict[str, Spec] = {"horizontalCellContentAlignment": ALIGN, "verticalCellContentAlignment": UPRIGHT}
_ACTION: dict[str, Spec] = {
    "title": str,
    "iconUrl": _picture,
    "id": str,
    "style": _enum("default positive destructive"),
    "fallback": (dict, str),
    "tooltip": str,
    "isEnabled": bool,
    "mode": _enum("primary secondary"),
    "requires": dict,
}
_SENDS: dict[str, Spec] = {**_ACTION, "data": dict, "associatedInputs": _enum("auto none")}

PROPERTIES: dict[str, dict[str, Spec]] = {
    "AdaptiveCard": {
        "$schema": str,
        "version": str,
        "refresh": dict,
        "body": list,
        "actions": list,
        "selectAction": dict,
        "fallbackText": str,
        "backgroundImage": (dict, str),
        "minHeight": _pixels,
        "rtl": bool,
        "speak": str,
        "lang": str,
        "verticalContentAlignment": UPRIGHT,
        "msteams": dict,
    },
    "TextBlock": {
        **_BLOCK,
        **_TEXT,
        "horizontalAlignment": ALIGN,
        "maxLines": NUMBER,
        "wrap": bool,
        "style": _enum("default heading"),
    },
    "RichTextBlock": {**_BLOCK, "inlines": list, "horizontalAlignment": ALIGN},
    "TextRun": {
        **_TEXT,
        "highlight": bool,
        "italic": bool,
        "strikethrough": bool,
        "underline": bool,
        "selectAction": dict,
    },
    "FactSet": {**_BLOCK, "facts": list},
    "Fact": {"title": str, "value": str},
    "Container": {**_BLOCK, **_BOX, "items": list, "verticalContentAlignment": UPRIGHT, "rtl": bool},
    "ColumnSet": {**_BLOCK, **_BOX, "columns": list, "horizontalAlignment": ALIGN},
    "Column": {**_BLOCK, **_BOX, "items": list, "width": _width, "verticalContentAlignment": UPRIGHT, "rtl": bool},
    "ActionSet": {**_BLOCK, "actions": list},
    "Image": {
        **_BLOCK,
        "url": _picture,
        "altText": str,
        "backgroundColor": str,
        "height": str,
        "width": _pixels,
        "horizontalAlignment": ALIGN,
        "selectAction": dict,
        "size": _enum("auto stretch small medium large"),
        "style": _enum("default person"),
    },
    "Table": {
        **_BLOCK,
        **_CELLS,
        "columns": list,
        "rows": list,
        "firstRowAsHeader": bool,
        "showGridLines": bool,
        "gridStyle": STYLE,
    },
    "TableColumnDefinition": {**_CELLS, "width": _width},
    "TableRow": {**_CELLS, "cells": list, "style": STYLE},
    "TableCell": {**_BOX, "items": list, "verticalContentAlignment": UPRIGHT, "rtl": bool},
    "Input.ChoiceSet": {
        **_INPUT,
        "choices": list,
        "isMultiSelect": bool,
        "style": _enum("compact expanded filtered"),
        "placeholder": str,
        "wrap": bool,
    },
    "Input.Choice": {"title": str, "value": str},
    "Input.Text": {
        **_INPUT,
        "isMultiline": bool,
        "maxLength": NUMBER,
        "placeholder": str,
        "regex": str,
        "style": _enum("text tel url email password"),
        "inlineAction": dict,
    },
    "Input.Toggle": {**_INPUT, "title": str, "valueOff": str, "valueOn": str, "wrap": bool},
    "Action.Execute": {**_SENDS, "verb": str},
    "Action.Submit": _SENDS,
    "Action.ShowCard": {**_ACTION, "card": dict},
    "Action.ToggleVisibility": {**_ACTION, "targetElements": list},
    "Action.OpenUrl": {**_ACTION, "url": _link},
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "TextBlock": ("text",),
    "TextRun": ("text",),
    "RichTextBlock": ("inlines",),
    "FactSet": ("facts",),
    "Fact": ("title", "value"),
    "Container": ("items",),
    "TableCell": ("items",),
    "ActionSet": ("actions",),
    "Image": ("url", "altText"),
    "Input.ChoiceSet": ("id", "label", "choices"),
    "Input.Choice": ("title", "value"),
    "Input.Text": ("id", "label"),
    "Input.Toggle": ("id", "title"),
    "Action.Execute": ("verb",),
    "Action.ShowCard": ("card",),
    "Action.ToggleVisibility": ("targetElements",),
    "Action.OpenUrl": ("url",),
}
# What may stand in which list; an element missing from _ELEMENTS may not stand in a body.
_ELEMENTS = words(
    "TextBlock RichTextBlock FactSet Container ColumnSet ActionSet Image Table Input.ChoiceSet Input.Text Input.Toggle"
)
_ACTIONS = tuple(name for name in PROPERTIES if name.startswith("Action."))
_LISTS: dict[str, tuple[str, ...]] = {
    "body": _ELEMENTS,
    "items": _ELEMENTS,
    "actions": _ACTIONS,
    "inlines": ("TextRun",),
    "facts": ("Fact",),
    "choices": ("Input.Choice",),
    "cells": ("TableCell",),
    "rows": ("TableRow",),
}
# The type may be left out where only one kind can stand.
_IMPLIED = ("Fact", "Input.Choice", "TableCell", "TableRow", "TableColumnDefinition", "Column")
_VISIBLE = frozenset(
    words("text title label placeholder altText fallbackText speak errorMessage tooltip value summary url iconUrl")
)
_SLACK = re.compile(r"(?<![a-z])slack(?![a-z])", re.IGNORECASE)


def check_card(card: Any) -> list[str]:
    """Every fault of one Adaptive Card, as `path: what is wrong`; an empty list is a good card."""
    if not isinstance(card, dict):
        return [f"card: not an object but {type(card).__name__}"]
    faults = list(_node(card, "AdaptiveCard", "card"))
    if card.get("version") not in VERSIONS:
        faults.append(f"card.version: {card.get('version')!r} is not one of 1.0 to 1.5")
    faults += [f"card.{key}: missing" for key in ("fallbackText", "speak", "body") if not card.get(key)]
    faults += _whole(card)
    size = len(json.dumps(card, ensure_ascii=False).encode())
    if size >= MAX_BYTES:
        faults.append(f"card: {size} bytes, 28 KB or more")
    return faults + _slack(card, "card")


def _whole(card: Json) -> Iterator[str]:
    """The rules about a card as a whole: count of actions, ids, refresh, what a toggle points at."""
    actions = [action for holder in walk(card) for action in _dicts(holder.get("actions"))]
    if len(actions) > MAX_ACTIONS:
        yield f"card: {len(actions)} actions, more than {MAX_ACTIONS}"
    for action in actions:
        if not _filled(action.get("title")):
            yield f"card: an {action.get('type')} without a title"
        fallback = action.get("fallback")
        if action.get("type") == "Action.Execute":
            if not isinstance(fallback, dict) or fallback.get("type") != "Action.Submit":
                yield f"card: {action.get('title')!r} lacks the fallback Action.Submit"
            elif not isinstance(fallback.get("data"), dict) or not fallback["data"]:
                yield f"card: the fallback of {action.get('title')!r} carries no data to know it by"
    yield from _ids(card)
    if isinstance(card.get("refresh"), dict):
        yield from _refresh(card["refresh"])
    teams = card.get("msteams")
    if isinstance(teams, dict) and (set(teams) - {"width", "entities"} or teams.get("width", "Full") != "Full"):
        yield f"card.msteams: only width Full and entities, not {teams}"


def _ids(card: Json) -> Iterator[str]:
    ids = [node["id"] for node in walk(card) if isinstance(node.get("id"), str)]
    for one in sorted({identity for identity in ids if ids.count(identity) > 1}):
        yield f"card: id {one!r} is used {ids.count(one)} times"
    for node in walk(card):
        for target in _list(node.get("targetElements")):
            name = target.get("elementId") if isinstance(target, dict) else target
            if name not in ids:
                yield f"card: a toggle points at {name!r}, which is not there"


def _refresh(refresh: Json) -> Iterator[str]:
    users = refresh.get("userIds", [])
    if not isinstance(users, list) or len(users) > MAX_REFRESH_USERS:
        yield f"card.refresh.userIds: a list of at most {MAX_REFRESH_USERS}"
    elif not all(isinstance(user, str) and user.startswith("29:") for user in users):
        yield "card.refresh.userIds: only ids of people (29:…)"
    if set(refresh) - {"type", "action", "userIds"} or not isinstance(refresh.get("action"), dict):
        yield "card.refresh: only action and userIds, and an action it must be"


def walk(node: Any) -> Iterator[Json]:
    """Every object of a card that is drawn or may be pressed; neither data nor fallbacks."""
    if isinstance(node, list):
        for one in node:
            yield from walk(one)
    elif isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("data", "fallback", "msteams", "requires", "refresh"):
                yield from walk(value)


def _node(node: Any, kind: str, path: str) -> Iterator[str]:
    """The faults of one element and of all below it."""
    properties = PROPERTIES[kind]
    if node.get("type", kind if kind in _IMPLIED else None) != kind:
        yield f"{path}.type: {node.get('type')!r}, not {kind}"
    for key, value in node.items():
        if key == "type":
            continue
        if key not in properties:
            yield f"{path}.{key}: not a property of {kind}"
        elif not _fits(value, properties[key]):
            yield f"{path}.{key}: {value!r:.60} does not fit"
        else:
            yield from _below(kind, key, value, path)
    for key in REQUIRED.get(kind, ()):
        if not _filled(node.get(key)):
            yield f"{path}.{key}: missing or empty"
    if kind == "TextBlock" and node.get("wrap") is not True:
        yield f"{path}.wrap: must be true, or phones cut the text"
    if node.get("isRequired") and not _filled(node.get("errorMessage")):
        yield f"{path}.errorMessage: a required input says what is wrong"
    if kind == "Input.ChoiceSet":
        yield from _choices(node, path)


def _choices(node: Json, path: str) -> Iterator[str]:
    offered = [str(choice.get("value")) for choice in _dicts(node.get("choices"))]
    if len(offered) != len(set(offered)):
        yield f"{path}.choices: a value twice"
    if any("," in value for value in offered):
        yield f"{path}.choices: a comma in a value"
    chosen = str(node.get("value") or "")
    for one in (chosen.split(",") if node.get("isMultiSelect") else [chosen]) if chosen else ():
        if one not in offered:
            yield f"{path}.value: {one!r} is not among the choices"


def _below(kind: str, key: str, value: Any, path: str) -> Iterator[str]:
    here = f"{path}.{key}"
    allowed = _LISTS.get(key)
    if key == "columns":
        allowed = ("Column",) if kind == "ColumnSet" else ("TableColumnDefinition",)
    if allowed:
        for index, one in enumerate(value):
            yield from _member(one, allowed, f"{here}[{index}]")
    elif key == "card":
        yield from _node(value, "AdaptiveCard", here)
    elif key in ("selectAction", "inlineAction"):
        yield from _member(value, tuple(a for a in _ACTIONS if a != "Action.ShowCard"), here)
    elif key == "refresh" and isinstance(value.get("action"), dict):
        yield from _node(value["action"], "Action.Execute", f"{here}.action")
    elif key == "fallback" and isinstance(value, dict):
        yield from _member(value, _ACTIONS if kind.startswith("Action.") else (*_ELEMENTS, "Column"), here)
    elif key == "fallback" and value != "drop":
        yield f"{here}: {value!r} is neither an object nor drop"


def _member(node: Any, allowed: tuple[str, ...], path: str) -> Iterator[str]:
    if isinstance(node, str) and allowed == ("TextRun",):
        return
    if not isinstance(node, dict):
        yield f"{path}: not an object"
        return
    kind = node.get("type", allowed[0] if len(allowed) == 1 and allowed[0] in _IMPLIED else None)
    if kind not in allowed:
        yield f"{path}: {kind!r} may not stand here"
    else:
        yield from _node(node, kind, path)


def _fits(value: Any, spec: Spec) -> bool:
    if isinstance(spec, frozenset):
        return isinstance(value, str) and value.lower() in spec
    if isinstance(spec, (type, tuple)):
        return isinstance(value, spec) and (not isinstance(value, bool) or spec is bool)
    return spec(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Json]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _filled(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def _slack(node: Any, path: str) -> list[str]:
    if isinstance(node, Mapping):
        faults = []
        for key, value in node.items():
            if key in _VISIBLE and isinstance(value, str) and _SLACK.search(value):
                faults.append(f"{path}.{key}: names Slack")
            elif key not in ("data", "channelData"):
                faults += _slack(value, f"{path}.{key}")
        return faults
    if isinstance(node, list):
        return [fault for index, one in enumerate(node) for fault in _slack(one, f"{path}[{index}]")]
    # Only a TextRun may be a bare string, in `inlines`.
    return [f"{path}: names Slack"] if isinstance(node, str) and "inlines[" in path and _SLACK.search(node) else []


_ACTIVITY_KEYS = frozenset(
    words(
        "type id timestamp localTimestamp localTimezone channelId from conversation recipient textFormat "
        "attachmentLayout locale text speak inputHint summary suggestedActions attachments entities channelData "
        "replyToId value name importance deliveryMode serviceUrl label"
    )
)


def check_activity(activity: Any) -> list[str]:
    """Every fault of an activity the bot sends, its cards included."""
    if not isinstance(activity, dict):
        return [f"activity: not an object but {type(activity).__name__}"]
    if activity.get("type") == "typing":
        return []
    if activity.get("type") != "message":
        return [f"activity.type: {activity.get('type')!r} is not one a bot sends to Teams"]
    faults = [f"activity.{key}: not known" for key in activity if key not in _ACTIVITY_KEYS]
    text, attachments = activity.get("text"), activity.get("attachments") or []
    if not isinstance(text, (str, type(None))) or not isinstance(attachments, list):
        return [*faults, "activity: text is a string, attachments a list"]
    if not _filled(text) and not attachments:
        faults.append("activity: neither text nor attachments")
    if _filled(text) and attachments:
        faults.append("activity: text beside an attachment is split and loses its id")
    for index, attachment in enumerate(attachments):
        faults += [f"attachments[{index}] {fault}" for fault in _attachment(attachment)]
    faults += _people(activity)
    size = len(json.dumps(activity, ensure_ascii=False).encode())
    if size >= MAX_BYTES:
        faults.append(f"activity: {size} bytes, 28 KB or more")
    return faults + _slack({k: v for k, v in activity.items() if k != "attachments"}, "activity")


def _attachment(attachment: Any) -> list[str]:
    if not isinstance(attachment, dict):
        return ["not an object"]
    if attachment.get("contentType") != CARD_TYPE:
        return [f"contentType: {attachment.get('contentType')!r}, not {CARD_TYPE}"]
    extra = set(attachment) - {"contentType", "content", "name", "contentUrl", "thumbnailUrl", "preview"}
    return [*(f"{key}: not known" for key in sorted(extra)), *check_card(attachment.get("content"))]


def _people(activity: Json) -> Iterator[str]:
    """Sender, recipient, conversation and mentions, where they are given."""
    for key, prefixes in (("from", ("28:",)), ("recipient", ("29:", "28:", "19:"))):
        person = activity.get(key)
        if person is not None and not str(_dict(person).get("id", "")).startswith(prefixes):
            yield f"activity.{key}.id: {person!r:.60}"
    if activity.get("conversation") is not None and not _filled(_dict(activity["conversation"]).get("id")):
        yield "activity.conversation.id: missing"
    if activity.get("textFormat") not in (None, "plain", "markdown", "xml"):
        yield f"activity.textFormat: {activity['textFormat']!r}"
    mentioned = {str(e.get("text")) for e in _dicts(activity.get("entities")) if e.get("type") == "mention"}
    for name in re.findall(r"<at>.*?</at>", activity.get("text") or ""):
        if name not in mentioned:
            yield f"activity.text: {name} has no mention entity"
    if len(_list(_dict(activity.get("suggestedActions")).get("actions"))) > MAX_ACTIONS:
        yield f"activity.suggestedActions: more than {MAX_ACTIONS}"


def check_invoke_response(status: int, body: Any) -> list[str]:
    """Every fault of the answer to `adaptiveCard/action`: the HTTP status and its JSON body."""
    faults = [] if status == 200 else [f"HTTP status {status}, not 200"]
    if not isinstance(body, dict):
        return [*faults, f"body: not an object but {type(body).__name__}"]
    if set(body) != {"statusCode", "type", "value"}:
        faults.append(f"body: keys {sorted(body)}, not statusCode, type, value")
    code, kind, value = body.get("statusCode"), body.get("type"), body.get("value")
    if not isinstance(code, int) or isinstance(code, bool) or not 200 <= code < 600:
        return [*faults, f"statusCode: {code!r}"]
    if kind not in (CARD_TYPE, MESSAGE_TYPE, ERROR_TYPE):
        faults.append(f"type: {kind!r}")
    if (kind == ERROR_TYPE) != (code >= 400):
        faults.append(f"statusCode: {code} does not go with {kind}")
    if kind == CARD_TYPE:
        faults += check_card(value)
    elif kind == MESSAGE_TYPE:
        faults += [] if isinstance(value, str) and value.strip() else ["value: a message is a string, not empty"]
        faults += _slack({"text": value}, "value")
    elif kind == ERROR_TYPE:
        if not isinstance(value, dict) or not all(_filled(value.get(key)) for key in ("code", "message")):
            faults.append(f"value: an error has a code and a message, not {value!r:.60}")
        else:
            faults += _slack({"text": value["message"]}, "value")
    return faults


def check_task_response(status: int, body: Any) -> list[str]:
    """Every fault of the answer to `composeExtension/fetchTask`, `…/submitAction` and `task/fetch`."""
    faults = [] if status == 200 else [f"HTTP status {status}, not 200"]
    if not isinstance(body, dict):
        return [*faults, f"body: not an object but {type(body).__name__}"]
    task, result = body.get("task"), body.get("composeExtension")
    if isinstance(task, dict) and task.get("type") == "continue":
        value = _dict(task.get("value"))
        if not _filled(value.get("title")):
            faults.append("task.value.title: missing")
        faults += [f"task.value.card {fault}" for fault in _attachment(value.get("card"))]
        form = _dict(_dict(value.get("card")).get("content"))
        if any(node.get("type") == "Action.Execute" for node in walk(form)):
            faults.append("task.value.card: a form is sent with Action.Submit, not Action.Execute")
    elif isinstance(task, dict) and task.get("type") == "message":
        faults += [] if _filled(task.get("value")) else ["task.value: an empty message"]
    elif isinstance(result, dict) and result.get("type") == "result":
        if result.get("attachmentLayout") not in ("list", "grid") or not result.get("attachments"):
            faults.append("composeExtension: attachmentLayout and attachments")
        for one in _list(result.get("attachments")):
            faults += [f"composeExtension {fault}" for fault in _attachment(one)]
    elif isinstance(result, dict) and result.get("type") == "message":
        faults += [] if _filled(result.get("text")) else ["composeExtension.text: an empty message"]
    else:
        faults.append(f"body: neither a task nor a composeExtension: {body!r:.80}")
    return faults + _slack(body, "body")
