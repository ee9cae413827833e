// SPDX-License-Identifier: Apache-2.0
// The links to the device's rings, and which ring is shown by default.

import { at } from "./page_text.js";

export const stateOf = (ring) => (ring.codec === null ? "empty" : ring.stalled ? "stalled" : ring.state);
const isLive = (ring) => ["live", "v1"].includes(stateOf(ring));

// Returns the state as text, or "" for a live ring.
export const stateInWords = (ring) => (isLive(ring) ? "" : stateOf(ring));

// Returns the default ring: pictures before sound, live ones first.
export function first(rings) {
  const rank = (ring) => 2 * (ring.media === "audio") + !isLive(ring);
  return rings.reduce((best, ring) => (best === undefined || rank(ring) < rank(best) ? ring : best), undefined);
}

function linkTo(name, address, text, isCurrent) {
  const link = [...at("rings").children].find((one) => one.dataset.name === name) ?? document.createElement("a");
  if (name !== undefined) link.dataset.name = name;
  link.href = `#${address}`;
  if (!link.firstChild) link.append(document.createElement("span"));
  if (link.textContent !== text) link.firstChild.textContent = text;
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  return link;
}

function linkOf(ring, wanted) {
  const told = [ring.media === "audio" ? "sound" : "", stateInWords(ring)].filter(Boolean).join(", ");
  const text = ring.name.slice(1) + (told && ` (${told})`);
  const link = linkTo(ring.name, encodeURIComponent(ring.name), text, ring.name === wanted);
  link.title = `${text}: ${stateOf(ring)}`;
  link.classList.toggle("live", isLive(ring));
  return link;
}

// Shows the links, in the device's order, which is that of the names. A link that stays is neither replaced nor moved, or
// it would lose the keyboard focus; one that is removed passes the focus on. isAll: all rings are shown side by side.
export function showRings(rings, wanted, isAll) {
  const list = at("rings"), before = list.querySelector("[aria-current]");
  const all = rings.length > 1 || isAll ? [linkTo(undefined, "all", "All", isAll)] : [];
  const links = [...all, ...rings.map((ring) => linkOf(ring, wanted))];
  for (const gone of [...list.children].filter((link) => !links.includes(link))) {
    if (gone === document.activeElement) (gone.nextElementSibling ?? gone.previousElementSibling)?.focus();
    gone.remove();
  }
  links.forEach((link, place) => {
    if (list.children[place] !== link) list.insertBefore(link, list.children[place] ?? null);
  });
  const now = list.querySelector("[aria-current]");
  if (now !== before) now?.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone the links are a scrolling strip
}
