// SPDX-License-Identifier: Apache-2.0
// How long what a decoder is given next would wait in it, by what waits already and by how quick it was.

const REMEMBERED = 600;
const NEWER = 0.2; // how much the last one counts for what the decoder takes for each

export class Waiting {
  // each_ms: what it takes for one, as far as it is known.
  constructor(decoder, each_ms = 0) { Object.assign(this, { decoder, given_ms: [], each_ms, out_ms: undefined }); }

  put() {
    this.given_ms.push(performance.now());
    if (this.given_ms.length > REMEMBERED) this.given_ms.shift();
  }

  // Something came out.
  take() {
    const now_ms = performance.now();
    if (this.out_ms !== undefined) {
      const took_ms = now_ms - this.out_ms;
      this.each_ms = this.each_ms ? (1 - NEWER) * this.each_ms + NEWER * took_ms : took_ms;
    }
    this.out_ms = this.decoder.decodeQueueSize ? now_ms : undefined; // else it has nothing to do
  }

  // What waits longest; pictures that the decoder holds to bring them in order do not wait.
  get oldest_ms() {
    const count = this.decoder.decodeQueueSize;
    return count ? performance.now() - this.given_ms.at(-Math.min(count, this.given_ms.length)) : 0;
  }

  get next_ms() { return Math.max(this.oldest_ms, this.decoder.decodeQueueSize * this.each_ms); }
}
