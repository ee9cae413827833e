// SPDX-License-Identifier: Apache-2.0
// Fragmented MP4 by Media Source Extensions, pictures or sound.

import { HESITATES } from "./reasons.js";
import { Source, mime } from "./support.js";

const BEHIND_S = 0.6; // then it jumps to the newest picture
const KEPT_S = 10;
const MOST_SENT = 240; // pictures that are remembered
const PATIENCE_MS = 3000;

export class Mp4Player {
  name = "Media Source Extensions";

  constructor(video, page) {
    Object.assign(this, { video, page, waiting: [], sent: [], closed: false, hasShown: false });
  }

  start(stream) {
    this.stream = stream;
    this.source = new Source();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => this.open(), { once: true });
    this.video.onerror = () => this.stop(this.video.error);
    this.video.muted = true;
    this.video.src = this.url;
    this.play();
    this.watch();
  }

  play() { this.video.play().catch(() => {}); } // it plays once there is something

  // After the user's gesture.
  listen() {
    this.video.muted = false;
    this.play();
  }

  open() {
    if (this.closed) return;
    try {
      this.buffer = this.source.addSourceBuffer(mime(this.stream));
    } catch (error) {
      this.stop(error);
      return;
    }
    this.buffer.addEventListener("updateend", () => this.advance());
    this.advance();
  }

  feed(part) {
    if (part.isHead) {
      this.first_ms = part.time_ms;
      this.began_ms = performance.now();
    } else {
      this.remember(part);
      if (this.stream.media === "audio") this.page.shown({ number: part.number });
      else if (!this.hasShown && performance.now() - this.began_ms > PATIENCE_MS) this.hesitate();
    }
    this.waiting.push(part.data);
    this.advance();
  }

  remember({ number, time_ms, isCaptured, isRecoveryPoint }) {
    this.unsure ??= isRecoveryPoint; // whether this browser can begin there
    this.sent.push({ number, time_ms, isCaptured });
    if (this.sent.length > MOST_SENT) this.sent.shift();
  }

  hesitate() {
    this.page.note(this.unsure ? HESITATES : "The browser takes the pictures, and shows none.");
  }

  advance() {
    const { buffer, video } = this;
    if (this.closed || !buffer || buffer.updating || video.error) return;
    try {
      if (buffer.buffered.length) {
        const begin = buffer.buffered.start(0);
        const end = buffer.buffered.end(buffer.buffered.length - 1);
        if (end - video.currentTime > BEHIND_S || video.currentTime < begin) video.currentTime = Math.max(end - 0.1, begin);
        if (video.currentTime - begin > 2 * KEPT_S) {
          buffer.remove(begin, video.currentTime - KEPT_S);
          return;
        }
      }
      if (this.waiting.length) buffer.appendBuffer(this.waiting.shift());
    } catch (error) {
      this.stop(error);
    }
  }

  // Once: the page begins anew.
  stop(error) {
    if (this.closed) return;
    if (this.unsure && !this.hasShown) this.page.needsIdr();
    else this.page.restart(error.message || `media error ${error.code}`);
  }

  watch() {
    const see = (_, { mediaTime }) => {
      if (this.closed) return;
      this.see(this.sentAt(this.first_ms + mediaTime * 1000));
      this.video.requestVideoFrameCallback(see);
    };
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(see);
    else if (this.stream.media === "video") this.video.addEventListener("timeupdate", () => !this.closed && this.see());
  }

  sentAt(time_ms) {
    const away_ms = (part) => Math.abs(part.time_ms - time_ms);
    return this.sent.reduce((best, part) => (best && away_ms(best) <= away_ms(part) ? best : part), undefined);
  }

  see(part) {
    if (!this.hasShown) this.page.note("");
    this.hasShown = true;
    this.page.shown(part);
  }

  close() {
    this.closed = true;
    this.video.onerror = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.video.removeAttribute("src");
    this.video.load();
  }
}
