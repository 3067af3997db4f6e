import asyncio

import sqlalchemy as sa
from cryptography.fernet import Fernet

from bot.crypto import Vault
from bot.schema import tenants, tokens
from bot.service import Service
from bot.store import Store
from tests.bot.conftest import Clock

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


async def ciphertext(store: Store, tenant: str = "slack:T1") -> bytes:
    query = sa.select(tokens.c.ciphertext).where(tokens.c.tenant == tenant)
    return await store.run(lambda unit: unit.execute(query).scalar_one())


async def test_what_is_saved_is_encrypted_and_comes_back(store: Store) -> None:
    vault = Vault(store, [NEW])
    assert await vault.load("slack:T1") is None
    await vault.save("slack:T1", {"token": "xoxb-1"})
    await vault.save("slack:T1", {"token": "xoxb-2", "expires": 1.5})
    assert await vault.load("slack:T1") == {"token": "xoxb-2", "expires": 1.5}
    assert b"xoxb" not in await ciphertext(store)
    await vault.delete("slack:T1")
    assert await vault.load("slack:T1") is None


async def test_keys_are_changed_without_installing_anew(store: Store) -> None:
    await Vault(store, [OLD]).save("slack:T1", {"token": "xoxb-1"})
    before = await ciphertext(store)
    assert await Vault(store, [NEW]).load("slack:T1") is None, "its key is gone"
    assert await Vault(store, [NEW, OLD]).load("slack:T1") == {"token": "xoxb-1"}
    after = await ciphertext(store)
    assert after != before
    assert await Vault(store, [NEW]).load("slack:T1") == {"token": "xoxb-1"}
    assert await ciphertext(store) == after, "encrypted anew once, not each time"


async def test_a_row_put_in_the_place_of_another_is_not_taken(store: Store) -> None:
    vault = Vault(store, [NEW])
    await vault.save("slack:T1", {"token": "xoxb-1"})
    move = sa.update(tokens).values(tenant="slack:T2")
    await store.run(lambda unit: unit.execute(move))
    assert await vault.load("slack:T2") is None


async def test_without_a_key_nothing_is_stored(store: Store) -> None:
    vault = Vault(store, [])
    await vault.save("slack:T1", {"token": "xoxb-1"})
    assert await vault.load("slack:T1") is None
    assert await store.run(lambda unit: unit.execute(sa.select(tokens)).all()) == []


async def test_a_state_is_good_once_and_for_ten_minutes(store: Store, clock: Clock) -> None:
    vault = Vault(store, [])
    state = await vault.issue_state()
    assert sorted(await asyncio.gather(*(vault.consume_state(state) for _ in range(5)))) == [False] * 4 + [True]
    late = await vault.issue_state()
    clock.forward(minutes=10, seconds=1)
    assert not await vault.consume_state(late)
    assert not await vault.consume_state("\ud800 made up")


async def test_who_installs_again_has_not_left(store: Store) -> None:
    await Service.forget_tenant(Service(None, store), "slack:T1")  # type: ignore[arg-type]
    await Vault(store, [NEW]).save("slack:T1", {"token": "xoxb-1"})
    assert await store.run(lambda unit: unit.execute(sa.select(tenants)).all()) == []
