// SPDX-License-Identifier: Apache-2.0
// Plays fragmented MP4, pictures or sound, with Media Source Extensions.

import { Feeding } from "./feeding.js";
import { Playback } from "./playback.js";
import { HESITATES } from "./reasons.js";
import { Source, mime } from "./support.js";

const HURRY_S = [0.1, 0.25]; // distance from the newest picture at which normal speed resumes, and at which faster playback begins
const HURRY_RATE = 1.5;
const BEHIND_S = 0.6; // distance at which it jumps to the newest picture
const NEAR_S = 0.02; // near enough to the end
const SAME_S = 0.001; // times that differ by less are equal
const JUMP_MS = 1000; // if another jump is needed sooner, the browser is too slow
const KEPT_S = 10;
const FEW_WAITING = 2; // parts that are not appended yet
const PATIENCE_MS = 3000;

export class Mp4Player {
  name = "Media Source Extensions";

  constructor(video, page) {
    Object.assign(this, { video, page, closed: false, hasShown: false });
  }

  start(stream) {
    this.stream = stream;
    this.feeding = new Feeding(this.page, stream.reorders);
    this.source = new Source();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => this.open(), { once: true });
    this.video.onerror = () => this.stop(this.video.error);
    this.video.muted = true;
    this.video.src = this.url;
    const isSound = stream.media === "audio"; // sound has a button of its own
    this.playback = new Playback(this.video, (how) => (isSound ? how && this.page.heard(false) : this.page.ask(how)));
    this.playback.play();
    this.watch();
  }

  // To be called from a user's gesture.
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
      this.feeding.begin(part);
      this.began_ms = performance.now();
    } else {
      this.unsure ??= part.isRecoveryPoint; // it is not known whether this browser can begin here
      if (this.stream.media === "audio") this.page.shown({ number: part.number });
      else if (!this.hasShown && performance.now() - this.began_ms > PATIENCE_MS) this.hesitate();
    }
    this.feeding.put(part);
    if (this.feeding.isStuck) this.stop(new Error("it takes nothing any more."));
    this.advance();
  }

  hesitate() {
    this.page.note(this.unsure ? HESITATES : "The browser takes the pictures, and shows none.");
  }

  advance() {
    const { buffer, video } = this;
    if (this.closed || !buffer || buffer.updating || video.error) return;
    try {
      this.feeding.seen(video.currentTime);
      if (buffer.buffered.length) {
        const begin = buffer.buffered.start(0);
        this.keepUp(begin, buffer.buffered.end(buffer.buffered.length - 1));
        if (video.currentTime - begin > 2 * KEPT_S) {
          buffer.remove(begin, video.currentTime - KEPT_S);
          return;
        }
      }
      const next = this.feeding.take();
      if (!next) return;
      if (buffer.timestampOffset !== next.offset_s) buffer.timestampOffset = next.offset_s;
      buffer.appendBuffer(next.data);
    } catch (error) {
      this.stop(error);
    }
  }

  // Keeps up with the newest picture, for which a decoder may need all pictures since the keyframe before it. A decoder
  // that is too slow for that gets fewer.
  keepUp(begin, end) {
    const { feeding, video: { currentTime } } = this;
    if (feeding.isSlow) {
      this.hurry(0);
      if (feeding.enter_s > currentTime) this.jump(feeding.enter_s);
      feeding.enter_s = undefined;
      return;
    }
    this.hurry(end - currentTime);
    if (feeding.waiting.length > FEW_WAITING || (currentTime >= begin && end - currentTime <= BEHIND_S)) return;
    if (performance.now() - this.jumped_ms < JUMP_MS && this.stream.media === "video") feeding.slowDown();
    else this.jump(Math.max(end - 0.1, begin));
  }

  // For pictures only, since faster sound would be heard.
  hurry(behind_s) {
    if (this.stream.media === "audio") return;
    if (behind_s > HURRY_S[1]) this.video.playbackRate = HURRY_RATE;
    else if (behind_s < HURRY_S[0]) this.video.playbackRate = 1;
  }

  // Called once a second: a browser may have stopped, waiting for more data than there is.
  check() {
    const { buffer, video } = this;
    const end = buffer?.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : 0;
    if (video.currentTime === this.stands_s && end - video.currentTime > NEAR_S) this.jump(end - NEAR_S / 2);
    this.stands_s = video.currentTime;
  }

  jump(to_s) {
    if (this.hasShown) this.page.skipped(this.feeding.between(this.video.currentTime, to_s));
    this.jumped_ms = performance.now();
    this.feeding.seen(to_s - SAME_S);
    this.video.currentTime = to_s;
  }

  // Called once; the page then starts a new player.
  stop(error) {
    if (this.closed) return;
    if (this.unsure && !this.hasShown) this.page.needsIdr();
    else this.page.restart(error.message || `media error ${error.code}`);
  }

  watch() {
    const see = (_, { mediaTime }) => {
      if (this.closed) return;
      this.feeding.seen(mediaTime + SAME_S);
      this.see(this.feeding.at(mediaTime));
      this.video.requestVideoFrameCallback(see);
    };
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(see);
    else if (this.stream.media === "video") this.video.addEventListener("timeupdate", () => !this.closed && this.see());
  }

  see(part) {
    if (!this.hasShown) this.page.note("");
    this.hasShown = true;
    this.page.shown(part);
    const dropped = this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0; // dropped by the browser itself
    this.dropped ??= dropped;
    if (dropped > this.dropped) this.page.skipped(dropped - this.dropped);
    this.dropped = dropped;
    this.feeding.calmDown();
    this.advance(); // the buffer may have room for more
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
