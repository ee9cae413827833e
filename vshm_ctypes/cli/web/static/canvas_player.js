// SPDX-License-Identifier: Apache-2.0
// What all players have that draw on a canvas.
//
// A player has start(stream), feed(part) and close(), and perhaps still(), a file of what is seen, listen(), after a click,
// wake(), when the page is seen again, and check(), once a second. It calls, of its page,
//   shown(part)      for each on screen, or heard; undefined: it can't be told which
//   skipped(count)   for those that it passed over since it was behind
//   ask(how)         the user to let it play by a tap, by how(); undefined: no more
//   heard(isHeard)   whether sound is played
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
