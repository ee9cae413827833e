// SPDX-License-Identifier: Apache-2.0
// How much later than the quickest a picture is, on its way and here: whatever the device's clock says, and the way takes.

const WINDOW_MS = 60000; // after which what was quickest is forgotten, since clocks drift

export class Lateness {
  least_ms = [Infinity, Infinity]; // from when it was published: in this window and in the one before
  since_ms = 0;

  arrived({ published_ms }) {
    const now_ms = performance.now();
    if (now_ms - this.since_ms > WINDOW_MS) {
      this.least_ms = [Infinity, this.least_ms[0]];
      this.since_ms = now_ms;
    }
    this.least_ms[0] = Math.min(this.least_ms[0], now_ms - published_ms);
  }

  of_ms({ published_ms }) { return performance.now() - published_ms - Math.min(...this.least_ms); }
}
