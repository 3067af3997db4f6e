import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bot.cli import main
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import removed_tenants, tokens
from bot.storage.tokens import EncryptedTokenStore, RotationResult
from tests.bot.conftest import Clock

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


async def ciphertext(database: Database, tenant: str = "slack:T1") -> bytes:
    query = sa.select(tokens.c.ciphertext).where(tokens.c.tenant == tenant)
    return await database.run(lambda transaction: transaction.execute(query).scalar_one())


async def test_credentials_are_stored_encrypted(database: Database) -> None:
    vault = EncryptedTokenStore(database, [NEW])
    assert await vault.load("slack:T1") is None
    await vault.save("slack:T1", {"token": "xoxb-1"})
    await vault.save("slack:T1", {"token": "xoxb-2", "expires": 1.5})
    assert await vault.load("slack:T1") == {"token": "xoxb-2", "expires": 1.5}
    assert b"xoxb" not in await ciphertext(database)
    await vault.delete("slack:T1")
    assert await vault.load("slack:T1") is None


async def test_an_old_key_still_decrypts(database: Database) -> None:
    await EncryptedTokenStore(database, [OLD]).save("slack:T1", {"token": "xoxb-1"})
    before = await ciphertext(database)
    assert await EncryptedTokenStore(database, [NEW]).load("slack:T1") is None, "its key is missing"
    assert await EncryptedTokenStore(database, [NEW, OLD]).load("slack:T1") == {"token": "xoxb-1"}
    after = await ciphertext(database)
    assert after != before
    assert await EncryptedTokenStore(database, [NEW]).load("slack:T1") == {"token": "xoxb-1"}
    assert await ciphertext(database) == after, "encrypted again only once"


async def test_a_row_copied_from_another_tenant_is_rejected(database: Database) -> None:
    vault = EncryptedTokenStore(database, [NEW])
    await vault.save("slack:T1", {"token": "xoxb-1"})
    move = sa.update(tokens).values(tenant="slack:T2")
    await database.run(lambda transaction: transaction.execute(move))
    assert await vault.load("slack:T2") is None


async def test_without_a_key_nothing_is_stored(database: Database) -> None:
    vault = EncryptedTokenStore(database, [])
    await vault.save("slack:T1", {"token": "xoxb-1"})
    assert await vault.load("slack:T1") is None
    assert await database.run(lambda transaction: transaction.execute(sa.select(tokens)).all()) == []


async def test_a_state_is_valid_once_for_ten_minutes(database: Database, clock: Clock) -> None:
    vault = EncryptedTokenStore(database, [])
    state = await vault.issue_state()
    assert sorted(await asyncio.gather(*(vault.consume_state(state) for _ in range(5)))) == [False] * 4 + [True]
    late = await vault.issue_state()
    clock.forward(minutes=10, seconds=1)
    assert not await vault.consume_state(late)
    assert not await vault.consume_state("\ud800 made up")


async def test_a_tenant_that_installs_again_is_not_removed(database: Database) -> None:
    await Service.mark_tenant_removed(Service(None, database), "slack:T1")  # type: ignore[arg-type]
    await EncryptedTokenStore(database, [NEW]).save("slack:T1", {"token": "xoxb-1"})
    assert await database.run(lambda transaction: transaction.execute(sa.select(removed_tenants)).all()) == []


async def test_rotate_encrypts_everything_with_the_first_key(database: Database) -> None:
    for number in range(5):
        await EncryptedTokenStore(database, [OLD]).save(f"slack:T{number}", {"token": f"xoxb-{number}"})
    await EncryptedTokenStore(database, [NEW]).save("slack:T9", {"token": "xoxb-9"})
    assert await EncryptedTokenStore(database, [NEW, OLD]).rotate() == RotationResult(
        rotated=5, first_key=6, unreadable=0
    )
    assert await EncryptedTokenStore(database, [NEW, OLD]).rotate() == RotationResult(
        rotated=0, first_key=6, unreadable=0
    )
    for number in (0, 1, 2, 3, 4, 9):
        assert await EncryptedTokenStore(database, [NEW]).load(f"slack:T{number}") == {"token": f"xoxb-{number}"}
        assert await EncryptedTokenStore(database, [OLD]).load(f"slack:T{number}") is None


async def test_tokens_that_no_key_decrypts_are_counted(database: Database) -> None:
    await EncryptedTokenStore(database, [OLD]).save("slack:T1", {"token": "xoxb-1"})
    assert await EncryptedTokenStore(database, [NEW]).rotate() == RotationResult(rotated=0, first_key=0, unreadable=1)
    assert await EncryptedTokenStore(database, [OLD]).load("slack:T1") == {"token": "xoxb-1"}
    assert await EncryptedTokenStore(database, []).rotate() == RotationResult(0, 0, 0)


@pytest.mark.parametrize("key", [OLD, NEW], ids=["by a server with the old key", "by one with the new"])
async def test_rotate_does_not_overwrite_a_token_saved_meanwhile(
    database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await EncryptedTokenStore(database, [OLD]).save("slack:T1", {"token": "before"})
    vault, renew, others = (
        EncryptedTokenStore(database, [NEW, OLD]),
        EncryptedTokenStore._replace,
        [EncryptedTokenStore(database, [key])],
    )

    async def late(self: EncryptedTokenStore, tenant: str, before: bytes, after: bytes) -> bool:
        while others:
            await others.pop().save(tenant, {"token": "refreshed"})
        return await renew(self, tenant, before, after)

    monkeypatch.setattr(EncryptedTokenStore, "_replace", late)
    assert await vault.rotate() == RotationResult(rotated=int(key == OLD), first_key=1, unreadable=0)
    assert await EncryptedTokenStore(database, [NEW]).load("slack:T1") == {"token": "refreshed"}


def test_the_command(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("TOKEN_ENCRYPTION_KEY", raising=False)
    assert main(["db", "rotate-keys"]) == 2
    assert "TOKEN_ENCRYPTION_KEY is missing" in capsys.readouterr().err
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", f"{NEW},{OLD}")
    assert main(["db", "rotate-keys"]) == 2
    assert "cm-advisor db upgrade" in capsys.readouterr().err
    assert main(["db", "upgrade"]) == 0
    database = Database(url)
    asyncio.run(EncryptedTokenStore(database, [OLD]).save("slack:T1", {"token": "xoxb-1"}))
    database.close()
    assert main(["db", "rotate-keys"]) == 0
    assert "Encrypted again: 1. With the first key now: 1 of 1." in capsys.readouterr().out
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OLD)
    assert main(["db", "rotate-keys"]) == 1
    assert "No key in TOKEN_ENCRYPTION_KEY decrypts 1" in capsys.readouterr().err
