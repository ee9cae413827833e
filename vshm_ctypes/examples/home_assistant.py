# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant is told by MQTT discovery: a motion sensor and its last picture, as entities of one device.

The topics and keys are those of https://www.home-assistant.io/integrations/mqtt#mqtt-discovery.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass

from vshm_ctypes import __version__

ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"


def topic_word(text: str) -> str:
    """Return the text as one word of a topic and of an id: letters, digits, _ and -."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "_"


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion sensor of one ring.

    Attributes:
        ring: name of the ring.
        name: what people call the camera.
        node: the machine; with the ring's name it makes the ids, so it has to stay the same.
        prefix: topic below which Home Assistant looks for what there is.
        expires_s: seconds without a picture after which Home Assistant takes the sensor for unavailable.
    """

    ring: str
    name: str = ""
    node: str = ""
    prefix: str = "homeassistant"
    expires_s: int = 60

    @property
    def identifier(self) -> str:
        return f"video_shm_{topic_word(self.node or socket.gethostname())}_{topic_word(self.ring)}"

    @property
    def base(self) -> str:
        """Topic below which all of this sensor's own topics are."""
        return f"video-shm/{topic_word(self.node or socket.gethostname())}/{topic_word(self.ring)}"

    @property
    def state(self) -> str:
        return f"{self.base}/motion"

    @property
    def attributes(self) -> str:
        return f"{self.base}/attributes"

    @property
    def picture(self) -> str:
        return f"{self.base}/picture"

    @property
    def availability(self) -> str:
        return f"{self.base}/availability"

    def discovery(self) -> dict[str, str]:
        """Return {topic: JSON} of what is published, retained, so that Home Assistant finds the entities."""
        sensor: dict[str, object] = {
            "name": "Motion",
            "unique_id": f"{self.identifier}_motion",
            "device_class": "motion",
            "state_topic": self.state,
            "payload_on": ON,
            "payload_off": OFF,
            "expire_after": self.expires_s,
            "json_attributes_topic": self.attributes,
        }
        image: dict[str, object] = {
            "name": "Last motion",
            "unique_id": f"{self.identifier}_picture",
            "image_topic": self.picture,
            "content_type": "image/jpeg",
        }
        return {
            f"{self.prefix}/binary_sensor/{self.identifier}/motion/config": self._entity(sensor),
            f"{self.prefix}/image/{self.identifier}/picture/config": self._entity(image),
        }

    def _entity(self, keys: dict[str, object]) -> str:
        shared = {
            "availability_topic": self.availability,
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
            "device": {
                "identifiers": [self.identifier],
                "name": self.name or f"Camera {self.ring.lstrip('/')}",
                "manufacturer": "video-shm",
                "model": self.ring,
                "sw_version": __version__,
            },
            "origin": {"name": "video-shm", "sw_version": __version__},
        }
        return json.dumps(keys | shared)
