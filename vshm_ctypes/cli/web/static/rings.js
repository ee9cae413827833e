// SPDX-License-Identifier: Apache-2.0
// The rings of the device: their links, and which one is shown to who chose none.

import { at } from "./page_text.js";

const stateOf = (ring) => (ring.codec === null ? "empty" : ring.stalled ? "stalled" : ring.state);
const isLive = (ring) => ["live", "v1"].includes(stateOf(ring));

// Pictures before sound, live ones first.
export function first(rings) {
  const rank = (ring) => 2 * (ring.media === "audio") + !isLive(ring);
  return rings.reduce((best, ring) => (best === undefined || rank(ring) < rank(best) ? ring : best), undefined);
}

export function showRings(rings, wanted) {
  at("rings").replaceChildren(...rings.map((ring) => {
    const link = document.createElement("a");
    link.href = `#${encodeURIComponent(ring.name)}`;
    link.textContent = ring.name.slice(1) + (ring.media === "audio" ? " (sound)" : "");
    link.title = stateOf(ring);
    link.classList.toggle("live", isLive(ring));
    if (ring.name === wanted) link.setAttribute("aria-current", "true");
    return link;
  }));
}
