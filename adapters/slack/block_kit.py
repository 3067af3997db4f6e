"""Views as Slack messages, and the Block Kit elements that they consist of. Lengths are cut to Slack's limits."""

from collections.abc import Iterable
from typing import Any

from adapters.slack.button_value import ButtonContext
from dialogs import views
from dialogs.plain_text import plain_text as plain_text_of
from dialogs.text.notices import PassedCard
from dialogs.translations import Translations
from dialogs.views import AnswerRow, Button, View

Block = dict[str, Any]
Message = dict[str, Any]
"""``text`` and ``blocks``, as all methods that send a message take them."""

MAX_SECTION_LENGTH = 2900
"""Slack allows 3,000 characters."""
MAX_CONTEXT_LENGTH = 2000
MAX_HEADER_LENGTH = 150
MAX_LABEL_LENGTH = 75
MAX_ACTION_ID_LENGTH = 255
MAX_PLACEHOLDER_LENGTH = 150
DANGER_ACTIONS = frozenset({"forget_confirm"})
FORWARD_ACTIONS = frozenset(
    {"post", "keep_private", "continue", "start", "run_own", "new_check", "retry_post", "open_post", "update_post"}
)
"""Buttons that go forward. All others are in a second row when there are more than `MAX_BUTTONS_IN_ONE_ROW`."""
MAX_BUTTONS_IN_ONE_ROW = 2


# --- Elements -----------------------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """Return `text` for mrkdwn, so that Slack shows it and acts on nothing in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain_text(text: str) -> Block:
    """Return a plain-text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    """Return a mrkdwn object. `text` is already escaped."""
    return {"type": "mrkdwn", "text": text}


def header(text: str) -> Block:
    """Return a header block."""
    return {"type": "header", "text": plain_text(text[:MAX_HEADER_LENGTH])}


def section(text: str) -> Block:
    """Return a section block. `text`: mrkdwn, at most 3,000 characters."""
    return {"type": "section", "text": mrkdwn(text)}


def sections(text: str) -> list[Block]:
    """Return mrkdwn as section blocks, split at line ends where it is too long for one."""
    blocks = []
    part = ""
    for line in text.split("\n"):
        if part and len(part) + 1 + len(line) > MAX_SECTION_LENGTH:
            blocks.append(section(part))
            part = ""
        part = f"{part}\n{line}" if part else line[:MAX_SECTION_LENGTH]
    return [*blocks, section(part)] if part else blocks


def context(text: str) -> Block:
    """Return a context block: small gray text. Escapes `text`."""
    return context_of(escape(text)[:MAX_CONTEXT_LENGTH])


def context_of(*texts: str) -> Block:
    """Return a context block of mrkdwn texts, which are already escaped."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    """Return a divider block."""
    return {"type": "divider"}


def button(view: Button, button_context: ButtonContext) -> Block:
    """Return one button element, for a section's accessory."""
    return _button(view, _value_prefix(button_context))


def actions(buttons: Iterable[Button], button_context: ButtonContext) -> Block:
    """Return an actions block: a row of buttons."""
    prefix = _value_prefix(button_context)
    return {"type": "actions", "elements": [_button(view, prefix) for view in buttons]}


def select(placeholder: str, options: Iterable[Button], button_context: ButtonContext) -> Block:
    """Return a menu of one action, for a section's accessory. Choosing an option acts as pressing that button."""
    buttons = [button(option, button_context) for option in options]
    return {
        "type": "static_select",
        "action_id": buttons[0]["action_id"].partition(":")[0],
        "placeholder": plain_text(placeholder[:MAX_PLACEHOLDER_LENGTH]),
        "options": [{"text": element["text"], "value": element["value"]} for element in buttons],
    }


def button_rows(buttons: Iterable[Button], button_context: ButtonContext) -> list[Block]:
    """Return a row of the buttons that go forward and a row of the others. A few buttons are in one row."""
    buttons = tuple(buttons)
    if len(buttons) <= MAX_BUTTONS_IN_ONE_ROW:
        return [actions(buttons, button_context)] if buttons else []
    forward = [view for view in buttons if view.action in FORWARD_ACTIONS or view.question]
    others = [view for view in buttons if view not in forward]
    return [actions(row, button_context) for row in (forward, others) if row]


def _value_prefix(button_context: ButtonContext) -> str:
    revision = "" if button_context.revision is None else button_context.revision
    return f"{button_context.surface}|{button_context.session}|{revision}"


def _button(view: Button, value_prefix: str) -> Block:
    question, option = view.question or "", view.option or ""
    action_id = ":".join(filter(None, (view.action, question, option)))  # unique in a row, as Slack requires
    element: Block = {
        "type": "button",
        "action_id": action_id[:MAX_ACTION_ID_LENGTH],
        "text": {"type": "plain_text", "text": f"{view.sign} {view.label}".strip()[:MAX_LABEL_LENGTH]},
        "value": f"{value_prefix}|{question}|{option}",
    }
    if view.url:
        element["url"] = view.url
    if view.sign and not view.option:
        element["accessibility_label"] = view.label[:MAX_LABEL_LENGTH]  # a screen reader would read the sign
    if view.primary:
        element["style"] = "primary"
    elif view.action in DANGER_ACTIONS:
        element["style"] = "danger"
    return element


# --- Views --------------------------------------------------------------------------------------------------------


def render(
    view: View | views.Announcement, button_context: ButtonContext, t: Translations, channel: str | None = None
) -> Message:
    """Return a view as a message. `channel`: of a dialog's card; it is named as the channel of a later post."""
    text = escape(plain_text_of(view))
    match view:
        case views.QuestionCard():
            return {"text": text, "blocks": _question(view, button_context)}
        case views.ReviewCard():
            blocks = _review(view, button_context) + _share(view.share, t, channel)
        case views.RecommendationCard():
            blocks = _recommendation(view) + _share(view.share, t, channel)
        case views.DetailsCard():
            blocks = _details(view, t)
        case views.PartialResultCard():
            blocks = _partial_result(view) + _share(view.share, t, channel)
        case views.Announcement():
            text = text.replace("{person}", f"<@{view.owner}>")
            blocks = _announcement(view, t)
        case views.HelpCard():
            blocks = [header(view.title), *(block for part in view.parts for block in sections(escape(part)))]
        case _:  # a notice: its buttons are in one row, because none of them matters less than the others
            row = [actions(view.buttons, button_context)] if view.buttons else []
            return {"text": text, "blocks": [*sections(escape(view.text)), *row]}
    return {"text": text, "blocks": [*blocks, *button_rows(view.buttons, button_context)]}


def passed_card(passed: PassedCard) -> Message:
    """Return what a card says after typed text continued the dialog below it."""
    texts = [*([passed.question] if passed.question else ()), *passed.answers]
    answered = [section(escape("\n".join(texts)))] if texts else []
    return {"text": escape("\n".join((*texts, passed.below))), "blocks": [*answered, context(passed.below)]}


def _question(view: views.QuestionCard, button_context: ButtonContext) -> list[Block]:
    return [
        *_notes(view.note),
        section(f"{view.bar}  {escape(view.progress)}\n*{escape(view.text)}*".strip()),
        *([context(view.current)] if view.current else ()),
        *[section(f"*{escape(part.title)}*\n{escape(part.text)}") for part in view.help],
        actions(view.choices, button_context),
        divider(),
        actions(view.buttons, button_context),
        *([context(view.audience)] if view.audience else ()),
    ]


def _review(view: views.ReviewCard, button_context: ButtonContext) -> list[Block]:
    changes = [Button("change", row.name, row.question) for row in view.rows]
    menu = {"accessory": select(view.change, changes, button_context)} if changes else {}
    unused = "\n".join(f"{row.name} · {row.answer}" for row in view.unused)
    return [
        *_notes(view.note),
        header(view.title),
        *_bullets("", _answers(view.rows)),
        section(escape(view.intro)) | menu,
        *([context(f"{view.unused_title}\n{unused}")] if unused else ()),
    ]


def _recommendation(view: views.RecommendationCard) -> list[Block]:
    steps = [
        section(f"{number}.  *{escape(line.title)}*\n{escape(line.step)}")
        for number, line in enumerate(view.steps, start=1)
    ]
    return [
        *_notes(view.note),
        header(f"{view.mark} {view.outcome}"),
        section(escape(view.because)),
        *_provisional(view.provisional),
        section(escape(view.summary)),
        *_control(view.control),
        *([divider(), section(f"*{escape(view.steps_title)}*"), *steps] if steps else ()),
    ]


def _details(view: views.DetailsCard, t: Translations) -> list[Block]:
    return [
        *_notes(view.note),
        context(view.title),
        header(f"{view.mark} {view.outcome}"),
        *_provisional(view.provisional),
        divider(),
        header(view.options_title),
        *(_option(option, t) for option in view.options),
        *([section(escape(view.challengers))] if view.challengers else ()),
        *([divider(), header(view.advice_title)] if view.advice else ()),
        *map(_advice, view.advice),
        divider(),
        *_bullets(view.what_if_title, map(escape, view.what_if)),
        *_bullets(view.open_title, map(escape, view.open)),
        *_bullets(view.rows_title, _answers(view.rows, cited=True)),
        *_bullets(view.unused_title, _answers(view.unused)),
        context(view.caveat),
        *([context_of(f"<{escape(view.article.url)}|{escape(view.article.label)}>")] if view.article else ()),
    ]


def _option(option: views.Option, t: Translations) -> Block:
    """Return an outcome with its arguments beside it; on phones, below it."""
    title = t("details.recommended", outcome=option.title) if option.recommended else option.title
    arguments = [f"+ {escape(argument)}" for argument in option.pros]
    arguments += [f"− {escape(argument)}" for argument in option.cons]
    texts = [f"*{escape(title)}*", *(["\n".join(arguments)] if arguments else ())]
    return {"type": "section", "fields": [mrkdwn(text) for text in texts]}


def _advice(line: views.AdviceLine) -> Block:
    reason = [f"_{escape(line.reason)}_"] if line.reason else []
    text = f"{escape(line.text)} ({escape(line.source)})"
    return section("\n".join((f"*{escape(line.title)}*", *reason, text, f"→ {escape(line.step)}")))


def _partial_result(view: views.PartialResultCard) -> list[Block]:
    details = [line for line in (view.since, view.control) if line]
    return [
        *_notes(view.note),
        header(view.title),
        section(f"*{escape(view.strategic)}*"),
        *([context("\n".join(details))] if details else ()),
        *_bullets("", _answers(view.rows)),
        *_bullets(view.possible_title, map(escape, view.possible)),
        *_bullets(view.unused_title, _answers(view.unused)),
        *([section(escape(view.next))] if view.next else ()),
        context(view.caveat),
    ]


def _announcement(view: views.Announcement, t: Translations) -> list[Block]:
    """Return a post. At most 400 px high in a window of 500 px, since people who did not ask read it."""
    by = escape(view.by).replace("{person}", f"<@{view.owner}>")
    provisional = f"\n:warning: *{escape(view.provisional)}*" if view.provisional else ""
    lines = [_control_meter(view.control)] if view.control else []
    if view.steps:
        lines.append(f"*{escape(view.steps_title)}*")
        lines += (f"•  *{escape(line.title)}* · {escape(line.step)}" for line in view.steps)
    return [
        header(f"{view.mark} {view.headline}".strip()),
        context_of(f"{escape(t('slack.topic'))} · {by}{provisional}"),
        section(escape(view.because)),
        *([context_of("\n".join(lines))] if lines else ()),
    ]


def _provisional(text: str | None) -> list[Block]:
    return [section(f":warning: {escape(text)}")] if text else []


def _notes(notes: Iterable[str]) -> list[Block]:
    return [section(f">{escape(note)}") for note in notes]


def _control(control: views.Control | None) -> list[Block]:
    if control is None:
        return []
    return [section(f"{_control_meter(control)}\n{escape(control.text)}")]


def _control_meter(control: views.Control) -> str:
    return f"*{escape(control.title)}*  {control.bar}"


def _share(share: str | None, t: Translations, channel: str | None) -> list[Block]:
    if not share:
        return []
    if channel is None:
        return [divider(), context_of(escape(share))]
    return [divider(), context_of(post_destination(t, channel), escape(share))]


def post_destination(t: Translations, channel: str) -> str:
    """Return the line of mrkdwn that says where a post from a card in this channel would go."""
    if channel[:1] in {"C", "G"}:
        return t("slack.post_where", channel=f"<#{channel}>")
    return t("slack.post_where_later")


def _answers(rows: Iterable[AnswerRow], *, cited: bool = False) -> list[str]:
    return [
        f"{escape(row.name)} · *{escape(row.answer)}*" + (f" ({escape(row.source)})" if cited else "") for row in rows
    ]


def _bullets(title: str, lines: Iterable[str]) -> list[Block]:
    """Return a list of escaped lines under a title; nothing when there are no lines."""
    bullets = [f"•  {line}" for line in lines]
    if not bullets:
        return []
    return sections("\n".join([f"*{escape(title)}*", *bullets] if title else bullets))
