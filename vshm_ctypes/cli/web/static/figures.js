// SPDX-License-Identifier: Apache-2.0
// The charts, and the figures of the ring, its readers and the board.

import { Chart, WINDOW_MS } from "./chart.js";
import { History } from "./history.js";
import { at, set } from "./page_text.js";
import { bits, bytes, milliseconds, plural, short } from "./text.js";

const history = new History(WINDOW_MS);
const charts = {
  fps: new Chart(at("charts"), "Frame rate", (fps) => `${fps.toFixed(1)} fps`, short),
  bits: new Chart(at("charts"), "Bitrate", bits, short),
  ipc: new Chart(at("charts"), "Ring latency", milliseconds, short, ["p50", "p99"]),
  end: new Chart(at("charts"), "Camera to screen", milliseconds, short),
};

// Takes the rates of every ring in a second; wanted is the ring on screen.
export function showRates(rings, wanted) {
  history.keep(rings.map((ring) => ring.name));
  for (const { name, fps, bit_rate } of rings) {
    history.add(name, "fps", fps);
    history.add(name, "bits", bit_rate);
  }
  for (const series of Object.keys(charts)) charts[series].show(history.of(wanted, series));
}

// Takes a second of the ring. ages_ms are those of the pictures shown in it; skipped counts this page's skips in all.
export function showSecond(told, ages_ms, skipped) {
  const latency_ms = (percent) => (told.latency_s[percent] === undefined ? null : told.latency_s[percent] * 1000);
  ages_ms.sort((a, b) => a - b);
  history.add(told.ring, "ipc", latency_ms("50"), latency_ms("99"));
  history.add(told.ring, "end", ages_ms.length ? ages_ms[ages_ms.length >> 1] : null);
  for (const series of ["ipc", "end"]) charts[series].show(history.of(told.ring, series));
  set("key", told.key_interval === null ? "-" : `${plural(told.key_interval, "frame")}, ${told.key_interval_s.toFixed(2)} s`);
  set("missed", told.missed_total, told.missed > 0);
  set("skipped", told.skipped + skipped, told.skipped + skipped > 0);
  const causes = Object.entries(told.dropped).filter(([, count]) => count);
  const lost = causes.map(([cause, count]) => `${count} ${cause === "unknown" ? "" : `since ${cause}`}`.trim());
  set("dropped", lost.join(", ") || "0", causes.length > 0);
  set("restarts", told.restarts, told.restarts > 0);
}

export function forgetSecond() { for (const id of ["key", "missed", "skipped", "dropped", "restarts"]) set(id, "-"); }

// Shows a ring, or undefined if it does not exist or is not known yet.
export function showRing(ring, hidden) {
  at("untold").hidden = !ring?.readers.some((reader) => reader.received === undefined);
  at("readers").tBodies[0].replaceChildren(...(ring ? readerRows(ring, hidden) : []));
  if (!ring) {
    for (const id of ["writer", "ring"]) set(id, "-");
    return;
  }
  set("writer", ring.writer ? `${ring.writer.name ?? "?"}, pid ${ring.writer.pid}` : "not known");
  set("ring", `${ring.slots} slots of ${bytes(ring.slot_size)}, ${plural(ring.info.frames, "frame")} written`);
}

function readerRows(ring, hidden) {
  const rows = ring.readers.map((reader) => {
    const row = document.createElement("tr");
    const name = `${reader.name}, pid ${reader.pid}${reader.viewer ? `, for ${reader.viewer}` : ""}`;
    for (const text of [name, reader.received ?? "-", reader.missed ?? "-", reader.skipped ?? "-"]) {
      row.insertCell().textContent = text;
    }
    return row;
  });
  if (hidden) {
    const row = document.createElement("tr");
    row.insertCell().textContent = `${plural(hidden, "process", "processes")} of other users could not be examined`;
    rows.push(row);
  }
  return rows;
}

function free(available, total) {
  const told = (value) => (value == null ? "not told" : bytes(value));
  return total == null ? told(total) : `${told(available)} of ${told(total)}`;
}

export function showBoard(board) {
  const clocks_mhz = board.clocks_mhz;
  set("model", board.model ?? board.architecture);
  set("temperature", board.temperature_c === null ? "not told" : `${board.temperature_c.toFixed(1)} °C`, board.temperature_c >= 80);
  set("clocks", clocks_mhz.length ? `${Math.min(...clocks_mhz)} to ${Math.max(...clocks_mhz)} MHz` : "not told");
  set("throttling", board.throttling === null ? "not told" : board.throttling.join(", ") || "none", Boolean(board.throttling?.length));
  set("load", board.load === null ? "not told" : `${board.load.toFixed(2)} on ${plural(board.processors, "processor")}`, board.load > 2 * board.processors);
  set("memory", free(board.memory_available, board.memory_total));
  set("shm", free(board.shared_memory?.free, board.shared_memory?.total));
}
