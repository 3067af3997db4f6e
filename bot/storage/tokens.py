"""Credentials of tenants, encrypted with keys the database never sees."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from adapters.ports import Json
from bot.storage.database import Database
from bot.storage.schema import oauth_states, removed_tenants, tokens
from bot.storage.transaction import Transaction

STATE_LIVES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RotationResult:
    """Tokens. `renewed`: encrypted anew; `new`: those the first key opens now; `lost`: those that no key opens."""

    renewed: int
    new: int
    lost: int


class EncryptedTokenStore:
    """`adapters.ports.TokenStore`. `keys`: Fernet keys; the first encrypts, all decrypt, so that keys can be changed.

    What an older key encrypted is encrypted anew when it is next loaded, or by `rotate`. Without a key nothing is
    stored: one workspace's token is a setting.
    """

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        self._database = database
        self._newest = Fernet(keys[0]) if keys else None
        self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None

    async def save(self, tenant: str, credentials: Json) -> None:
        if self._keys is None:
            return
        ciphertext = self._keys.encrypt(json.dumps({"tenant": tenant, "credentials": dict(credentials)}).encode())

        def work(transaction: Transaction) -> None:
            self._put(transaction, tenant, ciphertext)
            transaction.execute(
                sa.delete(removed_tenants).where(removed_tenants.c.tenant == tenant)
            )  # whoever installs has come back

        await self._database.run(work)

    async def load(self, tenant: str) -> Json | None:
        query = sa.select(tokens.c.ciphertext).where(tokens.c.tenant == tenant)
        found = (
            await self._database.run(lambda transaction: transaction.execute(query).scalar()) if self._keys else None
        )
        if self._keys is None or self._newest is None or found is None:
            return None
        try:
            stored = json.loads(self._keys.decrypt(found))
        except InvalidToken:
            return None
        if stored["tenant"] != tenant:  # a row copied over another is not that tenant's
            return None
        if not _opens(self._newest, found):
            await self._renew(tenant, found, self._keys.rotate(found))
        credentials: Json = stored["credentials"]
        return credentials

    async def _renew(self, tenant: str, before: bytes, after: bytes) -> bool:
        """Put what is encrypted anew in its place, unless something else was saved there meanwhile."""
        same = sa.and_(tokens.c.tenant == tenant, tokens.c.ciphertext == before)
        change = sa.update(tokens).where(same).values(ciphertext=after)
        return await self._database.run(lambda transaction: transaction.execute(change).rowcount == 1)

    async def rotate(self) -> RotationResult:
        """Encrypt everything with the first key. Whoever saves meanwhile wins, and is looked at again."""
        if self._keys is None or self._newest is None:
            return RotationResult(0, 0, 0)
        query, renewed = sa.select(tokens.c.tenant, tokens.c.ciphertext), 0
        while True:
            found = await self._database.run(lambda transaction: transaction.execute(query).all())
            old = [row for row in found if not _opens(self._newest, row.ciphertext)]
            todo = [row for row in old if _opens(self._keys, row.ciphertext)]
            if not todo:
                return RotationResult(renewed, len(found) - len(old), len(old))
            for row in todo:
                renewed += await self._renew(row.tenant, row.ciphertext, self._keys.rotate(row.ciphertext))

    def _put(self, transaction: Transaction, tenant: str, ciphertext: bytes) -> None:
        row = {"ciphertext": ciphertext, "updated_at": transaction.now}
        insert = transaction.insert(tokens).values(tenant=tenant, **row)
        transaction.execute(insert.on_conflict_do_update(index_elements=["tenant"], set_=row))

    async def delete(self, tenant: str) -> None:
        await self._database.run(
            lambda transaction: transaction.execute(sa.delete(tokens).where(tokens.c.tenant == tenant))
        )

    async def issue_state(self) -> str:
        state = secrets.token_urlsafe(32)

        def work(transaction: Transaction) -> None:
            transaction.execute(
                sa.insert(oauth_states).values(state_hash=_hash(state), expires_at=transaction.now + STATE_LIVES)
            )

        await self._database.run(work)
        return state

    async def consume_state(self, state: str) -> bool:
        def work(transaction: Transaction) -> bool:
            good = sa.and_(oauth_states.c.state_hash == _hash(state), oauth_states.c.expires_at > transaction.now)
            return transaction.execute(sa.delete(oauth_states).where(good)).rowcount == 1

        return await self._database.run(work)


def _opens(key: Fernet | MultiFernet, ciphertext: bytes) -> bool:
    try:
        key.decrypt(ciphertext)
    except InvalidToken:
        return False
    return True


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode(errors="replace")).digest()
