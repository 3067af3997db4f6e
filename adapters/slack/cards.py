"""Views of the core as Slack messages, and replies that are not about one dialog."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from adapters.ports import CheckSummary
from adapters.shared.replies import check_line, offer_buttons
from adapters.shared.router import HELP_COMMANDS
from adapters.slack.block_kit import (
    Block,
    Message,
    actions,
    button,
    button_rows,
    context,
    context_of,
    divider,
    escape,
    header,
    section,
    sections,
)
from adapters.slack.button_value import ButtonContext, Surface, encode_answers
from dialogs import presenter, views
from dialogs.community_flow import FLOW
from dialogs.plain_text import plain_text
from dialogs.session import Actor, Session
from dialogs.text.parse import Ambiguous, Command, Parsed, Problems
from dialogs.translations import Translations, translations
from dialogs.views import AnswerRow, Button, View

MAX_ACCESSIBILITY_LABEL_LENGTH = 75


def render(
    view: View | views.Announcement, button_context: ButtonContext, t: Translations, channel: str | None = None
) -> Message:
    """Return a view as a message. `channel`: of a dialog's card; it is named as the channel of a later post."""
    text = escape(plain_text(view))
    match view:
        case views.QuestionCard():
            return {"text": text, "blocks": _question(view, button_context)}
        case views.ReviewCard():
            blocks = _review(view, button_context, t) + _share(view.share, t, channel)
        case views.RecommendationCard():
            blocks = _recommendation(view) + _share(view.share, t, channel)
        case views.PartialResultCard():
            blocks = _partial_result(view) + _share(view.share, t, channel)
        case views.Announcement():
            text = text.replace("{person}", f"<@{view.owner}>")
            blocks = _announcement(view)
        case views.HelpCard():
            blocks = [header(view.title), *(block for part in view.parts for block in sections(escape(part)))]
        case _:
            blocks = sections(escape(view.text))
    return {"text": text, "blocks": [*blocks, *button_rows(view.buttons, button_context)]}


def text_message(text: str, button_context: ButtonContext, buttons: Sequence[Button] = ()) -> Message:
    """Return a message of plain text and buttons."""
    escaped = escape(text)
    return {"text": escaped, "blocks": [*sections(escaped), *button_rows(buttons, button_context)]}


# --- Cards --------------------------------------------------------------------------------------------------------


def _question(view: views.QuestionCard, button_context: ButtonContext) -> list[Block]:
    return [
        *_notes(view.note),
        context(view.progress),
        section(f"*{escape(view.text)}*"),
        *([context(view.current)] if view.current else ()),
        *[section(f"*{escape(part.title)}*\n{escape(part.text)}") for part in view.help],
        actions(view.choices, button_context),
        *([actions(view.buttons, button_context)] if view.buttons else ()),
    ]


def _review(view: views.ReviewCard, button_context: ButtonContext, t: Translations) -> list[Block]:
    blocks = [*_notes(view.note), header(view.title), context(view.intro)]
    for row in view.rows:
        change = button(Button("change", view.change, row.question), button_context)
        label = t("slack.change_of", question=row.name)
        change["accessibility_label"] = label[:MAX_ACCESSIBILITY_LABEL_LENGTH]
        blocks.append(section(f"{escape(row.name)}\n*{escape(row.answer)}*") | {"accessory": change})
    if view.unused:
        unused = "\n".join(f"{row.name} · {row.answer}" for row in view.unused)
        blocks.append(context(f"{view.unused_title}\n{unused}"))
    if view.preview:
        blocks += [divider(), *_preview(view.preview)]
    return blocks


def _preview(preview: views.Preview) -> list[Block]:
    return [
        context(preview.title),
        section(f"*{escape(preview.outcome)}*\n{escape(preview.summary)}"),
        *_control(preview.control),
    ]


def _recommendation(view: views.RecommendationCard) -> list[Block]:
    provisional = [section(f":warning: {escape(view.provisional)}")] if view.provisional else []
    advice = [section(f"*{escape(view.advice_title)}*")] if view.advice else []
    advice += [
        section(f"*{escape(line.title)}* · {_source(line)}\n{escape(line.text)}\n{escape(line.step)}")
        for line in view.advice
    ]
    return [
        *_notes(view.note),
        context(view.title),
        header(view.outcome),
        section(escape(view.summary)),
        *provisional,
        *_control(view.control),
        divider(),
        *advice,
        divider(),
        *_bullets(view.because_title, _answers(view.because, cited=True)),
        *_bullets(view.others_title, _answers(view.others, cited=True)),
        *_bullets(view.what_if_title, map(escape, view.what_if)),
        *_bullets(view.open_title, map(escape, view.open)),
        *_bullets(view.unused_title, _answers(view.unused)),
        context(view.caveat),
    ]


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


def _announcement(view: views.Announcement) -> list[Block]:
    steps = [section(f"*{escape(view.steps_title)}*")] if view.steps else []
    steps += [section(f"*{escape(line.title)}*\n{escape(line.step)}") for line in view.steps]
    return [
        header(view.title),
        context_of(escape(view.by).replace("{person}", f"<@{view.owner}>")),
        section(f"*{escape(view.headline)}*\n{escape(view.summary)}"),
        *_control(view.control),
        *_bullets(view.because_title, _answers(view.because)),
        *steps,
        context(f"{view.sources}\n{view.caveat}"),
    ]


def _notes(notes: Iterable[str]) -> list[Block]:
    return [section(f">{escape(note)}") for note in notes]


def _control(control: views.Control | None) -> list[Block]:
    if control is None:
        return []
    return [section(f"*{escape(control.title)}*  {control.bar}\n{escape(control.text)}")]


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
    return [f"{escape(row.name)} · *{escape(row.answer)}*" + (f" · {_source(row)}" if cited else "") for row in rows]


def _source(line: AnswerRow | views.AdviceLine) -> str:
    return f"_{escape(line.source)}_"


def _bullets(title: str, lines: Iterable[str]) -> list[Block]:
    """Return a list of escaped lines under a title; nothing when there are no lines."""
    bullets = [f"•  {line}" for line in lines]
    if not bullets:
        return []
    return sections("\n".join([f"*{escape(title)}*", *bullets] if title else bullets))


# --- Notices and replies ------------------------------------------------------------------------------------------


def notice(view: View, session: Session | None, language: str) -> Message:
    """Return a notice that only the actor sees."""
    button_context = ButtonContext("notice", session.id, session.revision) if session else ButtonContext("notice")
    return render(view, button_context, translations(language))


def short_notice(actor: Actor, id: str, *actions: str, primary: str | None = None) -> Message:
    """Return the text `id` with a button for each action. `primary`: the action whose button is emphasized."""
    t = translations(actor.language)
    buttons = tuple(Button(action, t(f"label.{action}"), primary=action == primary) for action in actions)
    return render(views.Notice(id, t(id), buttons), ButtonContext("notice"), t)


def reply(actor: Actor, parsed: Parsed, checks: Sequence[CheckSummary] = ()) -> Message:
    """Return the answer to text or a button that is not about one dialog. `checks`: for *my checks*."""
    match parsed:
        case Command("my_checks"):
            return check_list(actor, checks)
        case Command("forget_me"):
            return short_notice(actor, "forget.confirm", "forget_confirm", "close")
        case Command("form"):
            return short_notice(actor, "slack.form_offer", "open_form", primary="open_form")
        case Command("language"):
            return short_notice(actor, "slack.which_language", "language", "close")
        case Ambiguous() | Problems():
            return suggestions(actor, parsed)
        case Command(name) if name in HELP_COMMANDS:
            return help_message(actor)
    return help_message(actor, translations(actor.language)("slack.not_understood"))


def help_message(actor: Actor, note: str | None = None) -> Message:
    """Return what the app does and how to use it in Slack, below a note."""
    t = translations(actor.language)
    card = presenter.help_card(t)
    parts = (*([note] if note else ()), *card.parts, t("slack.help"))
    buttons = (*card.buttons, *(Button(action, t(f"label.{action}")) for action in ("open_form", "my_checks")))
    return render(views.HelpCard(card.title, parts, buttons), ButtonContext("notice"), t)


def suggestions(actor: Actor, parsed: Ambiguous | Problems) -> Message:
    """Return what is wrong with typed text, or a button for each thing it may mean."""
    t = translations(actor.language)
    help_button = Button("help", t("label.help"))
    if isinstance(parsed, Problems):
        problems = [presenter.problem(FLOW, t, problem) for problem in parsed.problems]
        return text_message("\n".join((*problems, t("help.quick"))), ButtonContext("notice"), [help_button])
    offers = offer_buttons(t, parsed.candidates, encode_answers)
    buttons = tuple(dict.fromkeys((*offers, help_button)))
    return text_message(t("notice.did_you_mean"), ButtonContext("notice"), buttons)


def check_list(actor: Actor, checks: Sequence[CheckSummary]) -> Message:
    """Return a person's checks as a message."""
    t = translations(actor.language)
    if not checks:
        return short_notice(actor, "checks.none", "start", primary="start")
    lines = [check_line(t, check) for check in checks]
    text = "\n".join((t("checks.title"), *(f"{line.title} ({line.status})" for line in lines)))
    return {"text": escape(text), "blocks": [header(t("checks.title")), *check_sections(t, checks, "notice")]}


def check_sections(t: Translations, checks: Iterable[CheckSummary], surface: Surface) -> list[Block]:
    """Return a section for each check, with a button that opens it."""
    blocks = []
    for check in checks:
        line = check_line(t, check)
        action = "resume" if line.running else "see_recommendation"
        open_button = button(Button(action, t(f"label.{action}")), ButtonContext(surface, line.session))
        open_button["action_id"] = f"{action}:{line.session}"  # unique in the list
        title = escape(t("checks.item", date="{date}", outcome=line.outcome))
        title = title.replace("{date}", _local_date(line.updated_at, line.date))
        status = f"<{line.link}|{escape(line.status)}>" if line.link else escape(line.status)
        blocks.append(section(f"*{title}*\n{status}") | {"accessory": open_button})
    return blocks


def _local_date(moment: datetime, fallback: str) -> str:
    """Return a date that Slack shows in the reader's time zone."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}}|{fallback}>"
