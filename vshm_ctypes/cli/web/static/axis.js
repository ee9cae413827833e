// SPDX-License-Identifier: Apache-2.0
// Where an axis has marks, and where a line has gaps.

const STEPS = [1, 2, 5, 10];
const MOST_MARKS = 3; // besides the one at zero
export const GAP_MS = 5000; // a longer distance between points is a gap; a busy device may send them late

// Returns marks from zero to the largest value or beyond, in steps of 1, 2 or 5 times a power of ten.
export function marks(largest) {
  const rough = (largest > 0 ? largest : 1) / MOST_MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.map((factor) => factor * power).find((one) => one > rough * (1 - 1e-9));
  const count = Math.max(Math.ceil(largest / step - 1e-9), 1);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

// Returns the parts of a line between its gaps. points are {at_ms, values} in order; an unknown value is null.
export function runs(points, line) {
  const found = [];
  let before_ms = -Infinity;
  for (const { at_ms, values } of points) {
    const value = values[line];
    if (value === null || value === undefined) {
      before_ms = -Infinity;
      continue;
    }
    if (at_ms - before_ms > GAP_MS) found.push([]);
    found.at(-1).push({ at_ms, value });
    before_ms = at_ms;
  }
  return found;
}
