// SPDX-License-Identifier: Apache-2.0
// The last minute of every ring, so that a chart is not empty when another ring is chosen.

export class History {
  rings = new Map(); // by name: of each series its points

  constructor(longest_ms) { this.longest_ms = longest_ms; }

  // values: of each line of that series; null: not known.
  add(ring, series, ...values) {
    if (!this.rings.has(ring)) this.rings.set(ring, {});
    this.rings.get(ring)[series] = [...this.of(ring, series), { at_ms: performance.now(), values }];
  }

  of(ring, series) {
    const first_ms = performance.now() - this.longest_ms;
    return (this.rings.get(ring)?.[series] ?? []).filter(({ at_ms }) => at_ms >= first_ms);
  }

  // What is not there any more is forgotten.
  keep(names) {
    for (const name of this.rings.keys()) if (!names.includes(name)) this.rings.delete(name);
  }
}
