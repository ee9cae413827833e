// SPDX-License-Identifier: Apache-2.0
// Plays H.264 and H.265 with WebCodecs. If the decoder is too slow, pictures are skipped up to a keyframe.

import { CanvasPlayer } from "./canvas_player.js";
import { Lateness } from "./lateness.js";
import { HESITATES, LARGE_PIXELS, TOO_SLOW } from "./reasons.js";
import { Waiting } from "./waiting.js";

const MOST_WAIT_MS = 500; // in the decoder
const LATE_MS = 700; // a picture that is later than this is not shown if there is a newer one
const RARELY_MS = 2000; // the longest time without a picture on screen, while pictures are decoded
const RUSH_MS = [500, 2000]; // shortest and longest time to catch up with the frames that the ring held
const MOST_SENT = 600; // pictures that are remembered
const PATIENCE_MS = 3000;
const CALM_MS = 10000; // without trouble, after which the note about it is removed

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
    this.lateness = new Lateness();
    this.rush_ms = performance.now(); // when catching up began; 0: it is over
    this.open();
  }

  open() {
    this.sent = new Map(); // by timestamp
    this.waits = true; // whether it waits for an entry point
    const decoder = new VideoDecoder({
      output: (frame) => this.show(frame),
      error: (error) => { if (decoder === this.decoder) this.stop(error); },
    });
    this.decoder = decoder;
    this.waiting = new Waiting(decoder, this.waiting?.each_ms);
    decoder.configure(this.config);
  }

  feed(part) {
    if (this.decoder.state !== "configured") return;
    this.lateness.arrived(part);
    this.newest = part.number;
    if (this.isBehind()) this.skip();
    if (this.waits && !(part.isKeyframe && this.waiting.next_ms <= MOST_WAIT_MS)) {
      this.page.skipped(1);
      return;
    }
    if (part.isKeyframe) this.enter(part.isRecoveryPoint);
    const timestamp = this.remember(part);
    try {
      const type = part.isKeyframe ? "key" : "delta";
      this.decoder.decode(new EncodedVideoChunk({ type, timestamp, data: part.data }));
      this.waiting.put();
    } catch (error) {
      this.stop(error);
      return;
    }
    if (!this.hasShown && performance.now() - this.entered_ms > PATIENCE_MS) this.hesitate();
  }

  // Whether the decoder is behind; while it catches up with the frames that the ring held, it is not.
  isBehind() {
    const isRush = this.rush_ms && performance.now() - this.rush_ms < RUSH_MS[1];
    return !isRush && this.waiting.next_ms > MOST_WAIT_MS;
  }

  skip() {
    this.rush_ms = 0;
    this.waits = true;
    this.trouble_ms = performance.now();
    this.page.note(TOO_SLOW);
    if (this.waiting.oldest_ms <= LATE_MS) return;
    this.page.skipped(this.sent.size);
    this.close();
    this.open();
  }

  // unsure: it is not known whether this browser can begin here, until it has reached the next entry point.
  enter(isRecoveryPoint) {
    if (this.waits) Object.assign(this, { waits: false, hasShown: false, unsure: isRecoveryPoint, entered_ms: performance.now() });
    else if (this.hasShown) this.unsure = false;
  }

  hesitate() {
    this.hesitates = true;
    this.page.note(this.unsure ? HESITATES : "The decoder takes the pictures, and shows none.");
  }

  // Returns a unique timestamp in microseconds, by which the decoder's output is matched.
  remember({ number, time_ms, published_ms, isCaptured }) {
    let timestamp = Math.round(time_ms * 1000);
    while (this.sent.has(timestamp)) timestamp += 1;
    this.sent.set(timestamp, { number, time_ms, published_ms, isCaptured });
    if (this.sent.size > MOST_SENT) this.sent.delete(this.sent.keys().next().value);
    return timestamp;
  }

  show(frame) {
    const part = this.sent.get(frame.timestamp);
    this.sent.delete(frame.timestamp);
    this.waiting.take();
    if (!this.decoder.decodeQueueSize && performance.now() - this.rush_ms > RUSH_MS[0]) this.rush_ms = 0;
    this.hasShown = true;
    if (this.isTooLate(part)) {
      frame.close();
      if (!this.rush_ms) this.page.skipped(1);
    } else {
      this.draw(frame, frame.displayWidth, frame.displayHeight);
      this.shown_ms = performance.now();
      this.page.shown(part);
    }
    this.calmDown();
  }

  // A late picture is better than none.
  isTooLate(part) {
    if (!part || part.number === this.newest || performance.now() - this.shown_ms > RARELY_MS) return false;
    return this.lateness.of_ms(part) > LATE_MS;
  }

  calmDown() {
    const isCalm = this.trouble_ms && performance.now() - this.trouble_ms > CALM_MS;
    if (!isCalm && !this.hesitates) return;
    Object.assign(this, { stops: 0, trouble_ms: 0, hesitates: false });
    this.page.note("");
  }

  // Handles an error, and goes on from the next entry point. Whether the codec is the cause must be asked for, since the
  // name of the error differs between browsers.
  async stop(error) {
    const decoder = this.decoder;
    this.close();
    const told = await VideoDecoder.isConfigSupported(this.config).catch(() => ({ supported: false }));
    if (decoder !== this.decoder) return; // closed meanwhile
    if (!told.supported) { this.page.unsupported(); return; }
    if (this.unsure) { this.page.needsIdr(); return; }
    this.stops += 1;
    this.trouble_ms = performance.now();
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
