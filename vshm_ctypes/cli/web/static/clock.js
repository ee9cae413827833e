// SPDX-License-Identifier: Apache-2.0
// How far the device's clock is from ours: by the quickest of the last answers.

const ANSWERS = 15;

export class Clock {
  answers = [];

  // told: what we asked at, and the device's time.
  onPong(told) {
    const now_ms = performance.now();
    this.answers.push({ trip_ms: now_ms - told.ping_ms, offset_ms: told.monotonic_ms - (now_ms + told.ping_ms) / 2 });
    this.answers = this.answers.slice(-ANSWERS);
  }

  // Of the device, now; null: not known yet.
  now_ms() {
    if (!this.answers.length) return null;
    return performance.now() + this.answers.reduce((a, b) => (a.trip_ms <= b.trip_ms ? a : b)).offset_ms;
  }
}
