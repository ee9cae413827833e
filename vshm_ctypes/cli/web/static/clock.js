// SPDX-License-Identifier: Apache-2.0
// Estimates the device's clock from the quickest of the last answers.

const ANSWERS = 15;

export class Clock {
  answers = [];

  // Takes an answer: when we asked, and the device's time.
  onPong(told) {
    const now_ms = performance.now();
    this.answers.push({ trip_ms: now_ms - told.ping_ms, offset_ms: told.monotonic_ms - (now_ms + told.ping_ms) / 2 });
    this.answers = this.answers.slice(-ANSWERS);
  }

  // Returns the device's time now, or null if it is not known yet.
  now_ms() {
    if (!this.answers.length) return null;
    return performance.now() + this.answers.reduce((a, b) => (a.trip_ms <= b.trip_ms ? a : b)).offset_ms;
  }
}
