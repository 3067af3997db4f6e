"""Credentials of tenants, encrypted with keys that are not in the database."""

import hashlib
import json
import logging
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

STATE_LIFETIME = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RotationResult:
    """Numbers of tokens: encrypted again, decrypted by the first key now, and decrypted by no key."""

    rotated: int
    first_key: int
    unreadable: int


class EncryptedTokenStore:
    """An `adapters.ports.TokenStore`. `keys`: Fernet keys; the first one encrypts, all decrypt.

    A token that an older key encrypted is encrypted again by `load` or `rotate`. Without keys nothing is stored: the
    token of a single workspace is a setting.
    """

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        self._database = database
        self._first_key = Fernet(keys[0]) if keys else None
        self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None

    async def save(self, tenant: str, credentials: Json) -> None:
        if self._keys is None:
            return
        ciphertext = self._keys.encrypt(json.dumps({"tenant": tenant, "credentials": dict(credentials)}).encode())

        def work(transaction: Transaction) -> None:
            transaction.upsert(tokens, {"tenant": tenant}, {"ciphertext": ciphertext, "updated_at": transaction.now})
            transaction.execute(sa.delete(removed_tenants).filter_by(tenant=tenant))

        await self._database.run(work)

    async def load(self, tenant: str) -> Json | None:
        if self._keys is None or self._first_key is None:
            return None
        query = sa.select(tokens.c.ciphertext).where(tokens.c.tenant == tenant)
        ciphertext = await self._database.run(lambda transaction: transaction.execute(query).scalar())
        if ciphertext is None:
            return None
        try:
            stored = json.loads(self._keys.decrypt(ciphertext))
        except InvalidToken:
            log.error("TOKEN_ENCRYPTION_KEY does not decrypt the token of a tenant: see `cm-advisor doctor`")
            return None
        if stored["tenant"] != tenant:  # the row was copied from another tenant
            return None
        if not _decrypts(self._first_key, ciphertext):
            await self._replace(tenant, ciphertext, self._keys.rotate(ciphertext))
        credentials: Json = stored["credentials"]
        return credentials

    async def _replace(self, tenant: str, before: bytes, after: bytes) -> bool:
        """Replace a ciphertext, unless it was changed meanwhile. Return whether it was replaced."""
        change = sa.update(tokens).filter_by(tenant=tenant, ciphertext=before).values(ciphertext=after)
        return await self._database.run(lambda transaction: transaction.execute(change).rowcount == 1)

    async def rotate(self) -> RotationResult:
        """Encrypt all tokens with the first key. A token that is saved meanwhile is kept and checked again."""
        if self._keys is None or self._first_key is None:
            return RotationResult(0, 0, 0)
        query, rotated = sa.select(tokens.c.tenant, tokens.c.ciphertext), 0
        while True:
            rows = await self._database.run(lambda transaction: transaction.execute(query).all())
            old = [row for row in rows if not _decrypts(self._first_key, row.ciphertext)]
            readable = [row for row in old if _decrypts(self._keys, row.ciphertext)]
            if not readable:
                return RotationResult(rotated, len(rows) - len(old), len(old))
            for row in readable:
                rotated += await self._replace(row.tenant, row.ciphertext, self._keys.rotate(row.ciphertext))

    async def delete(self, tenant: str) -> None:
        await self._database.run(lambda transaction: transaction.execute(sa.delete(tokens).filter_by(tenant=tenant)))

    async def issue_state(self) -> str:
        state = secrets.token_urlsafe(32)

        def work(transaction: Transaction) -> None:
            row = {"state_hash": _hash(state), "expires_at": transaction.now + STATE_LIFETIME}
            transaction.execute(sa.insert(oauth_states).values(row))

        await self._database.run(work)
        return state

    async def consume_state(self, state: str) -> bool:
        def work(transaction: Transaction) -> bool:
            valid = sa.and_(oauth_states.c.state_hash == _hash(state), oauth_states.c.expires_at > transaction.now)
            return transaction.execute(sa.delete(oauth_states).where(valid)).rowcount == 1

        return await self._database.run(work)


def _decrypts(key: Fernet | MultiFernet, ciphertext: bytes) -> bool:
    try:
        key.decrypt(ciphertext)
    except InvalidToken:
        return False
    return True


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode(errors="replace")).digest()
