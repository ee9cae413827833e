# SPDX-License-Identifier: Apache-2.0
"""Publishes motion over MQTT, in a thread: whoever detects motion never waits for a broker.

What could not be sent is not kept, but replaced by what is newer, so that a broker that is away costs no memory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt

from vshm_ctypes.examples.home_assistant import OFF, OFFLINE, ON, ONLINE, Motion

PORTS = {"mqtt": 1883, "mqtts": 8883}
LONGEST_PAUSE_S = 30.0
KEEPALIVE_S = 20  # the broker publishes the last will once it has heard nothing for 1.5 times as long
FAREWELL_S = 3.0
CONNECT_S = 5.0


class Broker:
    """Where to connect, and as whom. Raises ValueError: the address is none, or has credentials in it."""

    def __init__(self, url: str, credentials: Path | None = None, ca: Path | None = None) -> None:
        if "@" in url:
            raise ValueError(
                "no credentials in the address, which every user of this machine can see: put them into "
                "a file for --mqtt-credentials, or into MQTT_USERNAME and MQTT_PASSWORD"
            )
        told = urlsplit(url)
        if told.scheme not in PORTS or not told.hostname:
            raise ValueError(f"{url}: give mqtt://HOST[:PORT], or mqtts://HOST[:PORT] for TLS")
        self.host, self.port = told.hostname, told.port or PORTS[told.scheme]
        self.tls = ssl.create_default_context(cafile=ca) if told.scheme == "mqtts" else None
        self.username, self.password = os.environ.get("MQTT_USERNAME"), os.environ.get("MQTT_PASSWORD")
        if credentials is not None:
            self.username, _, self.password = credentials.read_text().strip().partition(":")

    def client(self, will: aiomqtt.Will) -> aiomqtt.Client:
        return aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=self.tls,
            will=will,
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_S,
        )


class MotionPublisher:
    """Publishes a sensor's state until the with block ends, which tells that it is offline.

    off_after_s: seconds without motion after which the state is OFF.
    """

    def __init__(self, broker: Broker, motion: Motion, off_after_s: float = 10.0) -> None:
        self._broker, self._motion, self._off_after_s = broker, motion, off_after_s
        self._lock = threading.Lock()
        self._moved_at = -off_after_s
        self._looked = False
        self._event: tuple[str, bytes] | None = None
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="mqtt")

    # ---- for whoever detects motion ----

    def looked(self) -> None:
        """Tell that a picture was examined: the sensor works."""
        self._looked = True

    def moved(self, attributes: str, picture: bytes) -> None:
        """Tell that something moved, with JSON about it and a JPEG picture. Replaces what was not sent yet."""
        with self._lock:
            self._event = attributes, picture
        self._moved_at = time.monotonic()
        self._loop.call_soon_threadsafe(self._news.set)

    def __enter__(self) -> MotionPublisher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._loop.call_soon_threadsafe(self._news.set)
        self._thread.join()
        self._loop.close()

    # ---- in the thread ----

    def _run(self) -> None:
        self._loop.run_until_complete(self._stay_connected())

    async def _stay_connected(self) -> None:
        pause_s = 1.0
        while not self._over:
            began = time.monotonic()
            try:
                await self._publish()
            except (aiomqtt.MqttError, OSError) as error:
                print(
                    f"mqtt: {self._broker.host}:{self._broker.port}: {error}; again in {pause_s:g} s", file=sys.stderr
                )
                pause_s = 1.0 if time.monotonic() - began > LONGEST_PAUSE_S else pause_s
                await self._wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _say(self, what: str) -> None:
        print(f"mqtt: {self._broker.host}:{self._broker.port}: {what}", file=sys.stderr, flush=True)

    async def _wait(self, seconds: float) -> None:
        """Wait until there is something new or the time is over; only the end cuts a pause before connecting short."""
        end = time.monotonic() + seconds
        while not self._over and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
            self._news.clear()

    async def _publish(self) -> None:
        """Publish as long as the connection lasts. Raises MqttError."""
        motion = self._motion
        will = aiomqtt.Will(motion.availability, OFFLINE, qos=1, retain=True)
        async with self._broker.client(will) as client:
            self._say("connected")
            for topic, config in motion.discovery().items():
                await client.publish(topic, config, qos=1, retain=True)
            await client.publish(motion.availability, ONLINE, qos=1, retain=True)
            try:
                await self._follow(client)
            finally:
                if self._over:
                    await asyncio.wait_for(client.publish(motion.availability, OFFLINE, qos=1, retain=True), FAREWELL_S)

    async def _follow(self, client: aiomqtt.Client) -> None:
        told, told_at = "", 0.0
        while not self._over:
            with self._lock:
                event, self._event = self._event, None
            if event is not None:
                await client.publish(self._motion.attributes, event[0], qos=1)
                await client.publish(self._motion.picture, event[1], qos=0, retain=True)
            quiet_s = time.monotonic() - self._moved_at
            state = ON if quiet_s < self._off_after_s else OFF
            is_due = self._looked and time.monotonic() - told_at >= self._motion.expires_s / 3
            if is_due or ((self._looked or event) and state != told):
                await client.publish(self._motion.state, state, qos=1)
                told, told_at, self._looked = state, time.monotonic(), False
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.25)
            self._news.clear()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("MQTT, with Home Assistant's discovery")
    group.add_argument("--mqtt", metavar="URL", help="broker: mqtt://HOST[:PORT], or mqtts://HOST[:PORT] for TLS")
    group.add_argument(
        "--mqtt-credentials",
        type=Path,
        metavar="FILE",
        help="file with USER:PASSWORD; without it MQTT_USERNAME and MQTT_PASSWORD are taken",
    )
    group.add_argument("--mqtt-ca", type=Path, metavar="FILE", help="certificate that the broker's is signed with")
    group.add_argument("--discovery-prefix", default="homeassistant", metavar="TOPIC", help="default: homeassistant")
    group.add_argument("--name", default="", help="what people call the camera (default: the ring's name)")
    group.add_argument("--node", default="", help="this machine in topics and ids (default: its host name)")
    group.add_argument("--off-after", type=float, default=10.0, metavar="S", help="seconds until OFF (default: 10)")


def publisher_of(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, ring: str
) -> contextlib.AbstractContextManager[MotionPublisher | None]:
    """Return what publishes the motion in that ring, or a context of None where no broker was named."""
    if arguments.mqtt is None:
        return contextlib.nullcontext()
    try:
        broker = Broker(arguments.mqtt, arguments.mqtt_credentials, arguments.mqtt_ca)
    except (ValueError, OSError) as error:
        parser.error(f"--mqtt: {error}")
    motion = Motion(ring, arguments.name, arguments.node, arguments.discovery_prefix)
    return MotionPublisher(broker, motion, arguments.off_after)
