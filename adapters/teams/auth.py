"""Check the token that Microsoft signs each request with.

Replaces the SDK's check, which accepts tokens without expiry, answers 500 to forged ones, fails for up to a day after
Microsoft rotates its keys, and fetches keys with blocking calls.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field

import aiohttp
import jwt

from adapters.teams.settings import TeamsSettings

LEEWAY = 300
"""Allowed difference of two clocks in seconds: what Microsoft recommends, and Slack allows."""
REFRESH_SECONDS = 24 * 3600.0
MIN_FETCH_INTERVAL = 60.0
"""Seconds after a failed fetch before the keys, which are known but old, are fetched again."""
UNKNOWN_KEY_INTERVAL = 5.0
"""Seconds between two fetches for unknown ids. They must not lead to many requests, and a new key waits behind them."""
PAUSE_AFTER_FAILURE = 2.0
MAX_TOKENS = 512
TIMEOUT = aiohttp.ClientTimeout(total=10)

log = logging.getLogger(__name__)


class Unauthorized(Exception):
    """The request is not from Teams or not for this app. The message is for the log, not for the response."""


class KeysUnavailable(Exception):
    """Microsoft's keys cannot be fetched now. Teams should deliver the request again."""


@dataclass(frozen=True, slots=True)
class Key:
    key: jwt.PyJWK
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True)
class Token:
    """A token with a valid signature, issuer and audience. `not_before` and `expires`: seconds since 1970."""

    not_before: float
    expires: float
    service_url: str
    endorsements: frozenset[str]


@dataclass(slots=True)
class Keys:
    """Microsoft's signing keys by id.

    Fetched on first use and refreshed daily in the background. A token with an unknown key id also causes a fetch, at
    most once per `MIN_FETCH_INTERVAL`.
    """

    url: str
    session: aiohttp.ClientSession
    _keys: dict[str, Key] = field(default_factory=dict)
    _fetched_at: float = -math.inf
    _failed_at: float = -math.inf
    _unknown_key_at: float = -math.inf
    _fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> Key:
        """Return the key with this id. Raises `Unauthorized` and `KeysUnavailable`."""
        now = time.monotonic()
        if kid in self._keys:
            if now - self._fetched_at > REFRESH_SECONDS and now - self._failed_at > MIN_FETCH_INTERVAL:
                self._start_fetch()
            return self._keys[kid]
        if not self._keys:
            if self._fetching or now - self._failed_at > PAUSE_AFTER_FAILURE:
                await asyncio.shield(self._start_fetch())
        elif self._fetching or now - self._unknown_key_at > UNKNOWN_KEY_INTERVAL:
            self._unknown_key_at = now
            await asyncio.shield(self._start_fetch())
        if kid in self._keys:
            return self._keys[kid]
        if self._failed_at > self._fetched_at:
            raise KeysUnavailable
        raise Unauthorized("unknown key")

    def _start_fetch(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            self._keys = await self._fetch()
            self._fetched_at = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError, TypeError, KeyError) as error:
            log.warning("signing keys not fetched from %s: %r", self.url, error)
            self._failed_at = time.monotonic()
        finally:
            self._fetching = None

    async def _fetch(self) -> dict[str, Key]:
        async with self.session.get(self.url, timeout=TIMEOUT, raise_for_status=True) as response:
            url = (await response.json(content_type=None))["jwks_uri"]
        async with self.session.get(url, timeout=TIMEOUT, raise_for_status=True) as response:
            items = (await response.json(content_type=None))["keys"]
        keys = {}
        for item in items:
            if item.get("kty") == "RSA" and item.get("use", "sig") == "sig" and isinstance(item.get("kid"), str):
                keys[item["kid"]] = Key(jwt.PyJWK(item, "RS256"), frozenset(item.get("endorsements") or ()))
        return keys


class TokenVerifier:
    """Verifies the Authorization header of requests."""

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._app_id = settings.app_id
        self._issuer = settings.token_issuer
        self._unauthenticated = settings.unauthenticated
        self._keys = Keys(settings.openid_metadata_url, session)
        # Teams sends the same token for minutes. A signature is verified once; the times are checked each time.
        self._tokens: dict[str, Token] = {}

    async def verify(self, authorization: str | None) -> Token | None:
        """Return the token of a header; None if no token is required.

        Raises `Unauthorized` and `KeysUnavailable`.
        """
        if self._unauthenticated:
            return None
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text or not self._app_id:
            raise Unauthorized("no bearer token")
        token = self._tokens.get(text) or await self._decode(text)
        if not token.not_before - LEEWAY <= time.time() < token.expires + LEEWAY:
            raise Unauthorized("expired or not yet valid")
        return token

    async def _decode(self, text: str) -> Token:
        try:
            header = jwt.get_unverified_header(text)
            kid = header.get("kid")
            if header.get("alg") != "RS256" or not isinstance(kid, str):
                raise Unauthorized("not RS256 with a key id")
            key = await self._keys.find(kid)
            claims = jwt.decode(
                text,
                key.key,
                algorithms=["RS256"],
                audience=self._app_id,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "nbf", "iss", "aud", "serviceurl"], "strict_aud": True},
            )
            token = Token(float(claims["nbf"]), float(claims["exp"]), str(claims["serviceurl"]), key.endorsements)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthorized(type(error).__name__) from error
        if len(self._tokens) >= MAX_TOKENS:
            self._tokens.clear()
        self._tokens[text] = token
        return token
