"""The journeys that every platform goes through, and the expected view after each press."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.translations import Translations
from dialogs.verify import Path, all_paths
from dialogs.views import View
from dialogs.walk import walk

MAX_CHOSEN = 16
"""Number of paths chosen by code, in addition to `DETOURS`."""
BACK, WHY, RESTART, CHANGE = "<back>", "<why>", "<restart>", "<change>"
REVIEW_ACTIONS = (BACK, RESTART, CHANGE)
"""What is pressed on the card with the answers once all questions are answered."""

# Journeys with back, why, restart and change, at the start, on the way and at the end.
DETOURS = tuple(
    tuple(presses.split())
    for presses in (
        "<why> seo <back> key yes <why> no <back> yes no in_house lasting yes",
        "seo no yes <restart> <back> <restart> unknown no no <back> <why> no no yes undecided",
        "key no no no in_house nobody no <change>mode agency yes",
        "key no no no agency no interns no <change>agency_link yes <back> <change>routine yes",
        "seo yes no no both yes lasting no <change>brand no unknown outsource",
        "seo no no no yes in_house <change>light_mode <why> <back> <change>seo_expert no",
        "unknown no no no no outsource <change>orientation key undecided unknown nobody yes "
        "<restart> seo unknown no no yes undecided",
        "key yes yes yes both <back> <back> no undecided unknown unknown <why> unknown <back> "
        "<change>transformation <back> <change>transformation unknown",
    )
)


@dataclass(frozen=True)
class Journey:
    """`presses`: ids of options, and the constants above."""

    number: int
    language: str
    presses: tuple[str, ...]
    ends: Literal["keep_private", "post"]


@dataclass(frozen=True)
class Press:
    """`action`: the id of a label, ``start`` or ``restart_confirm``."""

    action: str
    question: str = ""
    option: str = ""

    def label(self, t: Translations) -> str:
        """Return the label of the button without its sign."""
        if self.option:
            return t(f"option.{self.question}.{self.option}")
        return t("label.restart" if self.action == "restart_confirm" else f"label.{self.action}")


def features(path: Path) -> set[object]:
    """Return the features of a path; each must be in some journey."""
    result = recommend(FLOW, walk(FLOW, dict(path)))
    assert result
    single = {("outcome", result.outcome.id), ("control", result.control), ("provisional", result.provisional)}
    return set(path) | single | {("advice", advice.id) for advice in result.advice}


def feature_pairs(path: Path) -> set[object]:
    """Return each feature together with the outcome."""
    single = features(path)
    (outcome,) = (feature for feature in single if isinstance(feature, tuple) and feature[0] == "outcome")
    return {(outcome, feature) for feature in single}


@cache
def chosen_paths() -> tuple[Path, ...]:
    """Return few paths (greedily) with all features, then paths with the most pairs of features."""
    paths = list(all_paths(FLOW))
    selected: list[Path] = []
    for get_features in (features, feature_pairs):
        by_path = {path: get_features(path) for path in paths}
        missing = set().union(*by_path.values()).difference(*(by_path[path] for path in selected))
        while missing and len(selected) < MAX_CHOSEN:
            gains = {path: len(items & missing) for path, items in by_path.items()}
            selected.append(max(paths, key=gains.__getitem__))
            missing -= by_path[selected[-1]]
    return tuple(selected)


def journeys() -> list[Journey]:
    """Return all journeys: half of them in French, and half of each half end in a post."""
    sequences = [tuple(step.option for step in path) for path in chosen_paths()]
    return [
        Journey(number, ("fr", "en")[number % 2], presses, ("post", "keep_private")[number // 2 % 2])
        for number, presses in enumerate([*sequences, *DETOURS])
    ]


def expected_views(journey: Journey) -> Iterator[tuple[Press, View, dict[str, str]]]:
    """Yield each press with the view that follows and the answers at that point."""
    answers: dict[str, str] = {}
    cleared: dict[str, str] = {}
    changing: str | None = None

    def session(status: Status = Status.OPEN) -> Session:
        current = Session(
            "s", "t", "p", journey.language, FLOW.version, dict(answers), changing=changing, status=status
        )
        return replace(current, cleared=cleared)

    yield Press("start"), presenter.current(FLOW, session()), {}
    for press in journey.presses:
        position = walk(FLOW, answers)
        if press.startswith(REVIEW_ACTIONS) and not changing and position.next_question is None:
            yield Press("review"), presenter.review(FLOW, session(), position), answers
        if press == WHY:
            yield Press("why"), presenter.prompt(FLOW, session(), position, with_help=True), answers
            continue
        if press == RESTART:
            yield Press("restart"), presenter.confirm_restart(session()), answers
            action = Press("restart_confirm")
            cleared = dict(answers)
            answers.clear()
        elif press == BACK:
            action = Press("back")
            if changing or position.next_question is None:
                changing = None
            elif answers:
                assert position.last_step
                del answers[position.last_step.question]
            else:
                answers, cleared = cleared, {}
        elif press.startswith(CHANGE):
            changing = press.removeprefix(CHANGE)
            action = Press("change", changing)
        else:
            question = changing or (position.next_question.id if position.next_question else "")
            assert press in FLOW.questions_by_id[question].options, (journey, question, press)
            action = Press("answer", question, press)
            answers[question] = press
            cleared = {}
            changing = None
        yield action, presenter.current(FLOW, session()), answers
    position = walk(FLOW, answers)
    result = recommend(FLOW, position)
    assert result, journey
    yield Press("review"), presenter.review(FLOW, session(), position), answers
    yield Press("see_recommendation"), presenter.current(FLOW, session()), answers
    yield Press("details"), presenter.details(FLOW, session(), position, result), answers
    yield Press("see_recommendation"), presenter.current(FLOW, session()), answers
    status = Status.POSTED if journey.ends == "post" else Status.KEPT
    yield Press(journey.ends), presenter.current(FLOW, session(status)), answers
