"""What Slack accepts as blocks, messages and views, as data: every limit stands in one table.

`check_message` and `check_view` say what Slack would refuse, in Slack's words
(`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/text/text]`); an empty list means accepted.

Sources: docs.slack.dev/reference/block-kit and answers of the real API quoted in public issue trackers. Where
the documentation is silent the stricter reading is taken. The tables hold what the app draws with; all else that
Slack knows is refused here as it would refuse what it does not know.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Problems = list[tuple[str, str]]
"""(JSON pointer, message) pairs, in the order of the payload."""
Check = Callable[[Any, str, Problems], None]
Json = dict[str, Any]

MESSAGE_TEXT_MAX = 40_000
MESSAGE_BLOCKS_MAX = 50
MESSAGE_BLOCKS_TEXT_MAX = 12_000
"""Characters of all the blocks' texts together."""
VIEW_BLOCKS_MAX = 100
VIEW_BYTES_MAX = 250_000


class SlackError(Exception):
    """A refusal: the name Slack gives it, the HTTP status, and what goes beside it in the answer."""

    def __init__(self, name: str, status: int = 200, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(name)
        self.name, self.status, self.headers, self.more = name, status, headers or {}, more


# --- Pieces a table is made of ------------------------------------------------------------------------------


def string(most: int, least: int = 1) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append((at, "must provide a string"))
        elif len(value) < least:
            problems.append((at, f"must be more than {least - 1} characters"))
        elif len(value) > most:
            problems.append((at, f"must be less than {most + 1} characters"))

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append((at, "must provide a boolean"))


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


def record(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, also: Check | None = None
) -> Check:
    """An object with these keys and no others; `type` is read by whoever chose this record."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append((at, "must provide an object"))
            return
        problems.extend((at, f"missing required field: {name}") for name in required if name not in value)
        unknown = (name for name in value if name not in known and name != "type")
        problems.extend((at, f"invalid additional property: {name}") for name in unknown)
        for name, rule in known.items():
            if name in value:
                rule(value[name], f"{at}/{name}", problems)
        if also:
            also(value, at, problems)

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


def initial_among_options(value: Json, at: str, problems: Problems) -> None:
    """What is chosen at first must be, in every detail, one of the options."""
    if "initial_option" in value and value["initial_option"] not in (value.get("options") or []):
        problems.append((f"{at}/initial_option", "initial_option must exactly match a provided option"))


# --- Objects and elements -----------------------------------------------------------------------------------


def plain(most: int) -> Check:
    return typed({"plain_text": record({"text": string(most)}, {"emoji": boolean})})


def mrkdwn(most: int) -> Check:
    return typed({"mrkdwn": record({"text": string(most)}, {"verbatim": boolean})})


STYLE = one_of("primary", "danger")
BLOCK_ID = {"block_id": string(255)}
ACTION_ID = {"action_id": string(255)}
CONFIRM = record({"title": plain(100), "text": plain(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE})
OPTION = record({"text": plain(75), "value": string(150)})
FILTER = record({}, {"include": listing(one_of("im", "mpim", "private", "public"), 4), "exclude_bot_users": boolean})

BUTTON = typed(
    {
        "button": record(
            {"text": plain(75)},
            {
                **ACTION_ID,
                "value": string(2000),
                "style": STYLE,
                "confirm": CONFIRM,
                "accessibility_label": string(75),
            },
        )
    }
)
CHOICE = typed(
    {
        "radio_buttons": record(
            {"options": listing(OPTION, 10)}, {**ACTION_ID, "initial_option": OPTION}, initial_among_options
        ),
        "conversations_select": record({}, {**ACTION_ID, "placeholder": plain(150), "filter": FILTER}),
    }
)

# --- Blocks and views ---------------------------------------------------------------------------------------

MESSAGE_BLOCKS: dict[str, Check] = {
    "section": record({"text": mrkdwn(3000)}, {**BLOCK_ID, "accessory": BUTTON}),
    "actions": record({"elements": listing(BUTTON, 25)}, BLOCK_ID),
    "context": record({"elements": listing(mrkdwn(2000), 10)}, BLOCK_ID),
    "header": record({"text": plain(150)}, BLOCK_ID),
    "divider": record({}, BLOCK_ID),
}
INPUT = record({"label": plain(2000), "element": CHOICE}, {**BLOCK_ID, "hint": plain(2000), "dispatch_action": boolean})
MODAL_BLOCKS = listing(typed({**MESSAGE_BLOCKS, "input": INPUT}), VIEW_BLOCKS_MAX, least=0)
VIEWS = typed(
    {
        "modal": record(
            {"title": plain(24), "blocks": MODAL_BLOCKS},
            {
                "private_metadata": string(3000, least=0),
                "callback_id": string(255, least=0),
                "submit": plain(24),
                "close": plain(24),
            },
        ),
        "home": record({"blocks": listing(typed(MESSAGE_BLOCKS), VIEW_BLOCKS_MAX, least=0)}),
    }
)


# --- Whole payloads -----------------------------------------------------------------------------------------


def elements_of(block: Json) -> list[Json]:
    """The elements of one block."""
    return [*block.get("elements", ()), *(block[name] for name in ("accessory", "element") if name in block)]


def _twice_named(blocks: list[Json], at: str) -> Problems:
    """`block_id` once a message or view, `action_id` once a block."""
    named = [("block_id", at, blocks)]
    named += [("action_id", f"{at}/{index}", elements_of(block)) for index, block in enumerate(blocks)]
    return [
        (where, f'`{name}` "{id}" already exists')
        for name, where, objects in named
        for id, times in Counter(each[name] for each in objects if name in each).items()
        if times > 1
    ]


def objects_in(value: Any, *, without: str = "") -> Iterator[Json]:
    """Every object in here, the outer ones first, but none that is called `without`."""
    if isinstance(value, dict):
        yield value
        value = [each for name, each in value.items() if name != without]
    for each in value if isinstance(value, list) else ():
        yield from objects_in(each, without=without)


def texts_in(value: Any, *, without: str = "") -> list[str]:
    """The texts of all objects in here, in order."""
    texts = (each.get("text") for each in objects_in(value, without=without))
    return [words for words in texts if isinstance(words, str)]


def good_message(text: Any, blocks: Any) -> str:
    """The text, once text and blocks are such as Slack posts. Raises SlackError."""
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        problems: Problems = []
        listing(typed(MESSAGE_BLOCKS), MESSAGE_BLOCKS_MAX, least=0)(blocks, "/blocks", problems)
        _refuse("invalid_blocks", problems or _twice_named(blocks, "/blocks"))
        if sum(map(len, texts_in(blocks))) > MESSAGE_BLOCKS_TEXT_MAX:
            raise SlackError("msg_blocks_too_long")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text or "") > MESSAGE_TEXT_MAX:
        raise SlackError("msg_too_long")
    return text or ""


def good_view(view: Any, kind: str) -> Json:
    """The view, once it is such as Slack shows as a modal or a home tab. Raises SlackError."""
    if len(json.dumps(view)) > VIEW_BYTES_MAX:
        raise SlackError("view_too_large")
    problems: Problems = []
    VIEWS(view, "/view", problems)
    if not problems and view["type"] != kind:
        problems = [("/view/type", f"expected a {kind} view")]
    if not problems and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        problems = [("/view", "missing required field: submit")]
    _refuse("invalid_arguments", problems or _twice_named(view["blocks"], "/view/blocks"))
    found: Json = view
    return found


def _refuse(name: str, problems: Problems) -> None:
    if problems:
        said = [f"[ERROR] {message} [json-pointer:{at}]" for at, message in problems]
        raise SlackError(name, response_metadata={"messages": said})


def _refusal(work: Callable[..., object], *given: Any) -> list[str]:
    """What `work` refuses: Slack's name for it, or all that is wrong."""
    try:
        work(*given)
    except SlackError as refused:
        messages: list[str] = refused.more.get("response_metadata", {}).get("messages", [refused.name])
        return messages
    return []


def check_message(message: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in the `text` and `blocks` of a message; [] when it would be posted."""
    return _refusal(good_message, message.get("text"), message.get("blocks"))


def check_view(view: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a modal or home tab; [] when it would be shown."""
    return _refusal(good_view, view, view.get("type"))
