// SPDX-License-Identifier: Apache-2.0
// Plays JPEG pictures.

import { CanvasPlayer } from "./canvas_player.js";

const MANY = 5; // undecodable pictures in a row before a note: a single one may be broken

export class JpegPlayer extends CanvasPlayer {
  name = "JPEG";

  start() { Object.assign(this, { busy: false, closed: false, failed: 0 }); }

  async feed(part) {
    if (this.busy) { // slower than the camera: wait for the next picture
      this.page.skipped(1);
      return;
    }
    this.busy = true;
    try {
      const blob = new Blob([part.data], { type: "image/jpeg" });
      const image = await createImageBitmap(blob);
      if (this.closed) return;
      this.newest = blob;
      this.draw(image, image.width, image.height);
      this.page.shown(part);
      if (this.failed >= MANY) this.page.note("");
      this.failed = 0;
    } catch (error) {
      this.failed += 1;
      if (this.failed >= MANY && !this.closed) {
        this.page.note(`This browser decodes none of the last ${this.failed} JPEG pictures: ${error.message}`);
      }
    } finally {
      this.busy = false;
    }
  }

  // Returns the current picture as it was written, or undefined.
  still() { return this.newest; }

  close() { this.closed = true; }
}
