/** A grid of pixels to draw on with the mouse, a finger or the keyboard. */

const INK = [0, 0, 0, 255];
const PAPER = [255, 255, 255, 255];

const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

/** Paints rows of 0 and 1 on a canvas, a pixel each. */
export function paint(canvas, rows) {
  canvas.height = rows.length;
  canvas.width = rows[0].length;
  const context = canvas.getContext("2d");
  const data = context.createImageData(canvas.width, canvas.height);
  data.data.set(rows.flat().flatMap((pixel) => (pixel ? INK : PAPER)));
  context.putImageData(data, 0, 0);
}

export class PixelGrid {
  #rows;
  #cursor = document.createElement("div");
  #place = [0, 0];
  #pen = null;  // While a stroke goes on: what it writes, and where it was last.
  #onChange;

  constructor(side, onChange) {
    this.side = side;
    this.#onChange = onChange;
    this.element = document.createElement("div");
    this.element.className = "grid";
    this.canvas = document.createElement("canvas");
    this.canvas.className = "picture";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "drawing grid");
    this.canvas.title =
      "Draw with the mouse; or move with the arrow keys and ink with the space bar";
    this.#cursor.className = "cursor";
    this.#cursor.hidden = true;
    this.element.append(this.canvas, this.#cursor);
    this.clear();
    this.#listen();
  }

  /** Rows of 0 and 1. */
  get rows() {
    return this.#rows;
  }

  set rows(rows) {
    this.#rows = rows.map((row) => [...row]);
    paint(this.canvas, this.#rows);
  }

  clear() {
    this.rows = Array.from({length: this.side}, () => Array(this.side).fill(0));
  }

  #listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const place = this.#at(event);
      // A stroke that begins on ink takes ink away.
      this.#pen = {pixel: 1 - this.#rows[place[0]][place[1]], last: place};
      this.#stroke(place);
      this.#cursor.hidden = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.#pen) {
        this.#stroke(this.#at(event));
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => {
        this.#pen = null;
      });
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      this.#cursor.hidden = true;
    });
  }

  #key(event) {
    const [row, column] = this.#place;
    if (event.key in STEPS) {
      const [down, right] = STEPS[event.key];
      this.#place = [this.#inside(row + down), this.#inside(column + right)];
    } else if (event.key === " ") {
      this.#set(row, column, 1 - this.#rows[row][column]);
      this.rows = this.#rows;
      this.#onChange();
    } else {
      return;
    }
    event.preventDefault();
    this.#showCursor();
  }

  #showCursor() {
    const size = 100 / this.side;
    const [row, column] = this.#place;
    Object.assign(this.#cursor.style, {
      top: `${row * size}%`, left: `${column * size}%`, width: `${size}%`, height: `${size}%`});
    this.#cursor.hidden = false;
    const state = this.#rows[row][column] ? "ink" : "no ink";
    this.canvas.setAttribute(
      "aria-description", `row ${row + 1}, column ${column + 1}: ${state}`);
  }

  /** Row and column under the pointer. */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width]
      .map((share) => this.#inside(Math.floor(share * this.side)));
  }

  #inside(index) {
    return Math.min(Math.max(index, 0), this.side - 1);
  }

  /** Writes the pixels from where the stroke was last to a place. */
  #stroke(place) {
    const {pixel, last} = this.#pen;
    const steps = Math.max(Math.abs(place[0] - last[0]), Math.abs(place[1] - last[1]), 1);
    for (let step = 0; step <= steps; step += 1) {
      const [row, column] = last.map(
        (from, axis) => Math.round(from + ((place[axis] - from) * step) / steps));
      this.#set(row, column, pixel);
    }
    this.#pen.last = place;
    this.rows = this.#rows;
    this.#onChange();
  }

  #set(row, column, pixel) {
    this.#rows[row][column] = pixel;
  }
}
