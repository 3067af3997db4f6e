"""The look at the logs can fail: each kind of thing that must not be read is leaked once, by a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAKS = {
    "Slack's signing_secret": "log(slack.app.signing_secret)",
    "a token of Slack's": "log('Bearer %s', slack.install(team).value)",
    "a person's name in Slack": "log('%r pressed', {'who': team.add_user('anna', real_name='Anna Roux').real_name})",
    "a person's id in Slack": "log(team.add_user('anna').id)",
    "Teams' app password": "log(TeamsSimulator().app_password)",
    "a person's name in Teams": "log('for ' + TeamsSimulator().add_user('Ben Stark').name + '.')",
    "a token of Microsoft's": "log(TeamsUserActions(TeamsSimulator(), '').token())",
    "in captured stdout": "print(slack.app.client_secret)",
    "in captured stderr": "team.add_user('anna'); print('anna', file=sys.stderr)",
    "is in a server": "team.add_user('anna'); canaries.look_at('hello anna!', 'a server')",
    "what somebody typed in Slack": "asyncio.run(typed(slack, team)); log('heard: our secret plans, again')",
}
HARMLESS = ["log('canary')", "team.add_user('anna'); log('manna, annas')", "print('started')"]
TEST = """
import asyncio, logging, sys
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from tests import canaries
log = logging.getLogger("bot.x").debug

async def typed(slack, team):
    await SlackUserActions(slack, "http://127.0.0.1:9", team).deliver(Exchange("command", {"text": "our secret plans"}))

def test_one():
    slack = SlackSimulator()
    team = slack.add_workspace("Fabrique")
    STATEMENT
"""


def run(folder: Path, statements: list[str]) -> tuple[int, str]:
    (folder / "conftest.py").write_text("from tests.canaries import no_canary_in_any_log\n")
    for number, statement in enumerate(statements):
        (folder / f"test_{number:02}.py").write_text(TEST.replace("STATEMENT", statement))
    alone = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", "-rE", *alone]
    found = subprocess.run(
        [*command, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode, found.stdout


def test_each_leak_fails_its_test(tmp_path: Path) -> None:
    status, told = run(tmp_path, list(LEAKS.values()))
    assert status == 1, told
    for number, what in enumerate(LEAKS):
        assert f"ERROR test_{number:02}.py::test_one" in told, (what, told[-3000:])
        assert what in told


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_leaks_nothing_passes(tmp_path: Path, statement: str) -> None:
    status, told = run(tmp_path, [statement])
    assert status == 0, told
