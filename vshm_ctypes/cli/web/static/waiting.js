// SPDX-License-Identifier: Apache-2.0
// Estimates how long the next part would wait in a decoder, by its queue and its speed.

const REMEMBERED = 600;
const NEWER = 0.2; // weight of the last part in the time that the decoder takes for each

export class Waiting {
  // each_ms is the time for one part, if it is known already.
  constructor(decoder, each_ms = 0) { Object.assign(this, { decoder, given_ms: [], each_ms, out_ms: undefined }); }

  put() {
    this.given_ms.push(performance.now());
    if (this.given_ms.length > REMEMBERED) this.given_ms.shift();
  }

  // Notes that the decoder has returned something.
  take() {
    const now_ms = performance.now();
    if (this.out_ms !== undefined) {
      const took_ms = now_ms - this.out_ms;
      this.each_ms = this.each_ms ? (1 - NEWER) * this.each_ms + NEWER * took_ms : took_ms;
    }
    this.out_ms = this.decoder.decodeQueueSize ? now_ms : undefined; // otherwise it is idle
  }

  // The longest wait in the queue; pictures that the decoder holds for reordering do not count.
  get oldest_ms() {
    const count = this.decoder.decodeQueueSize;
    return count ? performance.now() - this.given_ms.at(-Math.min(count, this.given_ms.length)) : 0;
  }

  get next_ms() { return Math.max(this.oldest_ms, this.decoder.decodeQueueSize * this.each_ms); }
}
