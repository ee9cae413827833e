// SPDX-License-Identifier: Apache-2.0
// The page: which ring, what the device tells, and who shows the pictures.

import { Chart } from "./chart.js";
import { CodecsPlayer, JpegPlayer, Mp4Player, hasCodecs, playsMp4 } from "./players.js";
import { bits, bytes, milliseconds, plural } from "./text.js";

const KEYFRAME = 1, HEAD = 2, HEADER_BYTES = 36; // as viewer.py packs them
const RETRY_MS = 1000, PING_MS = 2000;

const at = (id) => document.getElementById(id);
const set = (id, text, bad = false) => {
  at(id).textContent = text;
  at(id).classList.toggle("bad", bad);
};

let socket, player, stream, wanted = decodeURIComponent(location.hash.slice(1));
let form = hasCodecs ? "frames" : "mp4";
if (new URLSearchParams(location.search).get("player") === "mse") form = "mp4";
let shown = 0, ages_ms = [], clocks = [];

const charts = {
  fps: new Chart(at("charts"), "Frame rate", (fps) => `${fps.toFixed(1)} fps`),
  bits: new Chart(at("charts"), "Bitrate", bits),
  ipc: new Chart(at("charts"), "Ring latency", milliseconds, ["p50", "p99"]),
  end: new Chart(at("charts"), "Camera to screen", milliseconds),
};

// ---- the picture ----

function say(text) { set("message", text); }

function onShown(number, capture_ms) {
  shown += 1;
  if (number !== undefined) set("frame", number);
  set("shown", shown);
  const offset_ms = clockOffset();
  if (capture_ms !== undefined && offset_ms !== null) ages_ms.push(performance.now() + offset_ms - capture_ms);
}

function onFailure(reason, unsupported) {
  if (unsupported && form === "frames" && playsMp4(stream)) {
    form = "mp4";
    connect();
    return;
  }
  const name = stream.codec.replace("h26", "H.26");
  const advice = stream.codec === "h265"
    ? "Try Safari, or Chrome or Edge on a machine that decodes it in hardware, or let the camera send H.264."
    : "Try another browser.";
  say(unsupported ? `This browser does not play ${name}. ${advice}` : `The picture can't be shown: ${reason}`);
}

function startStream(told) {
  stopPlayer();
  stream = told;
  const kinds = { frames: told.codec === "jpeg" ? JpegPlayer : CodecsPlayer, mp4: Mp4Player };
  const onCanvas = told.form === "frames";
  at("canvas").hidden = !onCanvas;
  at("video").hidden = onCanvas;
  set("stream", `${told.codec.replace("h26", "H.26")} ${told.width}x${told.height}`);
  if (told.problem) { say(told.problem); return; }
  if (!told.codec_string || (onCanvas && told.codec !== "jpeg" && !hasCodecs)) { onFailure("", true); return; }
  player = new kinds[told.form](at(onCanvas ? "canvas" : "video"), onShown, onFailure);
  set("player", player.name);
  try {
    player.start(told);
  } catch (error) {
    onFailure(error.message, error.name === "NotSupportedError" || error instanceof TypeError);
  }
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
    capture_ms: Number(head.getBigUint64(8, true)) / 1e6,
    isKeyframe: Boolean(flags & KEYFRAME),
    isHead: Boolean(flags & HEAD),
    data: new Uint8Array(buffer, HEADER_BYTES),
  });
}

// ---- how far the device's clock is from ours: by the quickest of the last answers ----

function ping() {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ping_ms: performance.now() }));
}

function onPong(told) {
  const now_ms = performance.now();
  clocks.push({ trip_ms: now_ms - told.ping_ms, offset_ms: told.monotonic_ms - (now_ms + told.ping_ms) / 2 });
  clocks = clocks.slice(-15);
}

function clockOffset() {
  return clocks.length ? clocks.reduce((a, b) => (a.trip_ms <= b.trip_ms ? a : b)).offset_ms : null;
}

// ---- the figures ----

function onSecond(told) {
  const latency_ms = (percent) => (told.latency_s[percent] === undefined ? null : told.latency_s[percent] * 1000);
  ages_ms.sort((a, b) => a - b);
  charts.fps.add(told.fps);
  charts.bits.add(told.bit_rate);
  charts.ipc.add(latency_ms("50"), latency_ms("99"));
  charts.end.add(ages_ms.length ? ages_ms[ages_ms.length >> 1] : null);
  ages_ms = [];
  set("key", told.key_interval === null ? "-" : `${plural(told.key_interval, "frame")}, ${told.key_interval_s.toFixed(2)} s`);
  set("missed", told.missed_total, told.missed > 0);
  const causes = Object.entries(told.dropped).filter(([, count]) => count);
  const lost = causes.map(([cause, count]) => `${count} ${cause === "unknown" ? "" : `since ${cause}`}`.trim());
  set("dropped", lost.join(", ") || "0", causes.length > 0);
  set("restarts", told.restarts, told.restarts > 0);
}

function onOverview({ rings, board, hidden }) {
  at("rings").replaceChildren(...rings.map((ring) => {
    const link = document.createElement("a");
    link.href = `#${encodeURIComponent(ring.name)}`;
    link.textContent = ring.name.slice(1);
    link.title = ring.stalled ? "stalled" : ring.state;
    link.classList.toggle("live", ["live", "v1"].includes(ring.state) && !ring.stalled);
    if (ring.name === wanted) link.setAttribute("aria-current", "true");
    return link;
  }));
  if (!wanted && rings.length) choose(rings[0].name);
  if (!wanted && !rings.length) say("There is no ring on this device: start a producer, such as camera-streamer.");
  const mine = rings.find((ring) => ring.name === wanted);
  if (mine) showRing(mine, hidden);
  showBoard(board);
}

function showRing(ring, hidden) {
  set("writer", ring.writer ? `${ring.writer.name ?? "?"}, pid ${ring.writer.pid}` : "not known");
  set("ring", `${ring.slots} slots of ${bytes(ring.slot_size)}, ${plural(ring.info.frames, "frame")} written`);
  const rows = ring.readers.map((reader) => {
    const row = document.createElement("tr");
    for (const text of [`${reader.name}, pid ${reader.pid}`, reader.received ?? "-", reader.missed ?? "-"]) {
      row.insertCell().textContent = text;
    }
    return row;
  });
  if (hidden) {
    const row = document.createElement("tr");
    row.insertCell().textContent = `${plural(hidden, "process", "processes")} of other users could not be looked at`;
    rows.push(row);
  }
  at("readers").tBodies[0].replaceChildren(...rows);
}

function showBoard(board) {
  const clocks_mhz = board.clocks_mhz;
  set("model", board.model ?? board.architecture);
  set("temperature", board.temperature_c === null ? "not told" : `${board.temperature_c.toFixed(1)} °C`, board.temperature_c >= 80);
  set("clocks", clocks_mhz.length ? `${Math.min(...clocks_mhz)} to ${Math.max(...clocks_mhz)} MHz` : "not told");
  set("throttling", board.throttling === null ? "not told" : board.throttling.join(", ") || "none", Boolean(board.throttling?.length));
  set("load", `${board.load.toFixed(2)} on ${plural(board.processors, "processor")}`, board.load > 2 * board.processors);
  set("memory", `${bytes(board.memory_available)} of ${bytes(board.memory_total)}`);
  set("shm", `${bytes(board.shared_memory.free)} of ${bytes(board.shared_memory.total)}`);
}

// ---- the connection ----

function choose(ring) {
  wanted = ring;
  history.replaceState(null, "", `#${encodeURIComponent(ring)}`);
  connect();
}

function onMessage(message) {
  if (message.data instanceof ArrayBuffer) { feed(message.data); return; }
  const told = JSON.parse(message.data);
  if (told.type === "overview") onOverview(told);
  else if (told.type === "second") onSecond(told);
  else if (told.type === "stream") startStream(told);
  else if (told.type === "state") say(told.text);
  else if (told.type === "pong") onPong(told);
}

function connect() {
  if (socket) { socket.onclose = null; socket.onmessage = null; socket.close(); }
  stopPlayer();
  clocks = [];
  const query = wanted ? `?${new URLSearchParams({ ring: wanted, form })}` : "";
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live${query}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = ping;
  socket.onmessage = onMessage;
  socket.onclose = () => {
    stopPlayer();
    say("No connection to the device. Trying again ...");
    setTimeout(connect, RETRY_MS);
  };
}

setInterval(ping, PING_MS);
window.addEventListener("hashchange", () => {
  wanted = decodeURIComponent(location.hash.slice(1));
  connect();
});
connect();
