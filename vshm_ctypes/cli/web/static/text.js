// SPDX-License-Identifier: Apache-2.0
// Formats figures for people.

function scaled(value, step, prefixes) {
  let at = 0;
  while (value >= step && at < prefixes.length - 1) { value /= step; at += 1; }
  return `${at && value < 100 ? value.toFixed(1) : value.toFixed(0)} ${prefixes[at]}`;
}

export const bits = (value) => `${scaled(value, 1000, ["", "k", "M", "G"])}bit/s`;
export const bytes = (value) => `${scaled(value, 1024, ["", "Ki", "Mi", "Gi"])}B`;
export const milliseconds = (value) => (Math.abs(value) < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`);
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

// Formats a value for an axis without its unit: 0.5, 20, 1.5k, 4M.
export function short(value) {
  const at = value >= 1e9 ? 3 : value >= 1e6 ? 2 : value >= 1e3 ? 1 : 0;
  return `${Number((value / 1000 ** at).toPrecision(3))}${["", "k", "M", "G"][at]}`;
}
