// SPDX-License-Identifier: Apache-2.0
// Measures how much later a picture is than the quickest one, independently of clocks and of the network's delay.

const WINDOW_MS = 60000; // after which the quickest is measured again, since clocks drift

export class Lateness {
  least_ms = [Infinity, Infinity]; // since publication, in this window and in the previous one
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
