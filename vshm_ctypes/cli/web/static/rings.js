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

// A link stays the same element, since a keyboard's focus is lost with it.
function linkOf(name) {
  const link = [...at("rings").children].find((one) => one.dataset.name === name) ?? document.createElement("a");
  link.dataset.name = name;
  link.href = `#${encodeURIComponent(name)}`;
  return link;
}

export function showRings(rings, wanted) {
  const links = rings.map((ring) => {
    const link = linkOf(ring.name);
    link.textContent = ring.name.slice(1) + (ring.media === "audio" ? " (sound)" : "");
    link.title = stateOf(ring);
    link.classList.toggle("live", isLive(ring));
    if (ring.name === wanted) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    return link;
  });
  const { children } = at("rings");
  if (links.length !== children.length || links.some((link, place) => link !== children[place])) at("rings").replaceChildren(...links);
}
