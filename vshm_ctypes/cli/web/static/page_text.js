// SPDX-License-Identifier: Apache-2.0
// Text in the page's places.

export const at = (id) => document.getElementById(id);

export function set(id, text, bad = false) {
  at(id).textContent = text;
  at(id).classList.toggle("bad", bad);
}
