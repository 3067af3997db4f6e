"""Read the cards of each platform back into one form, so that they can be compared."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dialogs.translations import Translations, languages
from dialogs.views import SIGNS
from tests.scenarios.parity.content import Bold, CardText, Cited, Line, normalize, pairs, separator

# --- Slack ---


def read_slack(blocks: Iterable[dict[str, Any]]) -> CardText:
    page = CardText()
    for block in blocks:
        if block["type"] == "actions":
            page.buttons.append(tuple(_label(button["text"]["text"]) for button in block["elements"]))
            continue
        for item in (
            e["text"] for e in block.get("elements") or block.get("fields") or [block.get("text", {})] if "text" in e
        ):
            text = item if isinstance(item, str) else item["text"]
            if text.startswith(">"):
                page.notes.append(_plain(text[1:]))
            elif advice := re.fullmatch(r"\*(.+)\*\n_(.+)_\n(.+) \((.+?)\)\n→ (.+)", text):
                title, reason, body, source, step = map(_plain, advice.groups())
                page.lines += (Bold(title), reason, body, step, Cited(source))
            else:
                page.lines += [line for raw in text.split("\n") for line in _slack_line(raw)]
    return page


def _slack_line(text: str) -> Iterator[Line]:
    text = text.removeprefix(":warning: ")
    if row := re.fullmatch(r"•  (.+?) · \*(.+?)\*(?: \(.+\))?", text) or re.fullmatch(r"•  \*(.+?)\* · (.+)", text):
        yield _plain(row[1]), _plain(row[2])
    elif control := re.fullmatch(r"(?:(.+) · )?\*(.+)\*  ([●○]+)", text):
        yield from (_plain(control[1]),) if control[1] else ()
        yield Bold(_plain(control[2]))
        yield control[3]
    elif progress := re.fullmatch(r"([▰▱]+)  (.+)", text):
        yield from (progress[1], _plain(progress[2]))
    elif bold := re.fullmatch(r"(?:\d\.  )?\*(.+)\*", text):
        yield Bold(_plain(bold[1]))
    elif text:
        yield _plain(text.removeprefix("•  "))


def _label(text: str) -> str:
    """Return the text of a button without the sign of its action."""
    sign, _, label = text.partition(" ")
    return _plain(label if sign in SIGNS.values() else text)


def _plain(mrkdwn: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        mrkdwn = mrkdwn.replace(entity, character)
    return normalize(mrkdwn)


# --- Teams ---


def read_teams(card: dict[str, Any]) -> CardText:
    page = CardText()
    for element in card["body"]:
        if element["type"] == "Container" and element.get("style") == "accent":
            page.notes += [line for item in element["items"] for line in _teams_lines(item) if isinstance(line, str)]
        elif element["type"] == "ActionSet":
            page.buttons.append(tuple(_label(action["title"]) for action in element["actions"]))
        else:
            page.lines += _teams_lines(element)
    return page


_CITED = re.compile(r" \(parti?e?s? [^()]*\)$")


def _teams_lines(element: dict[str, Any]) -> Iterator[Line]:
    match element["type"]:
        case "TextBlock":
            kind = Bold if element.get("weight") == "Bolder" else str
            for line in element["text"].split("\n"):
                yield kind(normalize(line.removeprefix("• ").removeprefix("→ ")))
        case "RichTextBlock":
            first, *others = (run["text"] for run in element["inlines"])
            is_argument = first in {"+ ", "− "}
            if is_argument or element["inlines"][0].get("weight") != "Bolder":
                yield normalize("".join((first, *others)))
            elif re.fullmatch("[●○▰▱]+", first):
                yield from (first, *filter(None, map(normalize, others)))
            else:  # a step
                yield normalize(first).removesuffix("."), normalize("".join(others))
        case "FactSet":
            yield from (
                (normalize(fact["title"]), _CITED.sub("", normalize(fact["value"]))) for fact in element["facts"]
            )
        case "Container" | "Column" | "ColumnSet":
            for item in element.get("items") or element.get("columns") or ():
                yield from _teams_lines(item)
        case "Input.ChoiceSet":
            pass  # the answer to change: repeats the facts
        case other:
            raise AssertionError(f"unknown element {other}")


# --- The terminal, without line wrapping ---


def read_terminal(printed: str, t: Translations) -> CardText:
    """Read the last printed card."""
    page = CardText()
    lines = [line for line in re.split("─{20,}", printed)[-1].split("\n") if line.strip(" ")]
    titles = {t(id) for id in ("review.title", "recommendation.title", "details.title", "prompt.changing")}
    start = next((i for i, line in enumerate(lines) if line in titles or line[0] in "▰▱"), None)
    if start is None:  # a notice, which may be below a card
        return _read_notice(printed)
    page.notes = [normalize(line) for line in lines[:start]]
    choices: list[str] = []
    for line in lines[start:-1]:
        if numbered := re.fullmatch(r" +(\d+)  (.+?)( ⏎)?", line):
            choices.append(normalize(numbered[2]))
            assert int(numbered[1]) == len(choices)
        else:
            page.lines += _terminal_line(line, t)
    # The last ones are on every card: help, the other languages, quit.
    navigation = [label.removeprefix("⏎ ") for label in lines[-1].split(" · ")][: -1 - len(languages())]
    page.buttons = [tuple(choices), tuple(navigation)]
    if lines[start] == t("review.title"):
        after = page.lines.index(normalize(t("terminal.review"))) + 1
        page.lines[after:after] = list(pairs(choices, t))
    return page


def _read_notice(printed: str) -> CardText:
    text, *choices = (line for line in printed.split("\n") if line.strip(" "))
    return CardText(lines=[normalize(text)], buttons=[tuple(re.sub(r" +\d+  | ⏎$", "", line) for line in choices)])


def _terminal_line(line: str, t: Translations) -> Iterator[Line]:
    if progress := re.fullmatch(r"([▰▱]+)  (.+)", line):
        yield from (progress[1], normalize(progress[2]))
        return
    control = t("terminal.control", title=t("control.title"), bar="@@", words="##")
    if advice := re.fullmatch(r" +\d+\. (.+?)(?: \(([^()]+)\))?", line):
        yield Bold(normalize(advice[1]))
        yield from (Cited(normalize(advice[2])),) if advice[2] else ()
    elif row := re.fullmatch(rf"  • (.+?){re.escape(separator(t))}(.+) \([^()]+\)", line):
        yield normalize(row[1]), normalize(row[2])
    elif match := re.fullmatch(re.escape(control).replace("@@", "([●○]+)").replace(r"\#\#", "(.+)"), line):
        yield match[1]
        yield normalize(match[2])
    elif option := re.fullmatch(r"  [✓ ] (\S.*?)?(?: {2,}([+−] .+))?", line):  # a row of the table of options
        yield from (Bold(normalize(option[1])),) if option[1] else ()
        yield from (normalize(option[2]),) if option[2] else ()
    else:
        yield normalize(line.strip(" ").removeprefix("• ").removeprefix("→ "))
