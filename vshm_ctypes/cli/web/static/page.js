// SPDX-License-Identifier: Apache-2.0
// The page: the chosen ring or all of them, what the device tells, and the buttons.

import { forgetSecond, showBoard, showRates, showRing, showSecond } from "./figures.js";
import { Hearing } from "./hearing.js";
import { Keys } from "./keys.js";
import { at, set } from "./page_text.js";
import { describe } from "./reasons.js";
import { first, showRings } from "./rings.js";
import { Screen } from "./screen.js";
import { Tiles } from "./tiles.js";
import { canFillScreen, fillScreen, save } from "./tools.js";

const LONGEST_NAME = 255, ALL = "all"; // limits of the address
let wanted = ringOfAddress(), isChosen = Boolean(wanted) || isAll(); // whether the user chose it
let rings = [], ages_ms = [], last = wanted;

const screen = new Screen({ canvas: at("canvas"), video: at("video"), tap: at("tap") }, {
  say(text) { // screen readers announce a text only if it changes
    for (const id of ["message", "all-told"]) if (at(id).textContent !== text) set(id, text);
  },
  began(stream, player) {
    set("stream", describe(stream));
    set("what", describe(stream));
    set("player", player?.name ?? "");
    at("sound").hidden = stream.media !== "audio";
    if (stream.media === "audio" && hearing.isOn) { // do not play it twice
      hearing.end();
      screen.heard(true);
    }
  },
  shown(part, age_ms) {
    set("shown", screen.count);
    if (part) set("frame", part.number);
    if (age_ms !== undefined) ages_ms.push(age_ms);
    at("snapshot").disabled = !screen.picture;
  },
  heard(isHeard) { set("listen", isHeard ? "Stop" : "Listen"); },
  told(told) {
    if (told.type === "overview") onOverview(told);
    else if (told.type === "second") showSecond(told, ages_ms.splice(0), screen.skippedCount);
  },
});
const hearing = new Hearing();
const tiles = new Tiles(at("tiles"));

at("listen").addEventListener("click", () => screen.listen(!screen.listening));
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  screen.say("policy", `A proxy between, or this browser, forbids ${effectiveDirective} ${blockedURI}: let it pass on the page's own Content-Security-Policy.`);
});

// ---- what the device tells ----

function onOverview(told) {
  rings = told.rings;
  const best = first(rings);
  if (!isChosen && !screen.count && best && best.name !== wanted) choose(best.name);
  screen.say("device", rings.length || wanted ? screen.said.device : "There is no ring on this device: start a producer, such as camera-streamer.");
  showRings(rings, wanted, isAll());
  const mine = rings.find((ring) => ring.name === wanted);
  showRing(mine, told.hidden);
  showRates(rings, wanted);
  showBoard(told.board);
  hearing.offer(mine?.media === "audio" ? [] : rings);
  if (isAll()) tiles.show(rings);
}

// ---- which ring ----

function isAll() { return location.hash === `#${ALL}`; }

// Accepts a channel number, NAME or /NAME, since people write addresses by hand.
function ringOfAddress() {
  let text = isAll() ? "" : location.hash.slice(1);
  try {
    text = decodeURIComponent(text);
  } catch { // not encoded
  }
  if (/^\d{1,9}$/.test(text)) text = `/video_stream_ch${Number(text)}`;
  return (text && !text.startsWith("/") ? `/${text}` : text).slice(0, LONGEST_NAME);
}

function turnTo(ring) {
  wanted = ring;
  last = ring || last;
  at("snapshot").disabled = true;
  for (const id of ["frame", "stream", "player"]) set(id, id === "frame" ? "-" : "");
  set("shown", 0);
  forgetSecond();
  for (const id of ["stage", "figures", "charts", "users"]) at(id).hidden = isAll();
  at("all").hidden = !isAll();
  document.title = `${isAll() ? "All rings" : ring.slice(1) || "Video rings"}${ring || isAll() ? " - Video rings" : ""}`;
  const isTile = at("tiles").contains(document.activeElement);
  if (isAll()) tiles.show(rings);
  else tiles.close();
  showRings(rings, ring, isAll());
  if (isTile) at("rings").querySelector("[aria-current]")?.focus(); // the focused tile is gone
  screen.turnTo(ring);
}

function choose(ring) {
  history.replaceState(null, "", `#${encodeURIComponent(ring)}`);
  turnTo(ring);
}

window.addEventListener("hashchange", () => {
  turnTo(ringOfAddress());
  isChosen = Boolean(wanted) || isAll();
});

// ---- what can be done ----

// Goes to the next ring (1) or the previous one (-1), in the order of the links.
function go(by) {
  if (!rings.length) return;
  const here = rings.findIndex((ring) => ring.name === wanted);
  const next = here < 0 ? (by > 0 ? 0 : rings.length - 1) : (here + by + rings.length) % rings.length;
  location.hash = encodeURIComponent(rings[next].name);
}

const actions = {
  hear: () => (at("sound").hidden ? hearing.toggle() : screen.listen(!screen.listening)),
  snapshot: async () => { if (!at("snapshot").disabled) set("told", await save(screen)); },
  fullscreen: () => { if (!isAll()) fillScreen(at("picture"), screen.picture); },
};
for (const [id, act] of Object.entries(actions)) at(id).addEventListener("click", act);
at("fullscreen").hidden = !canFillScreen(at("picture"), at("video"));
at("picture").addEventListener("dblclick", actions.fullscreen);
new Keys([
  ["ArrowLeft", "←", "the ring before", () => go(-1)],
  ["ArrowRight", "→", "the next ring", () => go(1)],
  ["a", "A", "all rings, or back", () => { location.hash = isAll() ? encodeURIComponent(last || (first(rings)?.name ?? "")) : ALL; }],
  ["m", "M", "sound on or off", actions.hear],
  ["f", "F", "full screen, and back", actions.fullscreen],
  ["s", "S", "save a snapshot of the picture", actions.snapshot],
]);

screen.say("connection", "Connecting ...");
turnTo(wanted);
