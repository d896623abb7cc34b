/** Images: how they are drawn, shown and named in requests. */

import {PixelGrid, paint} from "./pixel_grid.js";
import {readPicture} from "./picture_file.js";

/** From nested lists of numbers, with or without an axis of one channel, to rows of 0 and 1. */
function rows(nested) {
  return nested.map((row) => row.map((pixel) => (Number(pixel) > 0.5 ? 1 : 0)));
}

export const image = {
  input: "image",
  noun: "Image",
  seeded: true,

  describe(facts) {
    return `Images of ${facts.side} × ${facts.side} pixels, ink or none`;
  },

  title(_, number) {
    return `${number + 1}`;
  },

  /** A grid to draw on, a picture from a file, a way to begin anew. */
  makeEditor(facts, onChange) {
    const element = document.createElement("div");
    element.className = "input";
    const grid = new PixelGrid(facts.side, onChange);

    const buttons = document.createElement("div");
    buttons.className = "row";
    const clear = document.createElement("button");
    clear.type = "button";
    clear.textContent = "Clear";
    clear.addEventListener("click", () => {
      grid.clear();
      onChange();
    });
    const label = document.createElement("label");
    label.className = "button";
    label.textContent = "Picture from a file";
    const file = document.createElement("input");
    file.type = "file";
    file.accept = "image/*";
    label.append(file);
    buttons.append(clear, label);

    const problem = document.createElement("p");
    problem.className = "problem";
    problem.setAttribute("role", "alert");
    problem.hidden = true;
    file.addEventListener("change", async () => {
      if (!file.files.length) {
        return;
      }
      const pixels = await readPicture(file.files[0], facts.side);
      problem.hidden = pixels !== null;
      if (pixels === null) {
        problem.textContent = `${file.files[0].name} is no picture that a browser reads.`;
      } else {
        grid.rows = pixels;
        onChange();
      }
      file.value = "";
    });

    element.append(grid.element, buttons, problem);
    return {
      element,
      focusable: grid.canvas,
      get value() {
        return grid.rows.map((row) => row.map((pixel) => [pixel]));
      },
      set value(nested) {
        grid.rows = rows(nested);
      },
    };
  },

  /** Shows an image in place of what an element holds. */
  show(element, nested) {
    const canvas = document.createElement("canvas");
    canvas.className = "picture";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Image of the model");
    paint(canvas, rows(nested));
    element.replaceChildren(canvas);
  },
};
