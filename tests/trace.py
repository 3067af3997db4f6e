"""Print the functions that one button press calls, in order: ``python -m tests.trace slack|teams``.

The press is signed and goes through the real server to a simulator of the platform. Recorded are the calls into this
project's own files, from the request until the platform has the new card. Every entry of a frame counts, also when a
coroutine or a generator resumes. The playground is left out: it contains the simulator.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from types import FrameType

from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from dialogs.translations import translations
from dialogs.views import SIGNS
from tests.app_server import ROOT, make_settings, serve

FOLDERS = tuple(f"{ROOT / name}/" for name in ("adapters", "bot", "dialogs"))
LEFT_OUT = f"{ROOT / 'adapters' / 'playground'}/"
MAX_FILES = 24
MAX_CHANGES = 100
LANGUAGE = "en"
OPTION = ("orientation", "key")
"""The answer that is pressed: question and option."""

Press = Callable[[], Awaitable[None]]


@dataclass
class Trace:
    """The recorded calls, in order, as (file, function)."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    recording: bool = False

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Record a call; for `sys.setprofile`."""
        code = frame.f_code
        file = code.co_filename
        if self.recording and event == "call" and file.startswith(FOLDERS) and not file.startswith(LEFT_OUT):
            self.calls.append((str(Path(file).relative_to(ROOT)), code.co_name))

    @property
    def files(self) -> list[str]:
        """The files that were called into, in the order of their first call."""
        return list(dict.fromkeys(file for file, _ in self.calls))

    @property
    def changes(self) -> int:
        """How often a call is in another file than the call before."""
        return sum(before[0] != after[0] for before, after in pairwise(self.calls))

    @property
    def within_limits(self) -> bool:
        return len(self.files) <= MAX_FILES and self.changes <= MAX_CHANGES

    def summary(self) -> str:
        return f"{len(self.files)} files, {self.changes} changes from file to file, {len(self.calls)} calls"

    def __str__(self) -> str:
        """Return one line per visit of a file, with the functions called there."""
        visits = groupby(self.calls, key=lambda call: call[0])
        return "\n".join(f"{file}: {', '.join(name for _, name in calls)}" for file, calls in visits)


async def record(platform: str) -> Trace:
    """Return the trace of one warm press on `platform`, ``slack`` or ``teams``."""
    trace = Trace()
    threading.setprofile(trace.profile)
    sys.setprofile(trace.profile)
    try:
        with tempfile.TemporaryDirectory(prefix="cm-advisor-trace-") as folder:
            async with PLATFORMS[platform](f"sqlite:///{folder}/trace.db", trace) as (answer, back):
                for press in (answer, back, answer, back):  # fills the caches
                    await press()
                trace.calls.clear()
                await answer()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return trace


@asynccontextmanager
async def _slack(database: str, trace: Trace) -> AsyncIterator[tuple[Press, Press]]:
    card_updated = asyncio.Event()

    @web.middleware
    async def stop_at_card(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/chat.update"):
            trace.recording = False
            card_updated.set()
        return await handler(request)

    simulator = await SlackSimulator(middlewares=[stop_at_card]).start()
    try:
        workspace = simulator.add_workspace("Acme")
        user = workspace.add_user("anna", locale="en-US")
        settings = {"slack_signing_secret": simulator.app.signing_secret, "slack_api_url": simulator.api_url}
        settings |= {"slack_bot_token": simulator.install(workspace).value}
        async with serve(make_settings(database, settings)) as server:
            user_actions = SlackUserActions(simulator, server.url, workspace)
            await user_actions.direct_message(user, translations(LANGUAGE)("label.start"))
            conversation = workspace.im(user)
            cards = await simulator.wait_for(
                lambda: [m for m in simulator.visible_to(user, conversation) if m.buttons()]
            )
            card = cards[-1]

            async def press(action: str) -> None:
                card_updated.clear()
                trace.recording = True
                await user_actions.press(user, card, action_id=action)
                async with asyncio.timeout(5):
                    await card_updated.wait()
                await asyncio.sleep(0.1)  # the rest of this press is not part of the next

            yield lambda: press(":".join(("answer", *OPTION))), lambda: press("back")
    finally:
        await simulator.stop()


@asynccontextmanager
async def _teams(database: str, trace: Trace) -> AsyncIterator[tuple[Press, Press]]:
    t = translations(LANGUAGE)
    async with TeamsSimulator(limits=False) as simulator:
        user = simulator.add_user("Anna", locale="en-US")
        async with serve(make_settings(database, simulator.settings())) as server:
            user_actions = TeamsUserActions(simulator, f"{server.url}/api/messages")
            await user_actions.personal(user, t("label.start"))
            card = simulator.last(simulator.personal(user))

            async def press(label: str) -> None:
                trace.recording = True
                answer = await user_actions.press(user, card, label)
                trace.recording = False
                assert answer.ok, answer.answer
                await asyncio.sleep(0.1)

            yield lambda: press(t(f"option.{'.'.join(OPTION)}")), lambda: press(f"{SIGNS['back']} {t('label.back')}")


PLATFORMS = {"slack": _slack, "teams": _teams}


def main(arguments: list[str] | None = None) -> int:
    """Print the trace; return 1 when it is longer than the limits, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.trace", description=__doc__)
    parser.add_argument("platform", choices=PLATFORMS)
    trace = asyncio.run(record(parser.parse_args(arguments).platform))
    print(f"{trace}\n\n{trace.summary()}")
    return int(not trace.within_limits)


if __name__ == "__main__":
    raise SystemExit(main())
