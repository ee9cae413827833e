# SPDX-License-Identifier: Apache-2.0
"""Handles requests to end: Ctrl-C (SIGINT), a service manager or kill (SIGTERM), a closed terminal (SIGHUP).

All three mean the same: finish the current work and report. A second request means not to wait for that. A signal
that was ignored when the command started, as with nohup or a shell's background jobs, stays ignored, except SIGTERM.
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
from ..left_behind import remove_all
from .alarm import Alarm

SAME_S = 0.3  # signals closer together than this are one request: timeout(1) and closing terminals send two
AGAIN_S = 0.01  # retry after a finaliser or a C callback has swallowed the exception

_alarm = Alarm()


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt that can be caught without a trace.

    Once a plain KeyboardInterrupt has passed through exec() of a string, as dataclasses uses it, CPython ends the
    process by SIGINT, whatever its exit code.
    """


def interrupt() -> None:
    """Raise Interrupted, as Ctrl-C does."""
    raise Interrupted


class End:
    """An event that a signal handler may set: the lock of threading.Event may be held by the code it interrupts."""

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Set the event. Setting it twice is allowed."""
        if not self._is_set:
            self._is_set = True
            self._lock.release()

    def is_set(self) -> bool:
        """Return whether the event is set."""
        return self._is_set

    def wait(self, timeout: float) -> bool:
        """Wait up to timeout seconds. Returns whether the event is set."""
        if self._lock.acquire(timeout=max(timeout, 0)):
            self._lock.release()
        return self._is_set


class _Requests:
    """The requests that the process has received; there is one instance, since signals belong to the process."""

    act: Callable[[], object] | None = None  # None: requests are not handled
    patience_s = 0.0
    heeded = 1
    count = 0
    last_s = 0.0
    hold: Hold | None = None  # in force
    lifted: Hold | None = None  # the innermost hold that is lifted

    def take_effect(self, what: Callable[[], object]) -> None:
        """Call what now, or at the end of the held block."""
        if self.hold is not None:
            self.hold.pending = what
            return
        self.hold = self.lifted  # the interrupted block cleans up without being disturbed
        what()
        self.hold = None

    def tell(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        now_s = time.monotonic()
        if self.count and now_s - self.last_s < SAME_S:
            return
        self.count, self.last_s = self.count + 1, now_s
        if self.count > self.heeded or self.act is None:
            remove_all()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            os._exit(128 + number)  # for process 1, which default signal actions do not end
        if self.patience_s:
            _alarm.set(self.patience_s)
        self.take_effect(self.act)

    def install(self) -> Iterator[None]:
        """Install the handlers until the generator is resumed."""
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
    """Call act in the main thread whenever a request to end comes during this block.

    An inner block replaces the outer one, but requests already received stay counted. In any other thread than the
    main one this does nothing.

    Args:
        act: what to call; by default it interrupts the block.
        requests: how many requests are handled; the next one ends the process at once.
        patience_s: raise KeyboardInterrupt if the block goes on for longer, as when it writes into a pipe that nobody
            reads; 0: wait for ever.
    """
    if not gets_signals():
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


def gets_signals() -> bool:
    """Return whether this is the main thread, in which signal handlers run."""
    return threading.current_thread() is threading.main_thread()


class Hold:
    """The context manager that held() returns."""

    def __init__(self) -> None:
        self.pending: Callable[[], object] | None = None
        self._before: tuple[Hold | None, Hold | None] = None, None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if not gets_signals():
            return self
        self._before = _requests.hold, _requests.lifted
        _requests.hold = self
        if _requests.act is None:
            self._stack.enter_context(heeding())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not gets_signals():
            return
        try:
            self._stack.close()
        finally:
            _requests.lifted = self._before[1]
            _requests.hold = self._before[0]
        if self.pending is not None:
            _requests.take_effect(self.pending)

    def lifted(self) -> AbstractContextManager[None]:
        """Return a context manager in which requests take effect at once; if one does, the hold is back in force."""
        return _Lifted(self)


class _Lifted:
    """A class, since a generator interrupted while it is entered would be closed later, and restore a wrong hold."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._before: Hold | None = None

    def __enter__(self) -> None:
        if not gets_signals():
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
        if not gets_signals():
            return
        _requests.hold = self._hold
        _requests.lifted = self._before


def held() -> Hold:
    """Return a context manager whose block is never interrupted: requests to end take effect after it.

    An interruption can come between any two instructions, so also between making a resource and the try that frees it,
    or at the start of freeing it. A resource that must not be left behind is made and freed within held(), and used
    within lifted():

        with held() as hold, TemporaryDirectory() as folder, hold.lifted():
            ...
    """
    return Hold()
