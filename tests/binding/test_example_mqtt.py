# SPDX-License-Identifier: Apache-2.0
"""The motion example over MQTT: what a subscriber of a real broker hears, whatever becomes of broker and program."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Listener, Mosquitto
from processes import wait_until_reading
from writers import meanwhile, wait_until

from vshm_ctypes import Codec, Producer

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("aiomqtt", "av", "cv2")),
    reason="needs aiomqtt, PyAV and OpenCV: ci/bootstrap",
)
SECRET = "correct-horse"


class Scene:
    """A camera before which nothing moves until move() was called, and the motion example with its broker."""

    def __init__(self, ring: str, producer: Producer) -> None:
        self.ring, self.producer, self._moved = ring, producer, 0
        cv2, numpy = importlib.import_module("cv2"), importlib.import_module("numpy")
        grays = [numpy.full((96, 160), level, numpy.uint8) for level in (40, 200)]
        self._pictures = [cv2.imencode(".jpg", gray)[1].tobytes() for gray in grays]

    def write(self) -> None:
        self.producer.write(self._pictures[self._moved % 2], keyframe=True, codec=Codec.JPEG, width=160, height=96)

    def move(self) -> None:
        self._moved += 1

    @contextmanager
    def example(self, *words: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
        command = [sys.executable, "-m", "vshm_ctypes.examples.motion_detection", self.ring, "--node", "board", *words]
        env, pipe = os.environ | environment, subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as process:
            try:
                wait_until_reading(process, self.producer.info().identity)
                yield process
            finally:
                process.kill()


@pytest.fixture
def scene(ring: str) -> Iterator[Scene]:
    with Producer(ring) as producer:
        scene = Scene(ring, producer)
        with meanwhile(scene.write, 0.05):
            yield scene


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    made: list[Mosquitto] = []

    def make(**options: Any) -> Mosquitto:
        made.append(Mosquitto(tmp_path, **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.kill()


def url(broker: Mosquitto, scheme: str = "mqtt") -> list[str]:
    return ["--mqtt", f"{scheme}://localhost:{broker.port}", "--off-after", "0.5"]


def discovered(heard: Listener, kind: str) -> dict[str, Any]:
    """Return what Home Assistant would be told of that kind of entity."""
    [message] = [one for one in heard.all("/config") if f"/{kind}/" in one["topic"]][-1:]
    return dict(json.loads(message["payload"]))


def test_home_assistant_finds_the_sensor_and_hears_each_motion(
    scene: Scene, broker: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    own = broker()
    with own.listening() as heard, scene.example(*url(own), "--name", "Front door", "--discovery-prefix", "ha"):
        heard.until("/availability", "online")
        heard.until("/motion", "OFF")
        scene.move()
        heard.until("/motion", "OFF", "ON", "OFF")
        sensor, image = discovered(heard, "binary_sensor"), discovered(heard, "image")
        [one] = [message["topic"] for message in heard.all("/config") if "/binary_sensor/" in message["topic"]]
        assert one == f"ha/binary_sensor/video_shm_board_{scene.ring[1:]}/motion/config"
        assert (sensor["device_class"], sensor["payload_on"], sensor["payload_off"]) == ("motion", "ON", "OFF")
        assert sensor["unique_id"] != image["unique_id"]
        assert sensor["device"] == image["device"]
        assert sensor["device"]["name"] == "Front door"
        assert sensor["origin"]["name"] == "video-shm"
        assert sensor["expire_after"] > 0
        for key, ending in {"state_topic": "/motion", "availability_topic": "/availability"}.items():
            assert heard.all(ending)[-1]["topic"] == sensor[key]
        [event] = [json.loads(text) for text in heard.payloads("/attributes")]
        assert event["event"] == "motion"
        picture = own.retained(image["image_topic"])
        assert (picture[:2], picture[-2:]) == (b"\xff\xd8", b"\xff\xd9")
        assert own.retained(sensor["availability_topic"]) == b"online"
        assert json.loads(own.retained(one)) == sensor  # for a Home Assistant that starts later


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_by_signal_publishes_offline(
    scene: Scene, broker: Callable[..., Mosquitto], number: signal.Signals
) -> None:
    own = broker()
    with own.listening() as heard, scene.example(*url(own)) as process:
        heard.until("/availability", "online")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        heard.until("/availability", "online", "offline")


def test_a_killed_program_leaves_its_last_will(scene: Scene, broker: Callable[..., Mosquitto]) -> None:
    own = broker()
    with own.listening() as heard, scene.example(*url(own)) as process:
        heard.until("/availability", "online")
        process.kill()
        heard.until("/availability", "online", "offline")
        topic = heard.all("/availability")[-1]["topic"]
    assert own.retained(topic) == b"offline"


def test_a_broker_that_was_killed_is_told_everything_again(scene: Scene, broker: Callable[..., Mosquitto]) -> None:
    own = broker()
    with scene.example(*url(own)) as process:
        with own.listening() as heard:
            heard.until("/availability", "online")
        own.kill()
        scene.move()
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "motion"  # detected, whatever the broker does
        own.start()  # it has kept nothing
        with own.listening() as heard:
            heard.until("/availability", "online")
            heard.until("/motion", "OFF")
            assert discovered(heard, "binary_sensor")["device_class"] == "motion"
            scene.move()
            heard.until("/motion", "ON", "OFF")


@pytest.mark.parametrize("way", ["file", "environment"])
def test_credentials_come_from_a_file_or_the_environment_and_are_shown_nowhere(
    scene: Scene, broker: Callable[..., Mosquitto], tmp_path: Path, way: str
) -> None:
    own = broker(users={"camera": SECRET})
    file = tmp_path / "credentials"
    file.write_text(f"camera:{SECRET}\n")
    words = ["--mqtt-credentials", str(file)] if way == "file" else []
    environment = {} if way == "file" else {"MQTT_USERNAME": "camera", "MQTT_PASSWORD": SECRET}
    with own.listening() as heard, scene.example(*url(own), *words, **environment) as process:
        heard.until("/availability", "online")
        assert SECRET not in Path(f"/proc/{process.pid}/cmdline").read_text()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert SECRET not in out + err + json.dumps(heard.all(""))


def test_a_refused_password_is_said_and_the_program_goes_on(scene: Scene, broker: Callable[..., Mosquitto]) -> None:
    own = broker(users={"camera": SECRET})
    with scene.example(*url(own), MQTT_USERNAME="camera", MQTT_PASSWORD="wrong-one") as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "authori" in said.lower(), said
        assert "again in 1 s" in said
        assert "wrong-one" not in said
        scene.move()
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "motion"


def test_tls_is_spoken_to_a_broker_whose_certificate_is_known_and_to_no_other(
    scene: Scene, broker: Callable[..., Mosquitto]
) -> None:
    own = broker(tls=True)
    with own.listening() as heard:
        with scene.example(*url(own, "mqtts"), "--mqtt-ca", str(own.ca)):
            heard.until("/availability", "online")
        with scene.example(*url(own, "mqtts")) as process:
            assert process.stderr is not None
            assert "certificate" in process.stderr.readline()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mqtt://camera:secret@host", "no credentials in the address"),
        ("mqtt://camera:secret#1@host", "no credentials in the address"),
        ("camera:secret@host", "no credentials in the address"),
        ("http://host", "give mqtt://HOST"),
    ],
)
def test_an_address_with_credentials_is_refused_without_repeating_them(ring: str, address: str, told: str) -> None:
    command = [sys.executable, "-m", "vshm_ctypes.examples.motion_detection", ring, "--mqtt", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert "secret" not in done.stderr.replace(told, "")


def test_a_camera_that_comes_back_is_followed(ring: str, broker: Callable[..., Mosquitto]) -> None:
    own = broker()
    with own.listening() as heard:
        with Producer(ring) as producer:
            scene = Scene(ring, producer)
            stack = scene.example(*url(own))
            with meanwhile(scene.write, 0.05):
                process = stack.__enter__()
                heard.until("/motion", "OFF")
        try:
            with Producer(ring) as producer:
                scene.producer = producer
                with meanwhile(scene.write, 0.05):
                    wait_until(lambda: producer.info().frames > 3, "frames are written")
                    scene.move()
                    heard.until("/motion", "ON", "OFF")
            assert process.poll() is None
        finally:
            stack.__exit__(None, None, None)
