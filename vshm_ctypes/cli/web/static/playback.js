// SPDX-License-Identifier: Apache-2.0
// Keeps a video playing: what is live can't be paused. Where the browser does not let it, the user is asked to tap.

const OFTEN = 3, WITHIN_MS = 5000; // paused so often, it is somebody's will

export class Playback {
  // ask(how): lets the user start it by a tap, by that; undefined: no more.
  constructor(video, ask) {
    Object.assign(this, { video, ask, pauses_ms: [], closed: false });
    video.onpause = () => this.onPause();
    video.onplaying = () => this.ask(undefined);
  }

  play() {
    this.video.play()?.catch((error) => { if (!this.closed && error.name === "NotAllowedError") this.askToTap(); });
  }

  askToTap() {
    this.ask(() => {
      this.pauses_ms = [];
      this.play();
    });
  }

  onPause() {
    if (this.closed || document.hidden) return; // a page in the background wakes later
    const now_ms = performance.now();
    this.pauses_ms = [...this.pauses_ms, now_ms].filter((at_ms) => now_ms - at_ms < WITHIN_MS);
    if (this.pauses_ms.length < OFTEN) this.play();
    else this.askToTap();
  }

  wake() { if (this.video.paused && !this.closed) this.play(); }

  close() {
    this.closed = true;
    Object.assign(this.video, { onpause: null, onplaying: null });
    this.ask(undefined);
  }
}
