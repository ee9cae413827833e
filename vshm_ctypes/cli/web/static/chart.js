// SPDX-License-Identifier: Apache-2.0
// A line chart of the last two minutes, from zero to the largest value.

const POINTS = 120;
const COLOURS = ["#2f7ec2", "#e08a1e", "#8b5cf6"];

export class Chart {
  // tell: turns a value into text. lines: the name of each line.
  constructor(parent, title, tell, lines = [""]) {
    this.tell = tell;
    this.lines = lines;
    this.values = lines.map(() => []);
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    this.now = document.createElement("b");
    caption.append(title, this.now);
    this.canvas = document.createElement("canvas");
    figure.append(caption, this.canvas);
    parent.append(figure);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  // One value for each line; null: not known.
  add(...now) {
    now.forEach((value, line) => {
      this.values[line].push(value ?? null);
      if (this.values[line].length > POINTS) this.values[line].shift();
    });
    this.now.replaceChildren(...now.map((value, line) => {
      const text = document.createElement("span");
      text.style.color = this.lines.length > 1 ? COLOURS[line] : "";
      text.textContent = `${line ? "  " : ""}${this.lines[line]} ${value == null ? "-" : this.tell(value)}`.trimEnd();
      text.style.marginLeft = line ? ".7em" : "";
      return text;
    }));
    this.draw();
  }

  draw() {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = clientWidth * scale;
    this.canvas.height = clientHeight * scale;
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    const largest = Math.max(...this.values.flat().filter(Number.isFinite), 1e-9) * 1.1;
    this.values.forEach((values, line) => {
      context.strokeStyle = COLOURS[line];
      context.lineWidth = 1.5;
      context.beginPath();
      let pen = false;
      values.forEach((value, at) => {
        if (value === null) { pen = false; return; }
        const x = (POINTS - values.length + at + 1) / POINTS * clientWidth;
        const y = clientHeight - value / largest * (clientHeight - 2) - 1;
        if (pen) context.lineTo(x, y); else context.moveTo(x, y);
        pen = true;
      });
      context.stroke();
    });
  }
}
