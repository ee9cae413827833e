// SPDX-License-Identifier: Apache-2.0
// What all players have that draw on a canvas.
//
// A player has start(stream), feed(part) and close(). It calls, of its page,
//   shown(number, capture_ms)  for each picture on screen
//   note(text)                 what to say of it; "": nothing
//   unsupported()              this browser does not play it
//   needsIdr()                 this browser can't begin where the stream began

export class CanvasPlayer {
  constructor(canvas, page) {
    Object.assign(this, { canvas, page, context: canvas.getContext("2d") });
  }

  draw(image, width, height) {
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(image, 0, 0, width, height);
    image.close();
  }
}
