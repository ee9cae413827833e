// SPDX-License-Identifier: Apache-2.0
// The WebSocket to the device. It is opened again when it is lost, and when this page was suspended.

import { Clock } from "./clock.js";
import { whyRefused } from "./refusal.js";

const RETRY_MS = 1000, SELDOM_MS = 15000; // delay after the first failure, and after many
const TICK_MS = 2000;
const SILENT_MS = 6000; // the device sends something every second

export class Connection {
  // page has onPart(buffer), onTold(object), lost(), say(text), and skipped, a count that the device is told.
  constructor(page) {
    Object.assign(this, { page, clock: new Clock(), failures: 0, got: 0 });
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.over = new AbortController();
    const on = (target, kinds, act) => { for (const kind of kinds) target.addEventListener(kind, act, { signal: this.over.signal }); };
    on(window, ["pagehide", "freeze"], () => this.leave());
    on(window, ["pageshow", "resume", "online", "focus"], () => this.wake());
    on(document, ["freeze"], () => this.leave());
    on(document, ["resume", "visibilitychange"], () => this.wake());
  }

  // Closes the connection for good.
  close() {
    this.leave();
    this.over.abort();
    clearInterval(this.ticking);
    this.closed = true;
  }

  open(query = this.query) {
    this.leave();
    Object.assign(this, { query, got: 0, clock: new Clock(), heard_ms: Date.now() });
    const address = new URL(`live${query}`, document.baseURI); // a proxy may have us below a path of its own
    const socket = new WebSocket(address.href.replace(/^http/, "ws"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.ping();
    socket.onmessage = ({ data }) => this.take(data);
    socket.onclose = ({ reason }) => this.onClose(reason);
    this.socket = socket;
  }

  take(data) {
    if (this.isSilent) { // this page was suspended, and the first messages are from before
      this.open();
      return;
    }
    this.heard_ms = Date.now();
    if (data instanceof ArrayBuffer) {
      this.page.onPart(data);
      this.got += 1;
      this.send({ got: this.got, skipped: this.page.skipped });
      return;
    }
    const told = JSON.parse(data);
    if (told.type === "pong") this.clock.onPong(told);
    if (["overview", "alive"].includes(told.type)) this.failures = 0; // the device has accepted us
    this.page.onTold(told);
  }

  send(told) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(told));
  }

  ping() { this.send({ ping_ms: performance.now() }); }

  // By the time of day, which goes on during suspend; it may also be set back.
  get isSilent() { return Math.abs(Date.now() - this.heard_ms) > SILENT_MS; }

  tick() {
    if (this.socket && this.isSilent) this.lose("It has told nothing for some seconds. ");
    else this.ping();
  }

  async onClose(reason) {
    this.lose(reason && `${reason}. `);
    if (reason) return;
    const why = await whyRefused();
    if (why && !this.socket && !this.closed) this.say(why);
  }

  lose(reason) {
    this.leave();
    this.page.lost();
    this.say(reason);
    const wait_ms = Math.min(RETRY_MS * 2 ** this.failures, SELDOM_MS) * (0.8 + 0.4 * Math.random());
    this.failures += 1;
    this.retry = setTimeout(() => this.open(), wait_ms);
  }

  say(reason) { this.page.say(`No connection to the device. ${reason}Trying again ...`); }

  leave() {
    clearTimeout(this.retry);
    if (!this.socket) return;
    Object.assign(this.socket, { onopen: null, onmessage: null, onclose: null });
    this.socket.close();
    this.socket = undefined;
  }

  // Opens the connection again if this page was suspended.
  wake() {
    if (document.hidden || this.query === undefined) return;
    if (!this.socket || this.isSilent) this.open();
  }
}
