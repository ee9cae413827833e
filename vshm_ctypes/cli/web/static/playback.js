// SPDX-License-Identifier: Apache-2.0
// Keeps a video playing, since a live stream can't be paused. If the browser refuses, the user is asked to tap.

const OFTEN = 3, WITHIN_MS = 5000; // so many pauses are intended

export class Playback {
  // ask(how) asks the user to tap, and then calls how(); ask(undefined) stops asking.
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
    if (this.closed || document.hidden) return; // wake() plays it later
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
