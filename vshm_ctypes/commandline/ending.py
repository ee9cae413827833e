# SPDX-License-Identifier: Apache-2.0
"""How a command is told to end: Ctrl-C (SIGINT), a service manager or kill (SIGTERM), its terminal closed (SIGHUP).

All three mean the same: finish what was begun, and tell. Who tells again does not want to wait. That a signal was
ignored when the command began, as nohup and a shell's background jobs have it, is kept, but for SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Self

from .._command import NUMBERS
from .alarm import Alarm

SAME_S = 0.3  # so close together they are one request: timeout(1), and terminals that are closed, send it twice
AGAIN_S = 0.01  # after a finaliser, or a callback of C code, has swallowed the interruption

_alarm = Alarm()


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C that can be caught: once a plain one has come out of exec() of a text, as dataclasses has it, CPython
    ends the process by SIGINT, whatever exit code it was given.
    """


def interrupt() -> None:
    """End as by Ctrl-C."""
    raise Interrupted


class End:
    """An event for act: of threading.Event, the lock may be held by the very code that the signal has interrupted."""

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """It is time to end. Twice is fine."""
        if not self._is_set:
            self._is_set = True
            self._lock.release()

    def is_set(self) -> bool:
        """Whether it is time to end."""
        return self._is_set

    def wait(self, timeout: float) -> bool:
        """Up to so many seconds; whether it is time to end."""
        if self._lock.acquire(timeout=max(timeout, 0)):
            self._lock.release()
        return self._is_set


class _Requests:
    """What the process was told so far; signals are its own, so there is one of this."""

    act: Callable[[], object] | None = None  # None: nobody heeds them
    patience_s = 0.0
    heeded = 1
    count = 0
    last_s = 0.0
    hold: Hold | None = None  # in force
    lifted: Hold | None = None  # the innermost one of which a block is lifted

    def take_effect(self, what: Callable[[], object]) -> None:
        """At once, or when what is held is over."""
        if self.hold is not None:
            self.hold.pending = what
            return
        self.hold = self.lifted  # whoever is interrupted puts away undisturbed what it made
        what()
        self.hold = None

    def tell(self, number: int, _frame: FrameType | None) -> None:
        """A signal has come."""
        now_s = time.monotonic()
        if self.count and now_s - self.last_s < SAME_S:
            return
        self.count, self.last_s = self.count + 1, now_s
        if self.count > self.heeded or self.act is None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            os._exit(128 + number)  # as process 1, to which signals do nothing by themselves
        if self.patience_s:
            _alarm.set(self.patience_s)
        self.take_effect(self.act)

    def install(self) -> Iterator[None]:
        """The handlers, until the next turn."""
        kept = [number for number in NUMBERS[:2] if signal.getsignal(number) == signal.SIG_IGN]
        before = {number: signal.signal(number, self.tell) for number in NUMBERS if number not in kept}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, lambda *_: self.take_effect(interrupt))
        unraisable = sys.unraisablehook

        def swallowed(what: sys.UnraisableHookArgs) -> None:
            if issubclass(what.exc_type, KeyboardInterrupt):
                _alarm.set(AGAIN_S)
            else:
                unraisable(what)

        sys.unraisablehook = swallowed
        try:
            yield
        finally:
            sys.unraisablehook = unraisable
            _alarm.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)


_requests = _Requests()
_installed = contextmanager(_requests.install)


@contextmanager
def heeding(act: Callable[[], object] = interrupt, *, requests: int = 1, patience_s: float = 0) -> Iterator[None]:
    """In this block, to be told to end is to have act called, in the main thread, wherever that is just then.

    requests: so many are heeded; after those the process ends at once. patience_s: where the block goes on for longer,
    as one that writes into a pipe which nobody empties, KeyboardInterrupt is raised in it; 0: it may. An inner block
    takes the place of the outer one, and what was told remains told. In another thread than the main one: nothing.
    """
    if not _gets_signals():
        yield
        return
    outer = _requests.act, _requests.patience_s
    try:
        with ExitStack() as stack:
            _requests.act, _requests.patience_s = act, patience_s  # first: a handler may be called once it is there
            if outer[0] is None:
                _requests.heeded, _requests.count = requests, 0
                stack.enter_context(_installed())
            yield
    finally:
        if patience_s:
            _alarm.cancel()
        _requests.act, _requests.patience_s = outer


def _gets_signals() -> bool:
    """Whether this is the thread that is interrupted."""
    return threading.current_thread() is threading.main_thread()


class Hold:
    """Of held()."""

    def __init__(self) -> None:
        self.pending: Callable[[], object] | None = None
        self._before: tuple[Hold | None, Hold | None] = None, None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if not _gets_signals():
            return self
        self._before = _requests.hold, _requests.lifted
        _requests.hold = self
        if _requests.act is None:
            self._stack.enter_context(heeding())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not _gets_signals():
            return
        try:
            self._stack.close()
        finally:
            _requests.lifted = self._before[1]
            _requests.hold = self._before[0]
        if self.pending is not None:
            _requests.take_effect(self.pending)

    def lifted(self) -> AbstractContextManager[None]:
        """In this block within, it takes effect at once; and whoever is interrupted there, is held again."""
        return _Lifted(self)


class _Lifted:
    """No generator: one that was not entered whole would be closed some time later, and hold what is not its own."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._before: Hold | None = None

    def __enter__(self) -> None:
        if not _gets_signals():
            return
        self._before = _requests.lifted
        _requests.lifted = self._hold
        _requests.hold = None
        pending, self._hold.pending = self._hold.pending, None
        if pending is not None:
            _requests.take_effect(pending)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not _gets_signals():
            return
        _requests.hold = self._hold
        _requests.lifted = self._before


def held() -> Hold:
    """A block that is done whole: being told to end takes effect when it is over, or in what is lifted of it.

    An interruption comes between any two steps, so also between the making of a thing and the try that puts it away,
    and in the first step of putting it away. What shall not be left behind is made, and put away, held:

        with held() as hold, TemporaryDirectory() as folder, hold.lifted():
            ...
    """
    return Hold()
