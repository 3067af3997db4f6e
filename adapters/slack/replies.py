"""Answers to what is not about one dialog: help, a person's own checks, their language, their data."""

from datetime import datetime

from adapters.ports import Check
from adapters.slack import blocks
from adapters.slack.desk import Desk, short
from adapters.slack.press import Mark, packed
from dialogs import compose
from dialogs.community import FLOW
from dialogs.recommend import recommend
from dialogs.session import Actor, Status
from dialogs.understand import Clear, Command, Company, Problems, Reading, Unsure, read, read_company
from dialogs.views import Button, HelpCard
from dialogs.walk import walk
from dialogs.words import Words, words

HELP = frozenset({"help", "hello"})
ELSEWHERE = frozenset({"my_checks", "forget_me", "form"})
"""Commands that are about the person, not about the dialog at hand."""


def reading(said: str, *, loose: bool) -> Reading:
    """Read words typed outside a dialog. `loose`: a single bare answer is a quick check, too."""
    found = read(said, FLOW, None)
    if not loose or isinstance(found, Command | Company | Problems):
        return found
    row = read_company(said, FLOW)
    return row if isinstance(row, Company | Problems) else found


async def reply(desk: Desk, actor: Actor, found: Reading) -> blocks.Message:
    """Return the answer to words that are not about one dialog."""
    match found:
        case Command("my_checks"):
            return checks(actor, await desk.advisor.checks(actor))
        case Command("forget_me"):
            return short(actor, "forget.confirm", "forget_confirm", "close")
        case Command("form"):
            return short(actor, "slack.form_offer", "open_form", primary="open_form")
        case Command("language"):
            return short(actor, "slack.which_language", "language", "close")
        case Unsure() | Problems():
            return nearest(actor, found)
        case Command(name) if name in HELP:
            return help_card(actor)
    return help_card(actor, words(actor.language).text("slack.not_understood"))


def help_card(actor: Actor, note: str | None = None) -> blocks.Message:
    """Return what this is and how to use it in Slack."""
    text = words(actor.language)
    card = compose.help_card(text)
    parts = (*([note] if note else ()), *card.parts, text.text("slack.help"))
    also = tuple(Button(id, text.text(f"label.{id}")) for id in ("open_form", "my_checks"))
    return blocks.message(HelpCard(card.title, parts, (*card.buttons, *also)), Mark("notice"), text)


def nearest(actor: Actor, found: Unsure | Problems) -> blocks.Message:
    """Return what was wrong with words, and what may have been meant."""
    text = words(actor.language)
    if isinstance(found, Problems):
        lines = [compose.problem(FLOW, text, problem) for problem in found.problems]
        return blocks.words_only("\n".join((*lines, text.text("help.quick"))), Mark("notice"), _help(text))
    offers = [offer for each in found.readings if (offer := _offer(text, each))]
    once = dict.fromkeys((*offers, *_help(text)))
    return blocks.words_only(text.text("notice.did_you_mean"), Mark("notice"), tuple(once))


def checks(actor: Actor, found: list[Check]) -> blocks.Message:
    """Return a person's own checks as a message."""
    text = words(actor.language)
    if not found:
        return short(actor, "checks.none", "start", primary="start")
    drawn = [blocks.header(text.text("checks.title")), *check_blocks(text, found, "notice")]
    said = "\n".join((text.text("checks.title"), *(check_line(text, each)[1] for each in found)))
    return {"text": blocks.escape(said), "blocks": drawn}


def check_blocks(text: Words, found: list[Check], surface: str) -> list[blocks.Block]:
    """Return a section a check, each with the way to it."""
    drawn = []
    for each in found:
        running = each.session.status.running
        action = "resume" if running else "see_recommendation"
        mark = Mark("home" if surface == "home" else "notice", each.session.id)
        # The id of the session makes the button's own id unique.
        way = blocks.button(Button(action, text.text(f"label.{action}")), mark)
        way["action_id"] = f"{action}:{each.session.id}"
        drawn.append(blocks.section(check_line(text, each)[0]) | {"accessory": way})
    return drawn


def check_line(text: Words, check: Check) -> tuple[str, str]:
    """Return one check in a line, as Slack's mrkdwn and as plain words."""
    session = check.session
    result = recommend(FLOW, walk(FLOW, session.answers))
    title = text.text(f"outcome.{result.outcome.id}.title") if result else text.text("verdict.title")
    status = {Status.POSTED: "posted", Status.KEPT: "kept"}.get(session.status, "in_progress")
    outcome = title if result or not session.status.running else text.text("checks.in_progress")
    line = text.text("checks.item", date="{date}", outcome=outcome)
    stamp = text.text(f"checks.{status}")
    link = (check.posted or {}).get("link")
    shown = f"<{link}|{blocks.escape(stamp)}>" if link else blocks.escape(stamp)
    plain_date = check.updated.strftime("%d/%m/%Y" if text.language == "fr" else "%Y-%m-%d")
    drawn = blocks.escape(line).replace("{date}", _date(check.updated, plain_date))
    return f"*{drawn}*\n{shown}", f"{line.replace('{date}', plain_date)} ({stamp})"


def _date(moment: datetime, fallback: str) -> str:
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}}|{fallback}>"


def _help(text: Words) -> tuple[Button, ...]:
    return (Button("help", text.text("label.help")),)


def _offer(text: Words, meant: Clear) -> Button | None:
    match meant:
        case Company(answers):
            named = (
                f"{text.text(f'question.{question}.short')} · {compose.option_label(text, question, option)}"
                for question, option in answers.items()
            )
            label = ", ".join(named)
            return Button("quick", label if len(label) <= 75 else f"{label[:74]}…", option=packed(answers))
        case Command("language", str(language)):
            return Button("language", words(language).text("language.own"), option=language)
        case Command("form"):
            return Button("open_form", text.text("label.open_form"))
        case Command(name) if name in {*ELSEWHERE, "help", "start"}:
            return Button(name, text.text(f"label.{name}"))
        case Command("resume" | "hello"):
            return Button("start", text.text("label.start"))
    return None
