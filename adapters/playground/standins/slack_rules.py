"""What Slack accepts as blocks, messages and views, as data: every limit stands in one table.

`check_message` and `check_view` say what Slack would refuse, in Slack's words
(`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/text/text]`); an empty list means accepted.

Sources: docs.slack.dev/reference/block-kit and answers of the real API quoted in public issue trackers. Where
the documentation is silent the stricter reading is taken. Blocks that this stand-in does not know (table, video,
file, context_actions, ...) are refused as `unsupported type`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Problems = list[tuple[str, str]]
"""(JSON pointer, message) pairs, in the order of the payload."""
Check = Callable[[Any, str, Problems], None]
Json = dict[str, Any]

MESSAGE_TEXT_MAX = 40_000
MESSAGE_BLOCKS_MAX = 50
MESSAGE_BLOCKS_TEXT_MAX = 12_000  # all the blocks' texts together; beyond: msg_blocks_too_long
VIEW_BLOCKS_MAX = 100
VIEW_BYTES_MAX = 250_000


# --- Pieces a table is made of ------------------------------------------------------------------------------


def string(most: int, least: int = 1, pattern: str | None = None) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append((at, "must provide a string"))
        elif len(value) < least:
            problems.append((at, f"must be more than {least - 1} characters"))
        elif len(value) > most:
            problems.append((at, f"must be less than {most + 1} characters"))
        elif pattern and not re.fullmatch(pattern, value):
            problems.append((at, "must match the required format"))

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append((at, "must provide a boolean"))


def integer(least: int, most: int) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.append((at, "must provide an integer"))
        elif not least <= value <= most:
            problems.append((at, f"must be between {least} and {most}"))

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if value not in values:
            problems.append((at, "must be a valid enum value"))

    return check


def listing(item: Check, most: int, least: int = 1) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.append((at, "must provide an array"))
            return
        if len(value) > most:
            problems.append((at, f"no more than {most} items allowed"))
        if len(value) < least:
            problems.append((at, f"no fewer than {least} items allowed"))
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", problems)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check], *also: Check) -> Check:
    """An object with these keys and no others; `type` is read by whoever chose this record."""
    known = {**required, **optional}

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append((at, "must provide an object"))
            return
        problems.extend((at, f"missing required field: {name}") for name in required if name not in value)
        problems.extend(
            (at, f"invalid additional property: {name}") for name in value if name not in known and name != "type"
        )
        for name, rule in known.items():
            if name in value:
                rule(value[name], f"{at}/{name}", problems)
        for rule in also:
            rule(value, at, problems)

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append((at, "must provide an object"))
        elif "type" not in value:
            problems.append((at, "missing required field: type"))
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            problems.append((f"{at}/type", f"unsupported type: {value['type']}"))
        else:
            kinds[value["type"]](value, at, problems)

    return check


def exactly_one(*names: str) -> Check:
    def check(value: Json, at: str, problems: Problems) -> None:
        if sum(name in value for name in names) != 1:
            problems.append((at, f"exactly one of {', '.join(names)} must be provided"))

    return check


def at_least_one(*names: str) -> Check:
    def check(value: Json, at: str, problems: Problems) -> None:
        if not any(name in value for name in names):
            problems.append((at, f"missing required field: {' or '.join(names)}"))

    return check


def initial_among_options(value: Json, at: str, problems: Problems) -> None:
    """What is chosen at first must be, in every detail, one of the options."""
    options = list(value.get("options") or [])
    for group in value.get("option_groups") or []:
        options += group.get("options", []) if isinstance(group, dict) else []
    if "initial_option" in value and value["initial_option"] not in options:
        problems.append((f"{at}/initial_option", "initial_option must exactly match a provided option"))
    for index, each in enumerate(value.get("initial_options") or []):
        if each not in options:
            problems.append((f"{at}/initial_options/{index}", "must exactly match a provided option"))


# --- Composition objects ------------------------------------------------------------------------------------


def plain(most: int) -> Check:
    return typed({"plain_text": record({"text": string(most)}, {"emoji": boolean})})


def text(most: int) -> Check:
    return typed(
        {
            "plain_text": record({"text": string(most)}, {"emoji": boolean}),
            "mrkdwn": record({"text": string(most)}, {"verbatim": boolean}),
        }
    )


ACTION_ID = {"action_id": string(255)}
BLOCK_ID = {"block_id": string(255)}
URL = string(3000, pattern=r"[a-z][a-z0-9+.-]*:\S+")
STYLE = one_of("primary", "danger")
DATE = string(10, pattern=r"\d{4}-\d\d-\d\d")
TIME = string(5, pattern=r"([01]\d|2[0-3]):[0-5]\d")

CONFIRM = record({"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE})
OPTION = record({"text": plain(75), "value": string(150)}, {"description": plain(75)})
RICH_OPTION = record({"text": text(75), "value": string(150)}, {"description": text(75)})
OVERFLOW_OPTION = record({"text": plain(75), "value": string(150)}, {"description": plain(75), "url": URL})
OPTION_GROUP = record({"label": plain(75), "options": listing(OPTION, 100)}, {})
DISPATCH = record({}, {"trigger_actions_on": listing(one_of("on_enter_pressed", "on_character_entered"), 2, least=0)})
FILTER = record(
    {},
    {
        "include": listing(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)

# --- Elements -----------------------------------------------------------------------------------------------

ACTING = {**ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
CHOOSING = {**ACTING, "placeholder": plain(150)}
ENTERING = {
    **ACTION_ID,
    "focus_on_load": boolean,
    "placeholder": plain(150),
    "dispatch_action_config": DISPATCH,
}
MANY = {"max_selected_items": integer(1, 100)}
OPTIONS = {"options": listing(OPTION, 100), "option_groups": listing(OPTION_GROUP, 100)}
AN_ID = string(255)
IDS = listing(AN_ID, 100)
WITH_URL = {"response_url_enabled": boolean}
CONVERSATIONS = {"default_to_current_conversation": boolean, "filter": FILTER}

BUTTON = record(
    {"text": plain(75)},
    {
        **ACTION_ID,
        "confirm": CONFIRM,
        "url": URL,
        "value": string(2000),
        "style": STYLE,
        "accessibility_label": string(75),
    },
)
IMAGE_ELEMENT = record(
    {"alt_text": string(2000)},
    {"image_url": URL, "slack_file": record({}, {"id": AN_ID, "url": URL})},
    exactly_one("image_url", "slack_file"),
)
SELECTS = {
    "static_select": record(
        {},
        {**CHOOSING, **OPTIONS, "initial_option": OPTION},
        exactly_one("options", "option_groups"),
        initial_among_options,
    ),
    "external_select": record({}, {**CHOOSING, "initial_option": OPTION, "min_query_length": integer(0, 100)}),
    "users_select": record({}, {**CHOOSING, "initial_user": AN_ID}),
    "channels_select": record({}, {**CHOOSING, **WITH_URL, "initial_channel": AN_ID}),
    "conversations_select": record({}, {**CHOOSING, **WITH_URL, **CONVERSATIONS, "initial_conversation": AN_ID}),
    "multi_static_select": record(
        {},
        {**CHOOSING, **OPTIONS, **MANY, "initial_options": listing(OPTION, 100)},
        exactly_one("options", "option_groups"),
        initial_among_options,
    ),
    "multi_users_select": record({}, {**CHOOSING, **MANY, "initial_users": IDS}),
    "multi_channels_select": record({}, {**CHOOSING, **MANY, "initial_channels": IDS}),
    "multi_conversations_select": record({}, {**CHOOSING, **MANY, **CONVERSATIONS, "initial_conversations": IDS}),
}
PICKERS = {
    "datepicker": record({}, {**CHOOSING, "initial_date": DATE}),
    "timepicker": record({}, {**CHOOSING, "initial_time": TIME, "timezone": string(100)}),
    "datetimepicker": record({}, {**ACTING, "initial_date_time": integer(1_000_000_000, 9_999_999_999)}),
    "radio_buttons": record(
        {"options": listing(RICH_OPTION, 10)}, {**ACTING, "initial_option": RICH_OPTION}, initial_among_options
    ),
    "checkboxes": record(
        {"options": listing(RICH_OPTION, 10)},
        {**ACTING, "initial_options": listing(RICH_OPTION, 10)},
        initial_among_options,
    ),
}
OVERFLOW = record({"options": listing(OVERFLOW_OPTION, 5, least=2)}, {**ACTION_ID, "confirm": CONFIRM})
TEXT_INPUT = {
    **ENTERING,
    "initial_value": string(3000, least=0),
    "multiline": boolean,
    "min_length": integer(0, 3000),
    "max_length": integer(1, 3000),
}
ENTRIES = {
    "plain_text_input": record({}, TEXT_INPUT),
    "email_text_input": record({}, {**ENTERING, "initial_value": string(3000, least=0)}),
    "url_text_input": record({}, {**ENTERING, "initial_value": string(3000, least=0)}),
    "number_input": record(
        {"is_decimal_allowed": boolean},
        {**ENTERING, "initial_value": string(3000), "min_value": string(100), "max_value": string(100)},
    ),
}

PRESSABLE = {"button": BUTTON, "overflow": OVERFLOW, **SELECTS, **PICKERS}
CONTEXT_TEXT = {
    "plain_text": record({"text": string(2000)}, {"emoji": boolean}),
    "mrkdwn": record({"text": string(2000)}, {"verbatim": boolean}),
}

# --- Rich text, the common part -----------------------------------------------------------------------------

TEXT_STYLE = record({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
STYLED = {"style": TEXT_STYLE}
RICH_LEAF = typed(
    {
        "text": record({"text": string(12_000)}, STYLED),
        "link": record({"url": URL}, {**STYLED, "text": string(12_000), "unsafe": boolean}),
        "emoji": record({"name": string(255)}, {"unicode": string(255), "skin_tone": integer(1, 6)}),
        "user": record({"user_id": AN_ID}, STYLED),
        "channel": record({"channel_id": AN_ID}, STYLED),
        "usergroup": record({"usergroup_id": AN_ID}, STYLED),
        "broadcast": record({"range": one_of("here", "channel", "everyone")}, STYLED),
        "date": record(
            {"timestamp": integer(0, 9_999_999_999), "format": string(255)},
            {**STYLED, "url": URL, "fallback": string(255)},
        ),
    }
)
RICH_LEAVES = listing(RICH_LEAF, 1000, least=0)
RICH_SECTION = record({"elements": RICH_LEAVES}, {})
RICH_PART = typed(
    {
        "rich_text_section": RICH_SECTION,
        "rich_text_preformatted": record({"elements": RICH_LEAVES}, {"border": integer(0, 1)}),
        "rich_text_quote": record({"elements": RICH_LEAVES}, {"border": integer(0, 1)}),
        "rich_text_list": record(
            {
                "elements": listing(typed({"rich_text_section": RICH_SECTION}), 1000),
                "style": one_of("bullet", "ordered"),
            },
            {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": integer(0, 1)},
        ),
    }
)

# --- Blocks -------------------------------------------------------------------------------------------------

COMMON_BLOCKS: dict[str, Check] = {
    "section": record(
        {},
        {
            **BLOCK_ID,
            "text": text(3000),
            "fields": listing(text(2000), 10),
            "accessory": typed({"image": IMAGE_ELEMENT, **PRESSABLE}),
            "expand": boolean,
        },
        at_least_one("text", "fields"),
    ),
    "actions": record({"elements": listing(typed(PRESSABLE), 25)}, BLOCK_ID),
    "context": record({"elements": listing(typed({"image": IMAGE_ELEMENT, **CONTEXT_TEXT}), 10)}, BLOCK_ID),
    "header": record({"text": plain(150)}, BLOCK_ID),
    "divider": record({}, BLOCK_ID),
    "image": record(
        {"alt_text": string(2000)},
        {
            **BLOCK_ID,
            "image_url": URL,
            "slack_file": record({}, {"id": AN_ID, "url": URL}),
            "title": plain(2000),
        },
        exactly_one("image_url", "slack_file"),
    ),
    "input": record(
        {"label": plain(2000), "element": typed({**SELECTS, **PICKERS, **ENTRIES})},
        {**BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": record({"elements": listing(RICH_PART, 1000, least=0)}, BLOCK_ID),
}
MESSAGE_BLOCKS = typed({**COMMON_BLOCKS, "markdown": record({"text": string(MESSAGE_BLOCKS_TEXT_MAX)}, BLOCK_ID)})
VIEW_BLOCKS = typed(COMMON_BLOCKS)

VIEW_COMMON = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}


def submit_beside_inputs(view: Json, at: str, problems: Problems) -> None:
    """A modal that asks for something needs a way to send it."""
    blocks = view.get("blocks")
    asks = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if asks and "submit" not in view:
        problems.append((at, "missing required field: submit"))


VIEWS = typed(
    {
        "modal": record(
            {"title": plain(24), "blocks": listing(VIEW_BLOCKS, VIEW_BLOCKS_MAX, least=0)},
            {
                **VIEW_COMMON,
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
            submit_beside_inputs,
        ),
        "home": record({"blocks": listing(VIEW_BLOCKS, VIEW_BLOCKS_MAX, least=0)}, VIEW_COMMON),
    }
)


# --- Whole payloads -----------------------------------------------------------------------------------------


def elements_of(block: Json) -> list[tuple[str, Json]]:
    """The elements of one block with the pointer to each, inside that block."""
    found = [(f"/elements/{i}", element) for i, element in enumerate(block.get("elements") or [])]
    found += [(f"/{name}", block[name]) for name in ("accessory", "element") if name in block]
    return [(at, element) for at, element in found if isinstance(element, dict)]


def _once_each(blocks: Iterable[Any], at: str, problems: Problems) -> None:
    """`block_id` once a message or view, `action_id` once a block, focus once a view."""
    block_ids: set[str] = set()
    focused = 0
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in block_ids:
                problems.append((f"{at}/{index}/block_id", f'`block_id` "{block_id}" already exists'))
            block_ids.add(block_id)
        action_ids: set[str] = set()
        for inside, element in elements_of(block):
            focused += element.get("focus_on_load") is True
            action_id = element.get("action_id")
            if not isinstance(action_id, str):
                continue
            if action_id in action_ids:
                problems.append((f"{at}/{index}{inside}/action_id", f'`action_id` "{action_id}" already exists'))
            action_ids.add(action_id)
    if focused > 1:
        problems.append((at, "only one element may have focus_on_load"))


def block_problems(blocks: Any) -> Problems:
    """What is wrong with a message's blocks."""
    problems: Problems = []
    listing(MESSAGE_BLOCKS, MESSAGE_BLOCKS_MAX, least=0)(blocks, "/blocks", problems)
    if isinstance(blocks, list):
        _once_each(blocks, "/blocks", problems)
    return problems


def view_problems(view: Any) -> Problems:
    """What is wrong with a modal or a home tab."""
    problems: Problems = []
    VIEWS(view, "/view", problems)
    if isinstance(view, dict) and isinstance(view.get("blocks"), list):
        _once_each(view["blocks"], "/view/blocks", problems)
    return problems


def text_length(value: Any) -> int:
    """Characters of all texts in blocks, as Slack adds them up for `msg_blocks_too_long`."""
    if isinstance(value, list):
        return sum(text_length(each) for each in value)
    if isinstance(value, dict):
        return sum(
            len(each) if name == "text" and isinstance(each, str) else text_length(each) for name, each in value.items()
        )
    return 0


def said(problems: Problems) -> list[str]:
    """Problems in the words of Slack's `response_metadata.messages`."""
    return [f"[ERROR] {message} [json-pointer:{at}]" for at, message in problems]


def check_message(payload: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in the `text` and `blocks` of a message; [] when it would be posted."""
    words, blocks = payload.get("text"), payload.get("blocks")
    problems = block_problems(blocks) if blocks is not None else []
    if words is not None and not isinstance(words, str):
        problems.append(("/text", "must provide a string"))
    elif words and len(words) > MESSAGE_TEXT_MAX:
        problems.append(("/text", "msg_too_long"))
    if not words and not blocks:
        problems.append(("/text", "no_text"))
    if text_length(blocks) > MESSAGE_BLOCKS_TEXT_MAX:
        problems.append(("/blocks", "msg_blocks_too_long"))
    return said(problems)


def check_view(view: Any) -> list[str]:
    """What Slack would refuse in a modal or home tab; [] when it would be shown."""
    return said(view_problems(view))
