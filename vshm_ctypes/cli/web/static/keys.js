// SPDX-License-Identifier: Apache-2.0
// Single-key shortcuts, and the dialog that lists them. They do nothing in a field, with Ctrl, Alt or Meta, or when off.

import { at } from "./page_text.js";

const KEPT = "vshm keys", OFF = "off";
const OWN_KEYS = "input, select, textarea, [contenteditable], video[controls]"; // elements that use keys themselves

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch { // storage is disabled
    return null;
  }
}

export class Keys {
  // keys has [key, its label, what it does, the function].
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
      } catch { /* not kept beyond this page */ }
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

// Whether the arrow keys scroll the element.
const scrolls = (element) => Boolean(element.closest?.(".wide") && element.scrollWidth > element.clientWidth);
