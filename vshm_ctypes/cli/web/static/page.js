// SPDX-License-Identifier: Apache-2.0
// The page: which ring, what the device tells, and who shows the pictures or plays the sound.

import { CodecsPlayer } from "./codecs_player.js";
import { Connection } from "./connection.js";
import { showBoard, showRing, showSecond } from "./figures.js";
import { JpegPlayer } from "./jpeg_player.js";
import { Mp4Player } from "./mp4_player.js";
import { at, set } from "./page_text.js";
import { describe, whyNot } from "./reasons.js";
import { first, showRings } from "./rings.js";
import { SoundPlayer } from "./sound_player.js";
import { hasCodecs, hasSoundCodecs, playsMp4 } from "./support.js";

const KEYFRAME = 1, HEAD = 2, RECOVERY_POINT = 4, CAPTURED = 8, HEADER_BYTES = 36; // as showing.py packs them
const RETRY_MS = 1000, CALM_MS = 10000, LONGEST_NAME = 255;

let player, stream, connection;
let wanted = ringOfAddress(), isChosen = Boolean(wanted); // by the user
const usualForm = hasCodecs && new URLSearchParams(location.search).get("player") !== "mse" ? "frames" : "mp4";
let form = usualForm;
let entry = ""; // "idr": this browser can begin nowhere else
let listening = false, letPlay; // by a tap
let shown = 0, skipped = 0, ages_ms = [], stops = 0, stopped_ms = 0;

// ---- what is said: what is most in the way ----

const said = { connection: "Connecting ...", device: "", policy: "", player: "" };

function say(who, text) {
  said[who] = text;
  const now = said.connection || [said.device, said.policy, said.player].filter(Boolean).join(" ");
  if (at("message").textContent !== now) set("message", now); // what is the same is not announced again
}

// ---- who plays it ----

// What a player may ask of the page.
const page = {
  shown(part) {
    shown += 1;
    set("shown", shown);
    if (part) set("frame", part.number);
    const now_ms = connection.clock.now_ms();
    if (part?.isCaptured && now_ms !== null) ages_ms.push(now_ms - part.time_ms);
    if (stops && performance.now() - stopped_ms > CALM_MS) {
      stops = 0;
      page.note("");
    }
  },
  skipped(count) { skipped += count; },
  ask(how) {
    letPlay = how;
    at("tap").hidden = !how;
  },
  heard(isHeard) {
    listening = isHeard;
    set("listen", listening ? "Stop" : "Listen");
  },
  note(text) { say("player", text); },
  unsupported() {
    if (form === "frames" && playsMp4(stream)) {
      form = "mp4";
      connect();
    } else {
      page.note(whyNot(stream));
    }
  },
  needsIdr() {
    entry = "idr";
    connect();
  },
  restart(reason) {
    stops += 1;
    stopped_ms = performance.now();
    if (stops > 1) page.note(`The browser's player has stopped ${stops} times, and begins again: ${reason} Another browser may go on.`);
    const stopped = player;
    setTimeout(() => { if (player === stopped) connect(); }, RETRY_MS);
  },
};

// The player's kind, where it draws, and whether this browser has what it needs.
function playerFor(told) {
  if (told.form === "mp4") return [Mp4Player, "video", playsMp4(told)];
  if (told.media === "audio") return [SoundPlayer, "", told.codec_string === "pcm-s16" || hasSoundCodecs];
  if (told.codec === "jpeg") return [JpegPlayer, "canvas", true];
  return [CodecsPlayer, "canvas", hasCodecs];
}

function startStream(told) {
  stopPlayer();
  stream = told;
  if (stops < 2) page.note("");
  set("stream", describe(told));
  set("what", describe(told));
  if (told.problem) { page.note(told.problem); return; }
  // WebKitGTK 2.50 loses the whole page where samples of several planes are copied, as those of AAC are.
  if (told.codec === "aac" && told.form === "frames" && playsMp4(told)) {
    form = "mp4";
    connect();
    return;
  }
  const [Player, place, isPossible] = playerFor(told);
  for (const id of ["canvas", "video"]) at(id).hidden = id !== place || told.media === "audio";
  at("sound").hidden = told.media !== "audio";
  if (!isPossible) { page.unsupported(); return; }
  player = new Player(at(place), page);
  set("player", player.name);
  try {
    player.start(told);
  } catch (error) { // of what it was told
    stopPlayer();
    if (error.name === "NotSupportedError" || error instanceof TypeError) page.unsupported();
    else page.note(`This can't be played: ${error.message}`);
    return;
  }
  if (listening && told.media === "audio") player.listen();
}

function stopPlayer() {
  if (player) player.close();
  player = undefined;
}

function feed(buffer) {
  if (!player) return;
  const head = new DataView(buffer);
  const flags = head.getUint32(24, true);
  player.feed({
    number: Number(head.getBigUint64(0, true)),
    time_ms: Number(head.getBigUint64(8, true)) / 1e6,
    published_ms: Number(head.getBigUint64(16, true)) / 1e6,
    isCaptured: Boolean(flags & CAPTURED), // at that time; else it is on a clock that we do not know
    isKeyframe: Boolean(flags & KEYFRAME),
    isHead: Boolean(flags & HEAD),
    isRecoveryPoint: Boolean(flags & RECOVERY_POINT),
    data: new Uint8Array(buffer, HEADER_BYTES),
  });
}

// Browsers play sound only after a click.
at("listen").addEventListener("click", () => {
  page.heard(!listening);
  if (!listening) connect();
  else if (player?.listen) player.listen();
});
at("tap").addEventListener("click", () => letPlay?.());
document.addEventListener("visibilitychange", () => { if (!document.hidden) player?.wake?.(); });
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  say("policy", `A proxy between, or this browser, forbids ${effectiveDirective} ${blockedURI}: let it pass on the page's own Content-Security-Policy.`);
});

// ---- what the device tells ----

function onOverview({ rings, board, hidden }) {
  const best = first(rings);
  if (!isChosen && !shown && best && best.name !== wanted) choose(best.name);
  say("device", rings.length || wanted ? said.device : "There is no ring on this device: start a producer, such as camera-streamer.");
  showRings(rings, wanted);
  const mine = rings.find((ring) => ring.name === wanted);
  if (mine) showRing(mine, hidden);
  showBoard(board);
}

function onSecond(told) {
  showSecond(told, ages_ms.splice(0), skipped);
  player?.check?.();
}

function onTold(told) {
  say("connection", "");
  if (told.type === "overview") onOverview(told);
  else if (told.type === "second") onSecond(told);
  else if (told.type === "stream") startStream(told);
  else if (told.type === "state") say("device", told.text);
}

// ---- the connection ----

function ringOfAddress() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text).slice(0, LONGEST_NAME);
  } catch { // not as we write it
    return text.slice(0, LONGEST_NAME);
  }
}

function turnTo(ring) {
  wanted = ring;
  [form, entry, shown, skipped, stops] = [usualForm, "", 0, 0, 0];
  connect();
}

function choose(ring) {
  history.replaceState(null, "", `#${encodeURIComponent(ring)}`);
  turnTo(ring);
}

function connect() {
  stopPlayer();
  connection.open(wanted ? `?${new URLSearchParams({ ring: wanted, form, entry, tells: "got" })}` : "");
}

connection = new Connection({
  onPart: feed,
  onTold,
  lost: stopPlayer,
  say: (text) => say("connection", text),
  get skipped() { return skipped; },
});
window.addEventListener("hashchange", () => {
  turnTo(ringOfAddress());
  isChosen = Boolean(wanted);
});
say("connection", "Connecting ...");
connect();
