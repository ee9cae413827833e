# SPDX-License-Identifier: Apache-2.0
"""The device that is plugged in: hands each of the kernel's requests to the part that it is for."""

from __future__ import annotations

import errno
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import descriptors as usb
from . import sound_descriptors as sound
from . import video_descriptors as video
from .books import BookKeeper
from .configuration import configuration
from .controls import (
    BRIGHTNESS,
    EXPOSURE_PRIORITY,
    GET_CUR,
    GET_DEF,
    INVALID_CONTROL,
    INVALID_REQUEST,
    NO_ERROR,
    OUT_OF_RANGE,
    SET_CUR,
    controls,
)
from .designs import Design
from .faults import Faults
from .microphone import Microphone
from .negotiation import Negotiation
from .reply import DONE, NEVER, STALL, Replies, Reply, Setup, reply_or_stall, setup_of
from .sender import Sender
from .streaming_control import StreamingControl
from .usbip import Link, Request, Unlink
from .video_stream import Clips, VideoStream

# Requests that every device knows (USB 2.0, 9.4).
GET_STATUS, CLEAR_FEATURE, SET_FEATURE, GET_DESCRIPTOR = 0, 1, 3, 6
GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE = 8, 9, 10, 11
_DEVICE, _ENDPOINT = 0, 2  # recipients
_HALT = 0  # a feature of endpoints
_ERROR_CODE = 2  # the control in which the camera says why it refused the last request


@dataclass(frozen=True, slots=True)
class Model:
    """What stays the same however often the camera is plugged in."""

    design: Design
    texts: usb.Texts
    clips: Clips

    @property
    def largest(self) -> dict[tuple[str, int, int], int]:
        """Bytes of the largest picture of each clip."""
        return {name: clip.largest for name, clip in self.clips.items()}


class CameraDevice:
    """A camera that has just been plugged in: it remembers nothing. now_s: CLOCK_MONOTONIC."""

    def __init__(
        self, model: Model, link: Link, faults: Faults, books: BookKeeper, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._model, self._link, self._faults, self._books, self._now_s = model, link, faults, books, now_s
        self._configuration = configuration(model.design, model.largest)
        self._replies = Replies(link)
        self._sender = Sender(link, faults, books, model.design.bulk, lambda: round(now_s() * 1e9))
        self._controls = controls()
        slows = self._controls[EXPOSURE_PRIORITY]
        self._video = VideoStream(
            model.design, model.clips, self._sender, faults, books, now_s, lambda: bool(slows.current)
        )
        negotiation = Negotiation(model.design, model.largest)
        self._streaming = StreamingControl(negotiation, faults, books, self._video.commit)
        self._microphone = Microphone(link, faults, books, now_s) if model.design.microphone else None
        self._error_code = NO_ERROR
        self._alternates: dict[int, int] = {}
        self._configured = 0
        self._events: list[Request] = []  # transfers for events of the status endpoint, of which there are none

    def receive(self) -> None:
        """Take the kernel's next commands. Raises EOFError or OSError once it has let go."""
        for command in self._link.receive():
            self._take(command)
        self._link.flush()

    def _take(self, command: Request | Unlink) -> None:
        if isinstance(command, Unlink):
            self._link.answer_unlink(command, self._take_back(command.request))
        elif command.endpoint == 0:
            self._replies.send(command, self._control(setup_of(command)), self._now_s())
        elif command.endpoint == video.VIDEO_ENDPOINT:
            self._sender.submit(command)
        elif command.endpoint == sound.SOUND_ENDPOINT and self._microphone is not None:
            self._microphone.submit(command)
        elif command.endpoint == video.STATUS_ENDPOINT:
            self._events.append(command)
        else:
            self._link.answer(command, status=-errno.EPIPE)

    def tick(self) -> float:
        """Do what is due. Returns how many seconds nothing else is, which may be infinite. Raises OSError."""
        now_s = self._now_s()
        parts = [self._replies.tick(now_s), self._video.tick(now_s)]
        if self._microphone is not None:
            parts.append(self._microphone.tick(now_s))
        self._link.flush()
        return max(min(parts) - self._now_s(), 0.0)

    def unplugged(self) -> None:
        """Close the books of what was going on."""
        self._video.stop()

    def _take_back(self, number: int) -> bool:
        for request in self._events:
            if request.number == number:
                self._events.remove(request)
                return True
        found = self._replies.take_back(number) or self._sender.take_back(number)
        return found or (self._microphone is not None and self._microphone.take_back(number))

    def _control(self, setup: Setup) -> Reply:
        if setup.standard:
            return self._standard(setup)
        if setup.interface == video.STREAMING:
            return self._streaming.answer(setup)
        if setup.interface == video.CONTROL:
            return self._camera_control(setup)
        if setup.interface == sound.CONTROL and self._microphone is not None:
            return self._microphone.control(setup)
        return STALL

    def _camera_control(self, setup: Setup) -> Reply:
        if setup.entity == 0:
            asked = setup.selector == _ERROR_CODE and setup.request == GET_CUR
            return Reply(bytes([self._error_code])) if asked else STALL
        if self._faults.number("mute-controls"):
            return NEVER
        key = setup.entity, setup.selector
        control = self._controls.get(key)
        late_s = self._faults.number("slow-controls")
        if late_s:
            self._books.event("late-answer", seconds=late_s)
        if control is None or self._faults.number("refuse-controls"):
            self._error_code = INVALID_CONTROL
            return STALL._replace(late_s=late_s)
        if setup.request == SET_CUR:
            taken = control.set(setup.data)
            self._error_code = NO_ERROR if taken else OUT_OF_RANGE
            return (DONE if taken else STALL)._replace(late_s=late_s)
        refuses = setup.request == GET_DEF and key == BRIGHTNESS and self._faults.number("no-default")
        data = None if refuses else control.answer(setup.request)
        self._error_code = INVALID_REQUEST if data is None else NO_ERROR
        return reply_or_stall(data)._replace(late_s=late_s)

    def _standard(self, setup: Setup) -> Reply:
        if setup.request == GET_DESCRIPTOR:
            return reply_or_stall(self._descriptor(setup.value >> 8, setup.value & 0xFF))
        if setup.request == SET_INTERFACE:
            return self._set_interface(setup.interface, setup.value)
        if setup.request == GET_INTERFACE:
            return Reply(bytes([self._alternates.get(setup.interface, 0)]))
        if setup.request == SET_CONFIGURATION:
            self._configure(setup.value)
            return DONE
        if setup.request == GET_CONFIGURATION:
            return Reply(bytes([self._configured]))
        if setup.request == GET_STATUS:
            return self._status(setup)
        if setup.request == CLEAR_FEATURE and setup.recipient == _ENDPOINT and setup.value == _HALT:
            if setup.target == usb.IN | video.VIDEO_ENDPOINT and self._model.design.bulk:
                self._video.stop()  # so a host says that it wants no more pictures
            return DONE
        return DONE if setup.request in (CLEAR_FEATURE, SET_FEATURE) else STALL

    def _configure(self, value: int) -> None:
        """Take a configuration, which the kernel chooses when it is plugged in, and again after a reset."""
        if self._faults.take("hung") | self._faults.take("confused"):
            self._books.event("reset")
        self._configured = value

    def _status(self, setup: Setup) -> Reply:
        # The kernel asks for the device's status when it wakes it up.
        if setup.recipient == _DEVICE and self._faults.take("lost-on-resume"):
            self._books.event("lost-on-resume")
            return Reply(status=-errno.EPROTO)
        return Reply(struct.pack("<H", 0))

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == usb.STRING:
            return usb.string(number, self._model.texts)
        found = {usb.DEVICE: usb.device, usb.CONFIGURATION: lambda: self._configuration, usb.QUALIFIER: usb.qualifier}
        return found[kind]() if kind in found and number == 0 else None

    def _set_interface(self, interface: int, alternate: int) -> Reply:
        reply = DONE if alternate == 0 else STALL
        if interface == video.STREAMING:
            reply = self._video.set_alternate(alternate)
        elif interface == sound.STREAMING and self._microphone is not None:
            reply = self._microphone.set_alternate(alternate)
        if reply == DONE:
            self._alternates[interface] = alternate
        return reply
