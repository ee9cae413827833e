// SPDX-License-Identifier: Apache-2.0
// Keeps the last minute of every ring, so that charts are not empty when another ring is chosen.

export class History {
  rings = new Map(); // by name: the points of each series

  constructor(longest_ms) { this.longest_ms = longest_ms; }

  // Adds a point with a value for each line of the series; an unknown value is null.
  add(ring, series, ...values) {
    if (!this.rings.has(ring)) this.rings.set(ring, {});
    this.rings.get(ring)[series] = [...this.of(ring, series), { at_ms: performance.now(), values }];
  }

  of(ring, series) {
    const first_ms = performance.now() - this.longest_ms;
    return (this.rings.get(ring)?.[series] ?? []).filter(({ at_ms }) => at_ms >= first_ms);
  }

  // Forgets all rings but these.
  keep(names) {
    for (const name of this.rings.keys()) if (!names.includes(name)) this.rings.delete(name);
  }
}
