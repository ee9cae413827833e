// SPDX-License-Identifier: Apache-2.0
// The base of the players that draw on a canvas.
//
// A player has start(stream), feed(part) and close(), and optionally still(), which returns the current picture as a file,
// listen(), called after a click, wake(), when the page becomes visible, and check(), once a second. It calls its page:
//   shown(part)      a part is on screen, or heard; undefined if it can't be told which
//   skipped(count)   parts were left out, since the player was behind
//   ask(how)         ask the user to tap, and then call how(); undefined: stop asking
//   heard(isHeard)   whether sound is played
//   note(text)       a note about the player; "" removes it
//   unsupported()    this browser can't play the stream
//   needsIdr()       this browser can't begin where the stream began
//   restart(reason)  the player has stopped, and the page has to start it again

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
