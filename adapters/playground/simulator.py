"""What both simulators share: a server on 127.0.0.1, a record of the app's calls, injected faults, and waiting."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Self, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.typedefs import Middleware

Json = dict[str, Any]
Clock = Callable[[], float]


@dataclass
class Fault:
    """What goes wrong with the next `times` calls of an operation. `times` None: all calls; operation "*": any.

    Error responses: `status` alone, `error` (the platform's error code), or `retry_after` (429, in seconds). With
    `effect` the call is carried out all the same. `drop` closes the connection without a response, before or after the
    call is carried out. `delay` and `hold` wait before and after that, in seconds. `body` is answered with
    status 200 in place of the response. `match(args)` selects calls by their arguments. A fault with none of these is
    a status 500.
    """

    operation: str
    status: int | None = None
    times: int | None = 1
    error: str | None = None
    retry_after: float | None = None
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    hold: float = 0.0
    effect: bool = False
    body: str | None = None
    match: Callable[[Any], bool] | None = None
    hits: int = 0

    @property
    def is_error(self) -> bool:
        """Whether the app gets an error response."""
        has_error = bool(self.status or self.error) or self.retry_after is not None
        return has_error or not (self.drop or self.delay or self.hold or self.body is not None)

    def applies_to(self, call: "Call") -> bool:
        is_active = self.times is None or self.hits < self.times
        is_meant = self.operation in ("*", call.operation)
        return is_active and is_meant and (self.match is None or self.match(call.args))

    def cancel(self) -> None:
        self.times = self.hits


@dataclass
class Call:
    """One request of the app. `status` is None while it runs and when the connection was dropped."""

    operation: str
    args: Json = field(default_factory=dict)
    status: int | None = None
    error: str | None = None
    """The platform's error code; None for success."""

    @property
    def ok(self) -> bool:
        return self.error is None


class PlatformError(Exception):
    """An error response of the platform. `code`: the error code; `body`: JSON, or the text of a server that failed."""

    def __init__(self, code: str, status: int, body: Json | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.code, self.status, self.body, self.headers = code, status, body, headers

    def response(self, call: Call) -> web.Response:
        call.error = self.code
        if isinstance(self.body, str):
            return web.Response(text=self.body, status=self.status, headers=self.headers)
        return web.json_response(self.body, status=self.status, headers=self.headers)


C = TypeVar("C", bound=Call)
T = TypeVar("T")


class Simulator(ABC, Generic[C]):
    """A platform's server. `operations`: the names that `fail` accepts."""

    operations: Collection[str]

    def __init__(self, clock: Clock, middlewares: Iterable[Middleware]) -> None:
        self.clock = clock
        self.url = ""
        self.calls: list[C] = []
        """Every call in order of arrival, failed and running calls too."""
        self.faults: list[Fault] = []
        self.in_flight = 0
        """Calls of the app and requests to the app that are not finished."""
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        self._middlewares = tuple(middlewares)
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def _add_routes(self, router: web.UrlDispatcher) -> None: ...

    @abstractmethod
    def _injected_error(self, fault: Fault) -> PlatformError: ...

    async def start(self) -> Self:
        server = web.Application(client_max_size=4 * 1024**2, middlewares=self._middlewares)
        self._add_routes(server.router)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        for close in self.on_stop:
            await close()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def fail(self, operation: str, status: int | None = None, **how: Any) -> Fault:
        """Inject a fault, see `Fault`. Faults apply in the order given. Raises ValueError for an unknown operation."""
        if operation not in ("*", *self.operations):
            raise ValueError(f"{operation!r} is not one of {[*self.operations]}")
        fault = Fault(operation, status, **how)
        self.faults.append(fault)
        return fault

    def calls_to(self, operation: str) -> list[C]:
        return [call for call in self.calls if call.operation == operation]

    @property
    def failed_calls(self) -> list[C]:
        """Calls that got an error response, also one that a fault injected."""
        return [call for call in self.calls if not call.ok]

    async def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 5.0,  # noqa: ASYNC109 - as asyncio names it
        what: str = "",
    ) -> T:
        """Wait until the predicate is true and return its value. Raises TimeoutError with the last calls."""
        deadline = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > deadline:
                last = [f"{call.operation}: {call.error or call.status}" for call in self.calls[-8:]]
                raise TimeoutError(f"not within {timeout} s: {what or predicate}; last calls: {last}")
            await asyncio.sleep(0.01)
        return value

    def next_fault(self, call: C) -> Fault | None:
        """Return the first active fault that applies to the call."""
        return next((fault for fault in self.faults if fault.applies_to(call)), None)

    async def _serve(
        self, request: web.Request, call: C, respond: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Record the call and respond, with the fault that applies to it. `respond` may raise PlatformError."""

        async def answer() -> web.Response:
            try:
                return await respond()
            except PlatformError as error:
                return error.response(call)

        self.calls.append(call)
        self.in_flight += 1
        try:
            fault = self.next_fault(call)
            response = await (self._respond_with_fault(call, fault, answer) if fault else answer())
        finally:
            self.in_flight -= 1
        if response is None:
            if request.transport:
                request.transport.abort()
            return web.Response()
        call.status = response.status
        return response

    async def _respond_with_fault(
        self, call: C, fault: Fault, respond: Callable[[], Awaitable[web.Response]]
    ) -> web.Response | None:
        """Return None to close the connection."""
        fault.hits += 1
        await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            return None
        response = None
        if fault.effect or not fault.is_error:
            response = await respond()
        if fault.body is not None:
            response = web.Response(text=fault.body, content_type="application/json")
        if fault.is_error:
            response = self._injected_error(fault).response(call)
        await asyncio.sleep(fault.hold)
        return None if fault.drop == "after" else response


@dataclass
class Exchange:
    """A request to the app and its response. `kind`: what the request is, such as `event`."""

    kind: str
    payload: Json
    status: int | None = None
    """None without a response in time."""
    seconds: float = 0.0
    answer: Any = None
    """The response body: parsed JSON, else text; None if empty."""
    error: str | None = None
    """`operation_timeout`, `dispatch_failed`, or the reason why the response could not be applied."""

    @property
    def ok(self) -> bool:
        return self.error is None


X = TypeVar("X", bound=Exchange)


class UserActions(Generic[X]):
    """Sends what people do to the app. `exchanges`: each request with its response; `on_exchange`: called for each."""

    def __init__(self, simulator: Simulator[Any], timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self.exchanges: list[X] = []
        self.on_exchange: list[Callable[[X], None]] = []
        self._simulator = simulator
        self._session: ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        simulator.on_stop.append(self.close)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._session:
            await self._session.close()

    async def send(self, exchange: X, sending: Awaitable[None], ok_statuses: Collection[int] = range(200, 300)) -> None:
        """Await `sending`, which sets the status and the answer; record the exchange, its duration and its error."""
        self.exchanges.append(exchange)
        self._simulator.in_flight += 1
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await sending
            if exchange.status not in ok_statuses:
                exchange.error = "dispatch_failed"
        except TimeoutError:
            exchange.error = "operation_timeout"
        except ClientError:
            exchange.error = "dispatch_failed"
        finally:
            self._simulator.in_flight -= 1
        exchange.seconds = time.monotonic() - started
        for callback in self.on_exchange:
            callback(exchange)

    async def post(self, exchange: X, url: str, body: bytes, headers: dict[str, str]) -> None:
        """Send a request by HTTP and set the exchange's status and answer."""
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=None))
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            exchange.answer, exchange.status = _parse(await response.text()), response.status

    def start_task(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` in the background, at most until `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _parse(body: str) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
