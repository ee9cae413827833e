// SPDX-License-Identifier: Apache-2.0
// Plays the sound of another ring beside the picture.

import { at, set } from "./page_text.js";
import { Screen } from "./screen.js";

export class Hearing {
  names = [];
  said = "";

  constructor() {
    at("hear-ring").addEventListener("change", () => { if (this.screen) this.begin(); });
  }

  // Takes the rings of the device, and offers those with sound.
  offer(rings) {
    const names = rings.filter((ring) => ring.media === "audio").map((ring) => ring.name);
    if (this.screen && !names.includes(this.screen.ring)) names.push(this.screen.ring); // it is waited for
    const isSame = names.length === this.names.length && names.every((name, place) => name === this.names[place]);
    at("hear").hidden = !names.length && !this.screen;
    at("hear-ring").hidden = names.length < 2;
    if (isSame) return;
    const chosen = at("hear-ring").value;
    this.names = names;
    at("hear-ring").replaceChildren(...names.map((name) => new Option(name.slice(1), name, false, name === chosen)));
  }

  get isOn() { return Boolean(this.screen); }

  toggle() {
    if (this.screen) this.end();
    else if (this.names.length) this.begin();
  }

  // To be called from a user's gesture.
  begin() {
    this.end();
    const places = { canvas: document.createElement("canvas"), video: document.createElement("video") };
    this.screen = new Screen(places, {
      say: (text) => this.say(text && `Sound: ${text}`),
      heard: (isHeard) => at("hear").setAttribute("aria-pressed", isHeard),
    }, true);
    this.screen.listening = true;
    at("hear").setAttribute("aria-pressed", true);
    this.screen.turnTo(at("hear-ring").value);
  }

  end() {
    this.screen?.close();
    this.screen = undefined;
    at("hear").setAttribute("aria-pressed", false);
    this.say("");
  }

  // Leaves another text in that place alone unless there is something new to say about the sound.
  say(text) {
    if (text !== this.said) set("told", text);
    this.said = text;
  }
}
