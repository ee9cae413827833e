// SPDX-License-Identifier: Apache-2.0
// What a SourceBuffer is given, and when: all that comes, at once; or, where the browser is too slow for that, no more
// than it is about to show, and nothing while that waits, until the next keyframe. What is left out leaves no gap in the
// time of what is played, so that there is nothing to seek over: a seek costs a slow browser as much as some pictures.

import { TOO_SLOW } from "./reasons.js";

const MANY_WAITING = 60, MOST_WAITING = 1000; // pieces that are not appended yet
const MOST_SENT = 240; // pictures that are remembered
// Of a browser that is too slow:
const CALM_MS = 10000; // after which it is not any more
const MOST_AHEAD = 3, MOST_REORDERED = 8; // pictures that it has, and has not shown
const MOST_WAIT_MS = 250; // of what it has not shown, while more is passed on
const SOME_WAIT_MS = 150; // likewise, where a keyframe comes
const HELD_MS = 500; // of what it has not shown, when it is not to be shown any more
const GAP_S = 0.1; // between pictures, where the device has left out some
const STEP_S = 0.03; // between them instead
const INTO_S = 0.005; // a picture: a time of just before it would be sought in the one before

export class Feeding {
  // page: as a player's. reorders: whether pictures come in another order than they are shown in.
  constructor(page, reorders) {
    Object.assign(this, { page, most: reorders ? MOST_REORDERED : MOST_AHEAD, waiting: [], sent: [] });
    Object.assign(this, { left_s: 0, seen_s: -1, until_s: 0, leaves: false, hasGap: false });
  }

  // All times from here on, in seconds, are those of what is played.
  begin({ time_ms }) { this.first_ms = time_ms; }

  slowDown() {
    this.slow_ms = performance.now();
    this.page.note(TOO_SLOW);
  }

  get isSlow() { return performance.now() - this.slow_ms < CALM_MS; }

  calmDown() {
    if (!this.slow_ms || this.isSlow) return;
    this.slow_ms = undefined;
    this.page.note("");
  }

  put(part) {
    if (this.isSlow) this.choose(part);
    else this.leaves = false;
    if (this.leaves && !part.isHead) {
      this.page.skipped(1);
      return;
    }
    this.waiting.push({ ...part, arrived_ms: performance.now() });
    if (this.waiting.length > MANY_WAITING) this.skipTo(this.waiting.findLastIndex(({ isKeyframe }) => isKeyframe));
  }

  // Whether what waits is passed on, and what comes now.
  choose({ isKeyframe }) {
    if (isKeyframe) {
      if (this.waited_ms > SOME_WAIT_MS) this.leaveOut();
      this.leaves = false;
    } else if (this.waited_ms > MOST_WAIT_MS) {
      this.slowDown();
      this.leaveOut();
    }
  }

  get isStuck() { return this.waiting.length > MOST_WAITING; }

  // Up to the last keyframe of those that wait, else up to the next one.
  leaveOut() {
    const at = this.waiting.findLastIndex(({ isKeyframe }) => isKeyframe);
    this.leaves = at < 0;
    this.hasGap = true;
    this.skipTo(this.leaves ? this.waiting.length : at);
  }

  skipTo(at) {
    const left = this.waiting.slice(0, Math.max(at, 0)).filter((part) => !part.isHead);
    this.waiting = this.waiting.filter((part) => !left.includes(part));
    this.page.skipped(left.length);
  }

  get ahead() { return this.sent.filter(({ at_s }) => at_s > this.seen_s); }

  // The longest of what is not shown yet.
  get waited_ms() {
    const next = this.ahead[0] ?? this.waiting.find((part) => !part.isHead);
    return next ? performance.now() - next.arrived_ms : 0;
  }

  // What is at that time is shown, or was.
  seen(at_s) { this.seen_s = Math.max(this.seen_s, at_s); }

  // What to append now, and by what its times are to be moved; undefined: nothing.
  take() {
    const count = this.isSlow ? this.most - this.ahead.length : this.waiting.length;
    const parts = this.waiting.slice(0, Math.max(count, 0));
    const [first] = this.waiting;
    if (!parts.length && (first?.isKeyframe || first?.isHead)) parts.push(first);
    if (!parts.length) return undefined;
    if (this.isSlow && first.isKeyframe && (this.hasGap || this.timeOf(first) - this.until_s > GAP_S)) this.closeGap(first);
    this.waiting.splice(0, parts.length);
    for (const part of parts) if (!part.isHead) this.remember(part);
    return { data: joined(parts), offset_s: -this.left_s };
  }

  // What the browser holds is too old then: only what comes is shown.
  closeGap(keyframe) {
    this.hasGap = false;
    const at_s = Math.max(this.until_s, this.seen_s) + STEP_S;
    this.left_s = Math.max(this.left_s, (keyframe.time_ms - this.first_ms) / 1000 - at_s);
    if (this.ahead.length && this.waited_ms > HELD_MS) this.enter_s = this.timeOf(keyframe) + INTO_S;
    this.seen_s = at_s - INTO_S; // or will not be shown
  }

  timeOf({ time_ms }) { return (time_ms - this.first_ms) / 1000 - this.left_s; }

  remember(part) {
    const at_s = this.timeOf(part);
    this.until_s = Math.max(this.until_s, at_s);
    this.sent.push({ number: part.number, time_ms: part.time_ms, isCaptured: part.isCaptured, arrived_ms: part.arrived_ms, at_s });
    if (this.sent.length > MOST_SENT) this.sent.shift();
  }

  // The one that is shown at that time.
  at(at_s) {
    const away_s = (one) => Math.abs(one.at_s - at_s);
    return this.sent.reduce((best, one) => (best && away_s(best) <= away_s(one) ? best : one), undefined);
  }

  // How many are between those times.
  between(from_s, to_s) { return this.sent.filter(({ at_s }) => at_s > from_s && at_s < to_s).length; }
}

// In one piece, since each time that a browser takes something costs a slow machine much.
function joined(parts) {
  const all = new Uint8Array(parts.reduce((size, { data }) => size + data.length, 0));
  parts.reduce((at, { data }) => { all.set(data, at); return at + data.length; }, 0);
  return all;
}
