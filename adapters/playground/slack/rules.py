"""Slack's limits for blocks, messages and views.

`check_message` and `check_view` return Slack's error messages, such as
`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/text/text]`; an empty list means valid.

Sources: docs.slack.dev/reference/block-kit and responses of the real API in public issue trackers. Where the
documentation is silent the rules are strict. Blocks and elements that the app does not use are rejected.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.playground.simulator import Json
from adapters.playground.slack.errors import SlackError

Violations = list[tuple[str, str]]
"""(JSON pointer, message) pairs, in the order of the payload."""
Check = Callable[[Any, str, Violations], None]

MESSAGE_TEXT_MAX = 40_000
MESSAGE_BLOCKS_MAX = 50
MESSAGE_BLOCKS_TEXT_MAX = 12_000
"""Characters of all texts in the blocks together."""
VIEW_BLOCKS_MAX = 100
VIEW_BYTES_MAX = 250_000


def string(max_length: int, min_length: int = 1) -> Check:
    def check(value: Any, at: str, violations: Violations) -> None:
        if not isinstance(value, str):
            violations.append((at, "must provide a string"))
        elif len(value) < min_length:
            violations.append((at, f"must be more than {min_length - 1} characters"))
        elif len(value) > max_length:
            violations.append((at, f"must be less than {max_length + 1} characters"))

    return check


def boolean(value: Any, at: str, violations: Violations) -> None:
    if not isinstance(value, bool):
        violations.append((at, "must provide a boolean"))


def one_of(*values: str) -> Check:
    def check(value: Any, at: str, violations: Violations) -> None:
        if value not in values:
            violations.append((at, "must be a valid enum value"))

    return check


def array(item: Check, max_items: int, min_items: int = 1) -> Check:
    def check(value: Any, at: str, violations: Violations) -> None:
        if not isinstance(value, list):
            violations.append((at, "must provide an array"))
            return
        if len(value) > max_items:
            violations.append((at, f"no more than {max_items} items allowed"))
        if len(value) < min_items:
            violations.append((at, f"no fewer than {min_items} items allowed"))
        for index, element in enumerate(value):
            item(element, f"{at}/{index}", violations)

    return check


def obj(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, also: Check | None = None) -> Check:
    """Check an object with these keys and no others, apart from `type`."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, violations: Violations) -> None:
        if not isinstance(value, dict):
            violations.append((at, "must provide an object"))
            return
        violations.extend((at, f"missing required field: {name}") for name in required if name not in value)
        unknown = (name for name in value if name not in known and name != "type")
        violations.extend((at, f"invalid additional property: {name}") for name in unknown)
        for name, rule in known.items():
            if name in value:
                rule(value[name], f"{at}/{name}", violations)
        if also:
            also(value, at, violations)

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    def check(value: Any, at: str, violations: Violations) -> None:
        if not isinstance(value, dict):
            violations.append((at, "must provide an object"))
        elif "type" not in value:
            violations.append((at, "missing required field: type"))
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            violations.append((f"{at}/type", f"unsupported type: {value['type']}"))
        else:
            kinds[value["type"]](value, at, violations)

    return check


def initial_among_options(value: Json, at: str, violations: Violations) -> None:
    """`initial_option` must equal one of the options."""
    if "initial_option" in value and value["initial_option"] not in (value.get("options") or []):
        violations.append((f"{at}/initial_option", "initial_option must exactly match a provided option"))


def text_or_fields(value: Json, at: str, violations: Violations) -> None:
    """A section has a text, fields, or both."""
    if "text" not in value and "fields" not in value:
        violations.append((at, "missing required field: text"))


def plain(max_length: int) -> Check:
    return typed({"plain_text": obj({"text": string(max_length)}, {"emoji": boolean})})


def mrkdwn(max_length: int) -> Check:
    return typed({"mrkdwn": obj({"text": string(max_length)}, {"verbatim": boolean})})


STYLE = one_of("primary", "danger")
BLOCK_ID = {"block_id": string(255)}
ACTION_ID = {"action_id": string(255)}
CONFIRM = obj({"title": plain(100), "text": plain(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE})
OPTION = obj({"text": plain(75), "value": string(150)})
FILTER = obj({}, {"include": array(one_of("im", "mpim", "private", "public"), 4), "exclude_bot_users": boolean})

BUTTON = typed(
    {
        "button": obj(
            {"text": plain(75)},
            {
                **ACTION_ID,
                "value": string(2000),
                "url": string(3000),
                "style": STYLE,
                "confirm": CONFIRM,
                "accessibility_label": string(75),
            },
        )
    }
)
ACCESSORY = typed(
    {
        "button": BUTTON,
        "static_select": obj(
            {"options": array(OPTION, 100), "placeholder": plain(150)},
            {**ACTION_ID, "initial_option": OPTION, "confirm": CONFIRM},
            initial_among_options,
        ),
    }
)
CHOICE = typed(
    {
        "radio_buttons": obj(
            {"options": array(OPTION, 10)}, {**ACTION_ID, "initial_option": OPTION}, initial_among_options
        ),
        "conversations_select": obj({}, {**ACTION_ID, "placeholder": plain(150), "filter": FILTER}),
    }
)

MESSAGE_BLOCKS: dict[str, Check] = {
    "section": obj(
        {},
        {"text": mrkdwn(3000), "fields": array(mrkdwn(2000), 10), **BLOCK_ID, "accessory": ACCESSORY},
        text_or_fields,
    ),
    "actions": obj({"elements": array(BUTTON, 25)}, BLOCK_ID),
    "context": obj({"elements": array(mrkdwn(2000), 10)}, BLOCK_ID),
    "header": obj({"text": plain(150)}, BLOCK_ID),
    "divider": obj({}, BLOCK_ID),
}
INPUT = obj({"label": plain(2000), "element": CHOICE}, {**BLOCK_ID, "hint": plain(2000), "dispatch_action": boolean})
MODAL_BLOCKS = array(typed({**MESSAGE_BLOCKS, "input": INPUT}), VIEW_BLOCKS_MAX, min_items=0)
VIEWS = typed(
    {
        "modal": obj(
            {"title": plain(24), "blocks": MODAL_BLOCKS},
            {
                "private_metadata": string(3000, min_length=0),
                "callback_id": string(255, min_length=0),
                "submit": plain(24),
                "close": plain(24),
            },
        ),
        "home": obj({"blocks": array(typed(MESSAGE_BLOCKS), VIEW_BLOCKS_MAX, min_items=0)}),
    }
)


def elements_of(block: Json) -> list[Json]:
    """Return the elements of one block."""
    return [*block.get("elements", ()), *(block[name] for name in ("accessory", "element") if name in block)]


def _duplicate_ids(blocks: list[Json], at: str) -> Violations:
    """A `block_id` is unique in a message or view, an `action_id` in a block."""
    groups = [("block_id", at, blocks)]
    groups += [("action_id", f"{at}/{index}", elements_of(block)) for index, block in enumerate(blocks)]
    return [
        (path, f'`{name}` "{id}" already exists')
        for name, path, items in groups
        for id, count in Counter(item[name] for item in items if name in item).items()
        if count > 1
    ]


def objects_in(value: Any, *, without: str = "") -> Iterator[Json]:
    """Yield every object, outer ones first, but none under the key `without`."""
    if isinstance(value, dict):
        yield value
        value = [item for name, item in value.items() if name != without]
    for item in value if isinstance(value, list) else ():
        yield from objects_in(item, without=without)


def texts_in(value: Any, *, without: str = "") -> list[str]:
    """Return the texts of all objects, in order."""
    texts = (item.get("text") for item in objects_in(value, without=without))
    return [text for text in texts if isinstance(text, str)]


def validate_message(text: Any, blocks: Any) -> str:
    """Return the text of a valid message. Raises SlackError."""
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        violations: Violations = []
        array(typed(MESSAGE_BLOCKS), MESSAGE_BLOCKS_MAX, min_items=0)(blocks, "/blocks", violations)
        _raise_if_any("invalid_blocks", violations or _duplicate_ids(blocks, "/blocks"))
        if sum(map(len, texts_in(blocks))) > MESSAGE_BLOCKS_TEXT_MAX:
            raise SlackError("msg_blocks_too_long")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text or "") > MESSAGE_TEXT_MAX:
        raise SlackError("msg_too_long")
    return text or ""


def validate_view(view: Any, kind: str) -> Json:
    """Return a valid view of this kind, `modal` or `home`. Raises SlackError."""
    if len(json.dumps(view)) > VIEW_BYTES_MAX:
        raise SlackError("view_too_large")
    violations: Violations = []
    VIEWS(view, "/view", violations)
    if not violations and view["type"] != kind:
        violations = [("/view/type", f"expected a {kind} view")]
    if not violations and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        violations = [("/view", "missing required field: submit")]
    _raise_if_any("invalid_arguments", violations or _duplicate_ids(view["blocks"], "/view/blocks"))
    result: Json = view
    return result


def _raise_if_any(name: str, violations: Violations) -> None:
    if violations:
        messages = [f"[ERROR] {message} [json-pointer:{at}]" for at, message in violations]
        raise SlackError(name, response_metadata={"messages": messages})


def _messages(validate: Callable[..., object], *args: Any) -> list[str]:
    try:
        validate(*args)
    except SlackError as error:
        messages: list[str] = error.more.get("response_metadata", {}).get("messages", [error.code])
        return messages
    return []


def check_message(message: Mapping[str, Any]) -> list[str]:
    """Return Slack's error messages for the `text` and `blocks` of a message."""
    return _messages(validate_message, message.get("text"), message.get("blocks"))


def check_view(view: Mapping[str, Any]) -> list[str]:
    """Return Slack's error messages for a modal or home tab."""
    return _messages(validate_view, view, view.get("type"))
