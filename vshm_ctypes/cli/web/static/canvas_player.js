// SPDX-License-Identifier: Apache-2.0
// What all players have that draw on a canvas.
//
// A player has start(stream), feed(part) and close(). It calls, of its page,
//   shown(part)      for each on screen, or heard; undefined: it can't be told which
//   note(text)       what to say of it; "": nothing
//   unsupported()    this browser does not play it
//   needsIdr()       this browser can't begin where the stream began
//   restart(reason)  it has stopped, and the page has to begin anew

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
