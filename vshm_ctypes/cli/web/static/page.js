// SPDX-License-Identifier: Apache-2.0
// The page: which ring, what the device tells, and who shows the pictures or plays the sound.

import { Clock } from "./clock.js";
import { CodecsPlayer } from "./codecs_player.js";
import { showBoard, showRing, showSecond } from "./figures.js";
import { JpegPlayer } from "./jpeg_player.js";
import { Mp4Player } from "./mp4_player.js";
import { at, set } from "./page_text.js";
import { describe, whyNot } from "./reasons.js";
import { first, showRings } from "./rings.js";
import { SoundPlayer } from "./sound_player.js";
import { hasCodecs, hasSoundCodecs, playsMp4 } from "./support.js";

const KEYFRAME = 1, HEAD = 2, RECOVERY_POINT = 4, CAPTURED = 8, HEADER_BYTES = 36; // as showing.py packs them
const RETRY_MS = 1000, PING_MS = 2000, CALM_MS = 10000;

let socket, player, stream, clock = new Clock();
let wanted = ringOfAddress(), isChosen = Boolean(wanted); // by the user
const usualForm = hasCodecs && new URLSearchParams(location.search).get("player") !== "mse" ? "frames" : "mp4";
let form = usualForm;
let entry = ""; // "idr": this browser can begin nowhere else
let listening = false;
let shown = 0, ages_ms = [], stops = 0, stopped_ms = 0;

// ---- what is said: what is most in the way ----

const said = { connection: "Connecting ...", device: "", player: "" };

function say(who, text) {
  said[who] = text;
  set("message", said.connection || [said.device, said.player].filter(Boolean).join(" "));
}

// ---- who plays it ----

// What a player may ask of the page.
const page = {
  shown(part) {
    shown += 1;
    set("shown", shown);
    if (part) set("frame", part.number);
    const now_ms = clock.now_ms();
    if (part?.isCaptured && now_ms !== null) ages_ms.push(now_ms - part.time_ms);
    if (stops && performance.now() - stopped_ms > CALM_MS) {
      stops = 0;
      page.note("");
    }
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
    isCaptured: Boolean(flags & CAPTURED), // at that time; else it is on a clock that we do not know
    isKeyframe: Boolean(flags & KEYFRAME),
    isHead: Boolean(flags & HEAD),
    isRecoveryPoint: Boolean(flags & RECOVERY_POINT),
    data: new Uint8Array(buffer, HEADER_BYTES),
  });
}

// Browsers play sound only after a click.
at("listen").addEventListener("click", () => {
  listening = !listening;
  set("listen", listening ? "Stop" : "Listen");
  if (!listening) connect();
  else if (player?.listen) player.listen();
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

function onMessage(message) {
  if (message.data instanceof ArrayBuffer) { feed(message.data); return; }
  const told = JSON.parse(message.data);
  if (told.type === "overview") onOverview(told);
  else if (told.type === "second") showSecond(told, ages_ms.splice(0));
  else if (told.type === "stream") startStream(told);
  else if (told.type === "state") say("device", told.text);
  else if (told.type === "pong") clock.onPong(told);
}

// ---- the connection ----

function ringOfAddress() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text);
  } catch { // not as we write it
    return text;
  }
}

function turnTo(ring) {
  wanted = ring;
  [form, entry, shown, stops] = [usualForm, "", 0, 0];
  connect();
}

function choose(ring) {
  history.replaceState(null, "", `#${encodeURIComponent(ring)}`);
  turnTo(ring);
}

function ping() {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ping_ms: performance.now() }));
}

function connect() {
  if (socket) { socket.onclose = null; socket.onmessage = null; socket.close(); }
  stopPlayer();
  clock = new Clock();
  const query = wanted ? `?${new URLSearchParams({ ring: wanted, form, entry })}` : "";
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live${query}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { say("connection", ""); ping(); };
  socket.onmessage = onMessage;
  socket.onclose = onClose;
}

async function onClose({ reason }) {
  stopPlayer();
  say("connection", `No connection to the device${reason && `: ${reason}`}. Trying again ...`);
  const closed = socket;
  setTimeout(() => { if (socket === closed) connect(); }, RETRY_MS);
  if (reason) return;
  try { // perhaps it is there, and has let us in no more
    const answer = await fetch(location.pathname);
    if ([401, 403].includes(answer.status)) say("connection", await answer.text());
  } catch {
    // it is not there
  }
}

setInterval(ping, PING_MS);
window.addEventListener("hashchange", () => {
  turnTo(ringOfAddress());
  isChosen = Boolean(wanted);
});
connect();
