"""What an administrator does to a running service: a backup that restores, a key that is replaced."""

import sqlite3
from pathlib import Path

from cryptography.fernet import Fernet

from adapters.ports import Turn
from bot.crypto import Vault
from bot.service import Service
from bot.store import Store
from dialogs.community import FLOW
from dialogs.session import Answer, Start
from tests.bot.scene import ANNA


async def test_a_backup_taken_while_it_runs_goes_on_where_it_was(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/live.db")
    store.open()
    service = Service(FLOW, store)
    await service.turn(Turn(Start(ANNA, "s1"), place="D1"))
    await service.turn(Turn(Answer(ANNA, "orientation", "key", revision=0), "s1"))
    with sqlite3.connect(tmp_path / "live.db") as live:
        live.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    # What comes after the backup is not in it.
    await service.turn(Turn(Answer(ANNA, "brand", "yes", revision=1), "s1"))
    store.close()

    restored = Store(f"sqlite:///{tmp_path}/backup.db")
    restored.open()
    again = Service(FLOW, restored)
    session = await again.running(ANNA, "D1")
    assert session
    assert dict(session.answers) == {"orientation": "key"}
    turned = await again.turn(Turn(Answer(ANNA, "brand", "no", revision=session.revision), "s1"))
    assert turned.session
    assert turned.session.answers["brand"] == "no"
    restored.close()


async def test_a_new_key_comes_before_the_old_one(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/x.db")
    store.open()
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    await Vault(store, (old,)).save("slack:T1", {"bot_token": "xoxb-1"})
    both = Vault(store, (new, old))
    assert await both.load("slack:T1") == {"bot_token": "xoxb-1"}
    # Written anew, it needs the old key no more.
    await both.save("slack:T1", {"bot_token": "xoxb-1"})
    assert await Vault(store, (new,)).load("slack:T1") == {"bot_token": "xoxb-1"}
    assert await Vault(store, (old,)).load("slack:T1") is None
    store.close()
