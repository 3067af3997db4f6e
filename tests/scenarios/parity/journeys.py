"""The one list of paths that every platform is taken along, and what is to be seen on each at every press."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.verify import Path, all_paths
from dialogs.views import View
from dialogs.walk import walk

MOST = 16
"""Paths chosen by code; the winding ones below come on top."""
BACK, WHY, RESTART, CHANGE = "<back>", "<why>", "<restart>", "<change>"

# Each with a bend of its own: what is pressed beside the options, at the start, on the way and at the review.
WINDING = tuple(
    tuple(presses.split())
    for presses in (
        "<why> seo <back> key yes <why> no <back> yes no in_house lasting yes",
        "seo no yes <restart> unknown no no <back> <why> no no yes undecided",
        "key no no no in_house nobody no <change>mode agency yes",
        "key no no no agency no interns no <change>agency_link yes <back> yes",
        "seo yes no no both yes lasting no <change>brand no unknown outsource",
        "seo no no no yes in_house <change>light_mode <why> <back> <change>seo_expert no",
        "unknown no no no no outsource <change>orientation key undecided unknown nobody yes "
        "<restart> seo unknown no no yes undecided",
        "key yes yes yes both <back> <back> no undecided unknown unknown <why> unknown <back> no "
        "<change>transformation <back> <change>transformation unknown",
    )
)


@dataclass(frozen=True)
class Journey:
    """`presses`: ids of options, and the words in pointed brackets above."""

    number: int
    language: str
    presses: tuple[str, ...]
    ends: Literal["keep_private", "post"]


@dataclass(frozen=True)
class Press:
    """`action`: the id of a label; ``start`` begins."""

    action: str
    question: str = ""
    option: str = ""


def told(path: Path) -> set[object]:
    """Everything about a path that some journey has to show."""
    found = recommend(FLOW, walk(FLOW, dict(path)))
    assert found
    advice = {advice.id for advice in found.advice}
    alone = {("outcome", found.outcome.id), ("control", found.control), ("provisional", found.provisional)}
    return set(path) | alone | {("advice", id) for id in advice}


def told_together(path: Path) -> set[object]:
    """What is worth showing beside each other."""
    every = told(path)
    (outcome,) = (each for each in every if isinstance(each, tuple) and each[0] == "outcome")
    return {(outcome, other) for other in every}


@cache
def chosen() -> tuple[Path, ...]:
    """The fewest paths (greedily) that show everything, filled up with those that show the most side by side."""
    every = list(all_paths(FLOW))
    found: list[Path] = []
    for what in (told, told_together):
        shown = {path: what(path) for path in every}
        left = set().union(*shown.values()).difference(*(shown[path] for path in found))
        while left and len(found) < MOST:
            gains = {path: len(news & left) for path, news in shown.items()}
            found.append(max(every, key=gains.__getitem__))
            left -= shown[found[-1]]
    return tuple(found)


def journeys() -> list[Journey]:
    """The list: half of it in French, and half of each half ending in a post."""
    every = [tuple(step.option for step in path) for path in chosen()]
    return [
        Journey(number, ("fr", "en")[number % 2], presses, ("post", "keep_private")[number // 2 % 2])
        for number, presses in enumerate([*every, *WINDING])
    ]


def seen(journey: Journey) -> Iterator[tuple[Press, View, dict[str, str]]]:
    """Every press with the view it is to lead to and the answers that count then."""
    answers: dict[str, str] = {}
    changing: str | None = None

    def session(status: Status = Status.OPEN) -> Session:
        return Session("s", "t", "p", journey.language, FLOW.version, dict(answers), changing=changing, status=status)

    yield Press("start"), presenter.current(FLOW, session()), {}
    for press in journey.presses:
        found = walk(FLOW, answers)
        if press == WHY:
            yield Press("why"), presenter.prompt(FLOW, session(), found, with_help=True), answers
            continue
        if press == RESTART:
            made = Press("restart")
            answers.clear()
        elif press == BACK:
            made = Press("back")
            last = found.last_step
            assert last
            if not changing:
                del answers[last.question]
            changing = None
        elif press.startswith(CHANGE):
            changing = press.removeprefix(CHANGE)
            made = Press("change", changing)
        else:
            question = changing or (found.next_question.id if found.next_question else "")
            assert press in FLOW.questions_by_id[question].options, (journey, question, press)
            made = Press("answer", question, press)
            answers[question] = press
            changing = None
        yield made, presenter.current(FLOW, session()), answers
    assert walk(FLOW, answers).next_question is None, journey
    status = Status.POSTED if journey.ends == "post" else Status.KEPT
    yield Press(journey.ends), presenter.current(FLOW, session(status)), answers
