// SPDX-License-Identifier: Apache-2.0
// Fragmented MP4 by Media Source Extensions, pictures or sound.

import { Playback } from "./playback.js";
import { HESITATES } from "./reasons.js";
import { Source, mime } from "./support.js";

const HURRY_S = [0.1, 0.25]; // behind the newest picture: played faster from the one on, until it is the other
const HURRY_RATE = 1.5;
const BEHIND_S = 0.6; // then it jumps to the newest picture
const NEAR_S = 0.02; // to the end, as near as need be
const JUMP_MS = 1000; // that a jump helps for, else the browser is too slow
const CALM_MS = 10000; // after which it is not any more
const KEPT_S = 10;
const FEW_WAITING = 2, MANY_WAITING = 60, MOST_WAITING = 1000; // pieces that are not appended yet
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
    const isSound = stream.media === "audio"; // which has a button of its own
    this.playback = new Playback(this.video, (how) => (isSound ? how && this.page.heard(false) : this.page.ask(how)));
    this.playback.play();
    this.watch();
  }

  // After the user's gesture.
  listen() {
    this.video.muted = false;
    this.playback.play();
  }

  wake() { this.playback?.wake(); }

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
    this.waiting.push(part);
    if (this.waiting.length > MANY_WAITING) this.skip();
    this.advance();
  }

  // To the last keyframe of those that wait.
  skip() {
    const at = this.waiting.findLastIndex((part) => part.isKeyframe);
    const left = this.waiting.slice(0, Math.max(at, 0)).filter((part) => !part.isHead);
    this.waiting = this.waiting.filter((part) => !left.includes(part));
    this.page.skipped(left.length);
    if (this.waiting.length > MOST_WAITING) this.stop(new Error("it takes nothing any more."));
  }

  remember({ number, time_ms, isCaptured, isKeyframe, isRecoveryPoint }) {
    this.unsure ??= isRecoveryPoint; // whether this browser can begin there
    this.sent.push({ number, time_ms, isCaptured });
    if (this.sent.length > MOST_SENT) this.sent.shift();
    if (isKeyframe) this.key_s = (time_ms - this.first_ms) / 1000;
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
        this.keepUp(begin, buffer.buffered.end(buffer.buffered.length - 1));
        if (video.currentTime - begin > 2 * KEPT_S) {
          buffer.remove(begin, video.currentTime - KEPT_S);
          return;
        }
      }
      if (this.waiting.length) buffer.appendBuffer(joined(this.waiting.splice(0)));
    } catch (error) {
      this.stop(error);
    }
  }

  // To the newest picture, for which a decoder may need all from the keyframe before on. Where it is too slow for that,
  // from keyframe to keyframe.
  keepUp(begin, end) {
    const { currentTime } = this.video;
    this.hurry(end - currentTime);
    if (this.waiting.length > FEW_WAITING || (currentTime >= begin && end - currentTime <= BEHIND_S)) return;
    const now_ms = performance.now();
    if (now_ms - this.jumped_ms < JUMP_MS) this.slow_ms = now_ms;
    if (!(now_ms - this.slow_ms < CALM_MS)) this.jump(Math.max(end - 0.1, begin));
    else if (this.key_s > currentTime && end - this.key_s < BEHIND_S) this.jump(this.key_s);
  }

  // Pictures only: sound would be heard to be faster.
  hurry(behind_s) {
    if (this.stream.media === "audio") return;
    if (behind_s > HURRY_S[1]) this.video.playbackRate = HURRY_RATE;
    else if (behind_s < HURRY_S[0]) this.video.playbackRate = 1;
  }

  // Once a second: a browser may stand still, waiting for more than there is.
  check() {
    const { buffer, video } = this;
    const end = buffer?.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : 0;
    if (video.currentTime === this.stands_s && end - video.currentTime > NEAR_S) this.jump(end - NEAR_S / 2);
    this.stands_s = video.currentTime;
  }

  jump(to_s) {
    const [from_ms, to_ms] = [this.video.currentTime, to_s].map((at_s) => this.first_ms + at_s * 1000);
    if (this.hasShown) this.page.skipped(this.sent.filter(({ time_ms }) => time_ms > from_ms && time_ms < to_ms).length);
    this.jumped_ms = performance.now();
    this.video.currentTime = to_s;
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
    const dropped = this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0; // by the browser itself
    this.dropped ??= dropped;
    if (dropped > this.dropped) this.page.skipped(dropped - this.dropped);
    this.dropped = dropped;
  }

  close() {
    this.closed = true;
    this.playback?.close();
    this.video.onerror = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.video.removeAttribute("src");
    this.video.load();
  }
}

// All that waits at once, since each time that a browser takes something costs a slow machine much.
function joined(parts) {
  const all = new Uint8Array(parts.reduce((size, { data }) => size + data.length, 0));
  parts.reduce((at, { data }) => { all.set(data, at); return at + data.length; }, 0);
  return all;
}
