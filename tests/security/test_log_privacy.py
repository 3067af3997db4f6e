"""The check of the logs finds a leak of each kind of secret and personal data. Each runs pytest in a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAKS = {
    "Slack's signing_secret": "log(slack.app.signing_secret)",
    "a Slack token": "log('Bearer %s', slack.install(team).value)",
    "a user's name in Slack": "log('%r pressed', {'who': team.add_user('anna', real_name='Anna Roux').real_name})",
    "a user's id in Slack": "log(team.add_user('anna').id)",
    "Teams' app password": "log(TeamsSimulator().app_password)",
    "a user's name in Teams": "log('for ' + TeamsSimulator().add_user('Ben Stark').name + '.')",
    "a Microsoft token": "log(TeamsUserActions(TeamsSimulator(), '').token())",
    "in captured stdout": "print(slack.app.client_secret)",
    "in captured stderr": "team.add_user('anna'); print('anna', file=sys.stderr)",
    "is in a server": "team.add_user('anna'); log_privacy.check_output('hello anna!', 'a server')",
    "text typed in Slack": "asyncio.run(typed(slack, team)); log('received: our secret plans, again')",
}
HARMLESS = ["log('a log line')", "team.add_user('anna'); log('manna, annas')", "print('started')"]
TEST = """
import asyncio, logging, sys
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from tests import log_privacy
log = logging.getLogger("bot.x").debug

async def typed(slack, team):
    await SlackUserActions(slack, "http://127.0.0.1:9", team).deliver(Exchange("command", {"text": "our secret plans"}))

def test_one():
    slack = SlackSimulator()
    team = slack.add_workspace("Fabrique")
    STATEMENT
"""


def run_pytest(folder: Path, statements: list[str]) -> tuple[int, str]:
    (folder / "conftest.py").write_text("from tests.log_privacy import no_private_data_in_logs\n")
    for number, statement in enumerate(statements):
        (folder / f"test_{number:02}.py").write_text(TEST.replace("STATEMENT", statement))
    options = ["-rE", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


def test_each_leak_fails_the_test(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, list(LEAKS.values()))
    assert status == 1, output
    for number, what in enumerate(LEAKS):
        assert f"ERROR test_{number:02}.py::test_one" in output, (what, output[-3000:])
        assert what in output


@pytest.mark.parametrize("statement", HARMLESS)
def test_a_test_without_leaks_passes(tmp_path: Path, statement: str) -> None:
    status, output = run_pytest(tmp_path, [statement])
    assert status == 0, output
