// SPDX-License-Identifier: Apache-2.0
// Finds elements of the page, and sets their text.

export const at = (id) => document.getElementById(id);

export function set(id, text, bad = false) {
  at(id).textContent = text;
  at(id).classList.toggle("bad", bad);
}
