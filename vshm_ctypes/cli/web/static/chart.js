// SPDX-License-Identifier: Apache-2.0
// A line chart of the last minute, from zero to the largest value.

import { GAP_MS, marks, runs } from "./axis.js";

export const WINDOW_MS = 60000;
const SECONDS = [[-60, "start", "-60 s"], [-30, "middle", "-30 s"], [0, "end", "now"]];
const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

export class Chart {
  points = [];

  // tell and mark turn a value into text, with its unit and without. lines has the name of each line.
  constructor(parent, title, tell, mark, lines = [""]) {
    Object.assign(this, { title, tell, mark, lines });
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const name = document.createElement("span");
    name.textContent = title;
    this.now = document.createElement("b");
    caption.append(name, this.now);
    this.svg = drawn("svg", { role: "img" });
    figure.append(caption, this.svg);
    parent.append(figure);
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  // Draws points, {at_ms, values} in order, with a value for each line; an unknown value is null.
  show(points) {
    this.points = points;
    const last = points.at(-1);
    const now = last && performance.now() - last.at_ms < GAP_MS ? last.values : this.lines.map(() => null);
    this.now.replaceChildren(...now.map((value, line) => {
      const text = document.createElement("span");
      if (this.lines.length > 1) text.className = `c${line}`;
      text.textContent = `${this.lines[line]} ${value == null ? "-" : this.tell(value)} `.trimStart();
      return text;
    }));
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!width) return;
    const em = parseFloat(getComputedStyle(this.svg).fontSize);
    const known = this.points.flatMap(({ values }) => values).filter((value) => value != null);
    const levels = known.length ? marks(Math.max(...known)) : [0], top = levels.at(-1) || 1;
    const left = 0.6 * em * (1 + Math.max(...levels.map((level) => this.mark(level).length)));
    const x = (ago_ms) => left + (1 + ago_ms / WINDOW_MS) * (width - left - 2);
    const y = (value) => 0.6 * em + (1 - value / top) * (height - 2.2 * em);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("aria-label", this.inWords(known));
    this.svg.replaceChildren(
      ...levels.flatMap((level) => [
        drawn("path", { class: "grid", d: `M${left} ${y(level)}H${width}` }),
        drawn("text", { class: "end", x: left - 0.4 * em, y: y(level) + 0.35 * em }, this.mark(level)),
      ]),
      ...SECONDS.map(([at_s, place, text]) => drawn("text", { class: place, x: x(1000 * at_s), y: height - 0.2 * em }, text)),
      ...this.lines.map((_, line) => drawn("path", { class: `line c${line}`, d: this.path(line, x, y) })),
    );
  }

  // Returns the path of a line; a single point becomes a dot.
  path(line, x, y) {
    const now_ms = performance.now();
    return runs(this.points, line).map((run) => `M${run.map(({ at_ms, value }) =>
      `${Math.max(x(at_ms - now_ms), x(-WINDOW_MS)).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}${run.length > 1 ? "" : "h.1"}`).join("");
  }

  inWords(known) {
    const now = this.now.textContent.trim();
    if (!known.length) return `${this.title}: nothing known in the last minute`;
    return `${this.title}: ${now} now, ${this.tell(Math.min(...known))} to ${this.tell(Math.max(...known))} in the last minute`;
  }
}
