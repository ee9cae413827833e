// SPDX-License-Identifier: Apache-2.0
// H.264 and H.265 by WebCodecs.

import { CanvasPlayer } from "./canvas_player.js";
import { HESITATES, LARGE_PIXELS } from "./reasons.js";

const MOST_WAITING = 60; // pictures in the decoder
const PATIENCE_MS = 3000;
const CALM_MS = 10000; // without trouble, after which nothing is said of it any more

export class CodecsPlayer extends CanvasPlayer {
  name = "WebCodecs";

  start(stream) {
    this.config = {
      codec: stream.codec_string,
      codedWidth: stream.width,
      codedHeight: stream.height,
      optimizeForLatency: !stream.reorders,
    };
    this.pixels = stream.width * stream.height;
    this.stops = 0;
    this.open();
  }

  open() {
    this.sent = new Map(); // by time
    this.waits = true; // for an entry point
    this.crowded_ms = undefined; // since when too many wait in the decoder
    const decoder = new VideoDecoder({
      output: (frame) => this.show(frame),
      error: (error) => { if (decoder === this.decoder) this.stop(error); },
    });
    this.decoder = decoder;
    decoder.configure(this.config);
  }

  feed(part) {
    if (this.decoder.state !== "configured" || (this.waits && !part.isKeyframe)) return;
    const isTooSlow = this.isTooSlow();
    if (part.isKeyframe && isTooSlow) this.catchUp();
    if (part.isKeyframe) this.enter(part.isRecoveryPoint);
    const timestamp = this.remember(part);
    try {
      const type = part.isKeyframe ? "key" : "delta";
      this.decoder.decode(new EncodedVideoChunk({ type, timestamp, data: part.data }));
    } catch (error) {
      this.stop(error);
      return;
    }
    if (!this.hasShown && performance.now() - this.entered_ms > PATIENCE_MS) this.hesitate();
  }

  // A rush of pictures, as from a ring's last keyframe on, is no sign of that.
  isTooSlow() {
    if (this.decoder.decodeQueueSize <= MOST_WAITING) this.crowded_ms = undefined;
    else this.crowded_ms ??= performance.now();
    return performance.now() - this.crowded_ms > PATIENCE_MS;
  }

  catchUp() {
    this.page.note("This browser decodes more slowly than the pictures come: some are left out.");
    this.stopped_ms = performance.now();
    this.close();
    this.open();
  }

  // unsure: whether this browser can begin there. Once it has come to the next one, it could.
  enter(isRecoveryPoint) {
    if (this.waits) Object.assign(this, { waits: false, hasShown: false, unsure: isRecoveryPoint, entered_ms: performance.now() });
    else if (this.hasShown) this.unsure = false;
  }

  hesitate() {
    this.hesitates = true;
    this.page.note(this.unsure ? HESITATES : "The decoder takes the pictures, and shows none.");
  }

  // Its time, as a decoder hands it back: in microseconds, and each another.
  remember({ number, time_ms, isCaptured }) {
    let timestamp = Math.round(time_ms * 1000);
    while (this.sent.has(timestamp)) timestamp += 1;
    this.sent.set(timestamp, { number, time_ms, isCaptured });
    if (this.sent.size > 2 * MOST_WAITING) this.sent.delete(this.sent.keys().next().value);
    return timestamp;
  }

  show(frame) {
    const part = this.sent.get(frame.timestamp);
    this.sent.delete(frame.timestamp);
    this.draw(frame, frame.displayWidth, frame.displayHeight);
    this.hasShown = true;
    this.page.shown(part);
    const isCalm = this.stopped_ms && performance.now() - this.stopped_ms > CALM_MS;
    if (!isCalm && !this.hesitates) return;
    Object.assign(this, { stops: 0, stopped_ms: 0, hesitates: false });
    this.page.note("");
  }

  // After an error: why, and on from the next entry point. The error's name differs between browsers: whether the codec
  // is the cause is asked for.
  async stop(error) {
    const decoder = this.decoder;
    this.close();
    const told = await VideoDecoder.isConfigSupported(this.config).catch(() => ({ supported: false }));
    if (decoder !== this.decoder) return; // closed meanwhile
    if (!told.supported) { this.page.unsupported(); return; }
    if (this.unsure) { this.page.needsIdr(); return; }
    this.stops += 1;
    this.stopped_ms = performance.now();
    if (this.stops > 1) {
      const size = this.pixels > LARGE_PIXELS ? ` ${this.config.codedWidth}x${this.config.codedHeight} may be too large for it.` : "";
      this.page.note(`The decoder has stopped ${this.stops} times, and begins again at each keyframe: ${error.message}${size} Another browser may go on.`);
    }
    this.open();
  }

  close() {
    if (this.decoder.state !== "closed") this.decoder.close();
  }
}
