// SPDX-License-Identifier: Apache-2.0
// Decides what a SourceBuffer gets, and when: everything at once, or, if the browser is too slow for that, no more than it
// is about to show, and nothing until the next keyframe while that waits. What is left out leaves no gap in the timeline,
// so that no seek is needed, which costs a slow browser as much as several pictures.

import { TOO_SLOW } from "./reasons.js";

const MANY_WAITING = 60, MOST_WAITING = 1000; // parts that are not appended yet
const MOST_SENT = 240; // pictures that are remembered after they were appended
// For a browser that is too slow:
const CALM_MS = 10000; // after which it no longer counts as slow
const MOST_AHEAD = 3, MOST_REORDERED = 8; // pictures that it has but has not shown
const MOST_WAIT_MS = 250; // the longest wait of an unshown picture while more are passed on
const SOME_WAIT_MS = 150; // likewise, when a keyframe comes
const HELD_MS = 500; // wait after which unshown pictures are given up
const GAP_S = 0.1; // distance of pictures after which the device must have left some out
const STEP_S = 0.03; // their distance instead
const INTO_S = 0.005; // how far into a picture to seek, since just before it is the previous picture

export class Feeding {
  // page is the page of a player. reorders: whether output order differs from decoding order.
  constructor(page, reorders) {
    Object.assign(this, { page, most: reorders ? MOST_REORDERED : MOST_AHEAD, waiting: [], sent: [] });
    Object.assign(this, { left_s: 0, seen_s: -1, until_s: 0, leaves: false, hasGap: false });
  }

  // Sets time 0. All other times here are seconds on the timeline.
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

  // Decides whether waiting parts and the new one are passed on.
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

  // Leaves out parts up to the last keyframe that waits, else up to the next one that comes.
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

  // The longest wait of a picture that is not shown yet.
  get waited_ms() {
    const next = this.ahead[0] ?? this.waiting.find((part) => !part.isHead);
    return next ? performance.now() - next.arrived_ms : 0;
  }

  // Notes that everything up to this time was shown.
  seen(at_s) { this.seen_s = Math.max(this.seen_s, at_s); }

  // Returns what to append now, and the offset of its times, or undefined.
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

  // Closes the gap before a keyframe; what the browser holds is too old, and only what follows is shown.
  closeGap(keyframe) {
    this.hasGap = false;
    const at_s = Math.max(this.until_s, this.seen_s) + STEP_S;
    this.left_s = Math.max(this.left_s, (keyframe.time_ms - this.first_ms) / 1000 - at_s);
    if (this.ahead.length && this.waited_ms > HELD_MS) this.enter_s = this.timeOf(keyframe) + INTO_S;
    this.seen_s = at_s - INTO_S; // or given up
  }

  timeOf({ time_ms }) { return (time_ms - this.first_ms) / 1000 - this.left_s; }

  remember(part) {
    const at_s = this.timeOf(part);
    this.until_s = Math.max(this.until_s, at_s);
    this.sent.push({ number: part.number, time_ms: part.time_ms, isCaptured: part.isCaptured, arrived_ms: part.arrived_ms, at_s });
    if (this.sent.length > MOST_SENT) this.sent.shift();
  }

  // Returns the picture that is shown at that time.
  at(at_s) {
    const away_s = (one) => Math.abs(one.at_s - at_s);
    return this.sent.reduce((best, one) => (best && away_s(best) <= away_s(one) ? best : one), undefined);
  }

  // Returns how many pictures are between those times.
  between(from_s, to_s) { return this.sent.filter(({ at_s }) => at_s > from_s && at_s < to_s).length; }
}

// Joins parts into one piece, since each append is expensive on a slow machine.
function joined(parts) {
  const all = new Uint8Array(parts.reduce((size, { data }) => size + data.length, 0));
  parts.reduce((at, { data }) => { all.set(data, at); return at + data.length; }, 0);
  return all;
}
