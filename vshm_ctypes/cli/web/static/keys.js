// SPDX-License-Identifier: Apache-2.0
// Single keys, and the dialog that lists them. None acts in a field, beside Ctrl, Alt or Meta, or where they are off.

import { at } from "./page_text.js";

const KEPT = "vshm keys", OFF = "off";
const OWN_KEYS = "input, select, textarea, [contenteditable], video[controls]"; // which have a use for them

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch { // this browser keeps nothing
    return null;
  }
}

export class Keys {
  // keys: of [key, how it is written, what it does, how].
  constructor(keys) {
    this.acts = new Map(keys.map(([key, , , act]) => [key, act]));
    for (const [, written, what] of [...keys, [, "?", "this list"], [, "Esc", "closes it, and ends full screen"]]) {
      const key = document.createElement("dt"), told = document.createElement("dd");
      key.append(Object.assign(document.createElement("kbd"), { textContent: written }));
      told.textContent = what;
      at("key-list").append(key, told);
    }
    at("keys-on").checked = kept() !== OFF;
    at("keys-on").addEventListener("change", () => {
      try {
        localStorage.setItem(KEPT, at("keys-on").checked ? "on" : OFF);
      } catch { /* it lasts as long as this page */ }
    });
    at("keys").addEventListener("click", () => at("help").showModal());
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing || event.defaultPrevented) return;
    if (!at("keys-on").checked || at("help").open || target.closest?.(OWN_KEYS)) return;
    const act = key === "?" ? () => at("help").showModal() : this.acts.get(key.length === 1 ? key.toLowerCase() : key);
    if (!act || (key.startsWith("Arrow") && scrolls(target))) return;
    event.preventDefault();
    act();
  }
}

// Whether it moves by the arrows itself.
const scrolls = (element) => Boolean(element.closest?.(".wide") && element.scrollWidth > element.clientWidth);
