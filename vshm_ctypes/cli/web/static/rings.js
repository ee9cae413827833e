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

function linkOf(ring, wanted) {
  const link = [...at("rings").children].find((one) => one.dataset.name === ring.name) ?? document.createElement("a");
  link.dataset.name = ring.name;
  link.href = `#${encodeURIComponent(ring.name)}`;
  link.textContent = ring.name.slice(1) + (ring.media === "audio" ? " (sound)" : "");
  link.title = stateOf(ring);
  link.classList.toggle("live", isLive(ring));
  if (ring.name === wanted) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  return link;
}

// A link that stays is neither replaced nor moved, since it would lose the keyboard's focus; that of a ring that goes
// passes it on. The device tells the rings in the order of their names.
export function showRings(rings, wanted) {
  const list = at("rings");
  const links = rings.map((ring) => linkOf(ring, wanted));
  for (const gone of [...list.children].filter((link) => !links.includes(link))) {
    if (gone === document.activeElement) (gone.nextElementSibling ?? gone.previousElementSibling)?.focus();
    gone.remove();
  }
  links.forEach((link, place) => {
    if (list.children[place] !== link) list.insertBefore(link, list.children[place] ?? null);
  });
}
