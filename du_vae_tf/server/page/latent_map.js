/** The map of the latent space: test examples, and where A, B and the point between them are. */

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 100;
const MARGIN = 5;
const COLOURS = 8;

/** The most frequent labels, in order, each with the number of its colour. */
function colours(labels) {
  const counts = new Map();
  for (const label of labels) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  counts.delete(-1);  // An example without a label.
  const frequent = [...counts].sort((one, other) => other[1] - one[1]).slice(0, COLOURS);
  const names = frequent.map(([label]) => label).sort((one, other) => one - other);
  return {names: new Map(names.map((label, number) => [label, number])),
          others: names.length < counts.size};
}

export class LatentMap {
  #facts;
  #center;
  #scale;

  constructor(facts) {
    this.#facts = facts;
    // One scale for both axes, so that distances are what they are.
    const limits = [0, 1].map((axis) => {
      const values = facts.points.map((point) => point[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    this.#center = limits.map(([low, high]) => (low + high) / 2);
    const span = Math.max(...limits.map(([low, high]) => high - low)) || 1;
    this.#scale = (SIZE - 2 * MARGIN) / span;
    this.#drawPoints();
  }

  /** The place of a representation on the plane of the map. */
  place(representation) {
    const {mean, axes} = this.#facts;
    return axes.map((axis) => axis.reduce(
      (sum, weight, index) => sum + weight * (representation[index] - mean[index]), 0));
  }

  /** Marks the places of A and B, null where there is none, and the one between them. */
  mark(a, b, weight) {
    this.#move("map-a", a);
    this.#move("map-b", b);
    const both = a !== null && b !== null;
    this.#move("map-between", both && a.map((from, axis) => from + weight * (b[axis] - from)));
    const path = document.getElementById("map-path");
    path.setAttribute("visibility", both ? "visible" : "hidden");
    if (both) {
      const [x1, y1, x2, y2] = [...this.#onPicture(a), ...this.#onPicture(b)];
      Object.entries({x1, y1, x2, y2}).forEach(([name, value]) => path.setAttribute(name, value));
    }
  }

  /** Coordinates on the picture; what lies outside is put on the edge. */
  #onPicture(point) {
    return point.map((value, axis) => {
      const offset = this.#scale * (value - this.#center[axis]) * (axis === 1 ? -1 : 1);
      return Math.min(Math.max(SIZE / 2 + offset, 3), SIZE - 3).toFixed(2);
    });
  }

  #move(id, point) {
    const element = document.getElementById(id);
    element.setAttribute("visibility", point ? "visible" : "hidden");
    if (point) {
      element.setAttribute("transform", `translate(${this.#onPicture(point).join(" ")})`);
    }
  }

  #drawPoints() {
    const {points, labels} = this.#facts;
    const {names, others} = colours(labels ?? []);
    const circles = points.map((point, index) => {
      const circle = document.createElementNS(SVG, "circle");
      const [x, y] = this.#onPicture(point);
      Object.entries({cx: x, cy: y, r: points.length > 500 ? 0.6 : 0.9}).forEach(
        ([name, value]) => circle.setAttribute(name, value));
      if (labels && names.has(labels[index])) {
        circle.setAttribute("class", `label-${names.get(labels[index])}`);
      }
      return circle;
    });
    document.getElementById("map-points").replaceChildren(...circles);
    this.#drawLegend([
      ...[...names].map(([label, number]) => [`label ${label}`, `label-${number}`]),
      ...(names.size && others ? [["other labels", ""]] : [])]);
    document.getElementById("map-caption").textContent =
      `${points.length} test examples by their place in latent space`
      + `${this.#facts.mean.length > 2 ? " (first two principal axes)" : ""}; the ring is the`
      + " point between A and B.";
  }

  #drawLegend(entries) {
    const legend = document.getElementById("map-legend");
    legend.hidden = entries.length === 0;
    legend.replaceChildren(...entries.map(([name, colour]) => {
      const entry = document.createElement("li");
      const dot = document.createElement("span");
      dot.className = colour;
      entry.append(dot, name);
      return entry;
    }));
  }
}
