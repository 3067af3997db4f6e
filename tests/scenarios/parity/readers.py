"""What somebody reads on each platform, with the platform's own way of writing it undone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dialogs.community_flow import FLOW
from dialogs.translations import Translations, languages
from dialogs.views import AnswerRow, QuestionCard, RecommendationCard, ReviewCard, View

Pair = tuple[str, str]


class Head(str):
    """A line in bold."""

    __slots__ = ()


Line = str | Pair


@dataclass
class Page:
    """A card, whatever drew it: the lines in reading order, and the buttons row by row."""

    notes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    buttons: list[tuple[str, ...]] = field(default_factory=list)


def flat(text: str) -> str:
    """Line breaks and runs of blanks are no words; a non-breaking space is one."""
    return " ".join(filter(None, text.replace("\n", " ").split(" ")))


# --- What it says, whoever says it ---


@dataclass(frozen=True)
class Asked:
    """`lines`: progress, question, the present answer, the help. `ways`: back, why, restart."""

    notes: tuple[str, ...]
    lines: tuple[str, ...]
    choices: tuple[str, ...]
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Reviewed:
    notes: tuple[str, ...]
    rows: tuple[Pair, ...]
    unused: tuple[Pair, ...]
    outcome: tuple[str, ...]
    bar: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What the whole thing is about."""

    outcome: str
    summary: str
    provisional: bool
    bar: tuple[str, ...]
    control: tuple[str, ...]
    advice: tuple[str, ...]
    because: tuple[Pair, ...]
    others: tuple[Pair, ...]
    what_if: tuple[str, ...]
    open: tuple[str, ...]
    unused: tuple[Pair, ...]
    caveat: bool


@dataclass(frozen=True)
class Posted:
    """What a channel reads of it."""

    outcome: tuple[str, ...]
    summary: tuple[str, ...]
    bar: tuple[str, ...]
    control: tuple[str, ...]
    because: tuple[Pair, ...]
    steps: tuple[str, ...]
    caveat: bool


Shown = Asked | Reviewed | Result


def shown(page: Page, t: Translations) -> Shown:
    """Read a card of a dialog."""
    known, notes = set(page.lines), tuple(page.notes)
    if flat(t("review.title")) in known:
        parts = _parts(page, t, {"review.unused": "unused", "review.preview": "preview"})
        rows = tuple(line for line in parts[""] if isinstance(line, tuple))
        return Reviewed(notes, rows, _pairs(parts["unused"], t), _of(page, t, "outcome.{}.title"), _bars(page.lines))
    if flat(t("recommendation.title")) in known:
        return _result(page, t)
    lines = tuple(str(line) for line in page.lines)
    cancel = t("label.cancel")  # a terminal is simply left
    ways = tuple(label for row in page.buttons[1:] for label in row if label != cancel)
    return Asked(notes, lines, page.buttons[0], ways)


def _result(page: Page, t: Translations) -> Result:
    names = ("advice", "because", "others", "what_if", "open", "unused")
    parts = _parts(page, t, {f"recommendation.{name}": name for name in names})
    begins = parts[""].index(flat(t("recommendation.title")))
    outcome, summary = (str(line) for line in parts[""][begins + 1 : begins + 3])
    return Result(
        outcome,
        summary,
        flat(t("recommendation.provisional")) in parts[""],
        _bars(parts[""]),
        _of(page, t, "control.{}"),
        tuple(line for line in parts["advice"] if isinstance(line, Head)),
        _pairs(parts["because"], t),
        _pairs(parts["others"], t),
        tuple(str(line) for line in parts["what_if"]),
        tuple(str(line) for line in parts["open"]),
        _pairs(parts["unused"], t),
        bool(parts["end"]),
    )


def posted(page: Page, t: Translations) -> Posted:
    """Read a post in a channel."""
    parts = _parts(page, t, {"recommendation.because": "because", "announcement.steps": "steps"})
    steps = tuple(str(line) for line in parts["steps"] if isinstance(line, Head))
    return Posted(
        _of(page, t, "outcome.{}.title"),
        _of(page, t, "outcome.{}.summary"),
        _bars(page.lines),
        _of(page, t, "control.{}"),
        tuple(line for line in parts["because"] if isinstance(line, tuple)),  # in Slack its sources may follow
        steps,
        bool(parts["end"]),
    )


def wanted(view: View) -> Shown:
    """What is to be read of a view; the notes are left out."""
    match view:
        case QuestionCard():
            helps = [line for part in view.help for line in (part.title, part.text)]
            lines = [view.progress, view.text, *([view.current] if view.current else ()), *helps]
            ways = tuple(button.label for button in view.buttons if button.action != "cancel")
            return Asked((), tuple(map(flat, lines)), tuple(button.label for button in view.choices), ways)
        case ReviewCard():
            found = view.preview
            outcome, bar = ((flat(found.outcome),), found.control) if found else ((), None)
            return Reviewed((), rows(view.rows), rows(view.unused), outcome, (bar.bar,) if bar else ())
        case RecommendationCard():
            return Result(
                flat(view.outcome),
                flat(view.summary),
                bool(view.provisional),
                (view.control.bar,) if view.control else (),
                (flat(view.control.text),) if view.control else (),
                tuple(flat(line.title) for line in view.advice),
                rows(view.because),
                rows(view.others),
                tuple(map(flat, view.what_if)),
                tuple(map(flat, view.open)),
                rows(view.unused),
                True,
            )
    raise AssertionError(view)


def rows(given: Iterable[AnswerRow]) -> tuple[Pair, ...]:
    return tuple((flat(row.name), flat(row.answer)) for row in given)


def without_notes(read: Shown) -> Shown:
    return read if isinstance(read, Result) else replace(read, notes=())


def _parts(page: Page, t: Translations, titles: dict[str, str]) -> dict[str, list[Line]]:
    """The lines below each title; "" holds those above the first, "end" what says whose method it is."""
    named = {flat(t(id)): part for id, part in titles.items()}
    caveat = flat(t("article.caveat", title=t("article.title"), author=t("article.author")))
    parts: dict[str, list[Line]] = {"": [], "end": [], **{part: [] for part in titles.values()}}
    now = ""
    for line in page.lines:
        now = "end" if line == caveat else now
        if isinstance(line, str) and line in named:
            assert not parts[named[line]], f"{line!r} twice"
            now = named[line]
        else:
            parts[now].append(line)
    return parts


def _pairs(lines: Iterable[Line], t: Translations) -> tuple[Pair, ...]:
    between = re.compile(f" · |{re.escape(_between(t))}")
    found = []
    for line in lines:
        name, answer = line if isinstance(line, tuple) else between.split(line, maxsplit=1)
        found.append((name, answer))
    return tuple(found)


def _bars(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(line for line in lines if isinstance(line, str) and re.fullmatch("[●○]+", line))


def _of(page: Page, t: Translations, pattern: str) -> tuple[str, ...]:
    """The lines that are words of the catalogue with such an id."""
    ids = range(len(FLOW.control) + 1) if pattern.startswith("control") else [outcome.id for outcome in FLOW.outcomes]
    every = {flat(t(pattern.format(id))) for id in ids}
    return tuple(line for line in page.lines if isinstance(line, str) and line in every)


def _between(t: Translations) -> str:
    return t("terminal.row", name="", answer="")


# --- Slack ---


def of_slack(blocks: Iterable[dict[str, Any]]) -> Page:
    page = Page()
    for block in blocks:
        if block["type"] == "actions":
            page.buttons.append(tuple(_plain(each["text"]["text"]) for each in block["elements"]))
            continue
        for words in (each["text"] for each in block.get("elements") or [block.get("text", {})] if "text" in each):
            said = words if isinstance(words, str) else words["text"]
            if said.startswith(">"):
                page.notes.append(_plain(said[1:]))
            elif "accessory" in block:
                name, answer = said.split("\n")
                page.lines.append((_plain(name), _plain(answer.strip("*"))))
            else:
                page.lines += [line for each in said.split("\n") for line in _slack_line(each)]
    return page


def _slack_line(said: str) -> Iterator[Line]:
    said = said.removeprefix(":warning: ")
    if row := re.fullmatch(r"•  (.+?) · \*(.+?)\*(?: · _.+_)?", said):
        yield _plain(row[1]), _plain(row[2])
    elif control := re.fullmatch(r"\*(.+)\*  ([●○]+)", said):
        yield Head(_plain(control[1]))
        yield control[2]
    elif bold := re.fullmatch(r"\*(.+)\*(?: · _.+_)?", said):
        yield Head(_plain(bold[1]))
    elif said:
        yield _plain(said.removeprefix("•  "))


def _plain(mrkdwn: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        mrkdwn = mrkdwn.replace(entity, character)
    return flat(mrkdwn)


# --- Teams ---


def of_teams(card: dict[str, Any]) -> Page:
    page = Page()
    for element in card["body"]:
        if element["type"] == "Container" and element.get("style") == "accent":
            page.notes += [line for each in element["items"] for line in _teams_lines(each) if isinstance(line, str)]
        elif element["type"] == "ActionSet":
            page.buttons.append(tuple(action["title"] for action in element["actions"]))
        else:
            page.lines += _teams_lines(element)
    return page


_CITED = re.compile(r" \(parti?e?s? [^()]*\)$")


def _teams_lines(element: dict[str, Any]) -> Iterator[Line]:
    match element["type"]:
        case "TextBlock":
            kind = Head if element.get("weight") == "Bolder" else str
            for line in element["text"].split("\n"):
                yield kind(flat(line.removeprefix("• ").removeprefix("→ ")))
        case "RichTextBlock":
            yield flat("".join(run["text"] for run in element["inlines"]))
        case "FactSet":
            yield from ((flat(fact["title"]), _CITED.sub("", flat(fact["value"]))) for fact in element["facts"])
        case "Container" | "Column" | "ColumnSet":
            for each in element.get("items") or element.get("columns") or ():
                yield from _teams_lines(each)
        case "Input.ChoiceSet":
            pass  # which answer to change: the facts again
        case other:
            raise AssertionError(f"no way to read {other}")


# --- The terminal, with lines as long as they like ---


def of_terminal(printed: str, t: Translations) -> Page:
    """Read the last card."""
    page = Page()
    lines = [line for line in re.split("─{20,}", printed)[-1].split("\n") if line.strip(" ")]
    progress = re.escape(t("progress.question", number=0)).replace("0", r"\d+")
    titles = {t(id) for id in ("review.title", "recommendation.title", "prompt.changing")}
    begins = next(i for i, line in enumerate(lines) if line in titles or re.match(f"{progress} · ", line))
    page.notes = [flat(line) for line in lines[:begins]]
    choices: list[str] = []
    for line in lines[begins:-1]:
        if numbered := re.fullmatch(r" +(\d+)  (.+?)( ⏎)?", line):
            choices.append(flat(numbered[2]))
            assert int(numbered[1]) == len(choices)
        else:
            page.lines += _terminal_line(line, t)
    # The last ones are always there: help, the other languages, quit.
    ways = [label.removeprefix("⏎ ") for label in lines[-1].split(" · ")][: -1 - len(languages())]
    page.buttons = [tuple(choices), tuple(ways)]
    if lines[begins] == t("review.title"):
        after = page.lines.index(flat(t("terminal.review"))) + 1
        page.lines[after:after] = list(_pairs(choices, t))
    return page


def _terminal_line(line: str, t: Translations) -> Iterator[Line]:
    control = t("terminal.control", title=t("control.title"), bar="@@", words="##")
    if advice := re.fullmatch(r" +\d+\. (.+) \([^()]+\)", line):
        yield Head(flat(advice[1]))
    elif row := re.fullmatch(rf"  • (.+?){re.escape(_between(t))}(.+) \([^()]+\)", line):
        yield flat(row[1]), flat(row[2])
    elif found := re.fullmatch(re.escape(control).replace("@@", "([●○]+)").replace(r"\#\#", "(.+)"), line):
        yield found[1]
        yield flat(found[2])
    else:
        yield flat(line.strip(" ").removeprefix("• ").removeprefix("→ "))
