// SPDX-License-Identifier: Apache-2.0
// Shows all rings side by side, and plays those that are visible.

import { Screen } from "./screen.js";
import { stateInWords } from "./rings.js";

function made(name, className, ...inside) {
  const element = Object.assign(document.createElement(name), { className });
  element.append(...inside);
  return element;
}

class Tile {
  constructor(ring) {
    this.name = ring.name;
    this.places = { canvas: made("canvas", ""), video: made("video", "") };
    Object.assign(this.places.video, { muted: true, playsInline: true, autoplay: true });
    for (const place of Object.values(this.places)) place.hidden = true;
    this.message = made("span", "tile-message");
    this.rate = made("span", "");
    const picture = made("span", "tile-picture", ...Object.values(this.places), this.message);
    const name = made("span", "tile-name", made("b", "", ring.name.slice(1)), this.rate);
    this.element = Object.assign(made("a", "tile", picture, name), { href: `#${encodeURIComponent(ring.name)}`, title: ring.name.slice(1) });
    this.element.tile = this;
  }

  tell(ring) {
    this.rate.textContent = [stateInWords(ring), ring.fps ? `${ring.fps.toFixed(0)} fps` : ""].filter(Boolean).join(", ");
    this.isSound = ring.media === "audio";
    if (this.isSound) this.end("Sound: open it to listen");
    else if (this.isSeen && !document.hidden) this.begin();
  }

  begin() {
    if (this.screen) return;
    this.screen = new Screen(this.places, { say: (text) => { this.message.textContent = text; } }, true);
    this.screen.turnTo(this.name);
  }

  end(text = "") {
    this.screen?.close();
    this.screen = undefined;
    this.message.textContent = text;
  }
}

export class Tiles {
  tiles = new Map(); // by name

  constructor(parent) {
    this.parent = parent;
    this.watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        target.tile.isSeen = isIntersecting;
        if (isIntersecting && !target.tile.isSound) target.tile.begin();
        else if (!target.tile.isSound) target.tile.end();
      }
    }, { rootMargin: "100px" });
    document.addEventListener("visibilitychange", () => { // each tile costs the device a reader
      for (const tile of this.tiles.values()) if (document.hidden && !tile.isSound) tile.end();
    });
  }

  // Shows the rings in the device's order. A tile that stays is neither replaced nor moved.
  show(rings) {
    for (const name of this.tiles.keys()) if (!rings.some((ring) => ring.name === name)) this.drop(name);
    rings.forEach((ring, place) => {
      if (!this.tiles.has(ring.name)) this.add(ring, place);
      this.tiles.get(ring.name).tell(ring);
    });
  }

  add(ring, place) {
    const tile = new Tile(ring);
    this.tiles.set(ring.name, tile);
    this.parent.insertBefore(tile.element, this.parent.children[place] ?? null);
    this.watch.observe(tile.element);
  }

  drop(name) {
    const tile = this.tiles.get(name);
    tile.end();
    this.watch.unobserve(tile.element);
    tile.element.remove();
    this.tiles.delete(name);
  }

  close() { for (const name of [...this.tiles.keys()]) this.drop(name); }
}
