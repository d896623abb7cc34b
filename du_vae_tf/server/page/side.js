/** One of the two examples: what the user writes or draws, and what the model makes of it. */

import {guarded, whenSettled} from "./api.js";

const DELAY = 300;  // Milliseconds after the last key or stroke.
export const SEED = 1;

export class Side {
  #modality;
  #editor;
  #predict;
  #element;
  #onAnswer;
  #refresh = whenSettled(() => this.#ask(), DELAY);

  /**
   * @param letter A or B.
   * @param modality One of text and image.
   * @param facts The content of latent_map.json.
   * @param predict Gives the outputs of a signature.
   * @param onAnswer Called with this side when `accepted` and `representation` are new.
   */
  constructor(letter, modality, facts, predict, onAnswer) {
    this.#modality = modality;
    this.#predict = predict;
    this.#onAnswer = onAnswer;
    this.accepted = null;  // The example that the model took, and its representation.
    this.representation = null;

    const template = document.getElementById("side").content.cloneNode(true);
    this.#element = template.firstElementChild;
    const heading = this.#element.querySelector("h2");
    heading.id = `heading-${letter.toLowerCase()}`;
    heading.textContent = `${modality.noun} ${letter}`;
    this.#element.setAttribute("aria-labelledby", heading.id);
    this.#problem.id = `problem-${letter.toLowerCase()}`;

    this.#editor = modality.makeEditor(facts, this.#refresh);
    this.#editor.focusable.id = `input-${letter.toLowerCase()}`;
    this.#editor.focusable.setAttribute("aria-labelledby", heading.id);
    this.#editor.focusable.setAttribute("aria-errormessage", this.#problem.id);
    this.#element.querySelector(".input").append(this.#editor.element);
    this.#offer(facts.examples, letter);
    document.getElementById("sides").append(this.#element);
  }

  /** Takes an example as if the user had written or drawn it. */
  set(example) {
    this.#editor.value = example;
    this.#refresh();
  }

  get #problem() {
    return this.#element.querySelector(":scope > .problem");
  }

  #offer(examples, letter) {
    const select = this.#element.querySelector("select");
    select.id = `example-${letter.toLowerCase()}`;
    select.append(new Option("choose ...", ""));
    examples.forEach((example, number) => {
      select.append(new Option(this.#modality.title(example, number), String(number)));
    });
    select.addEventListener("change", () => {
      if (select.value !== "") {
        this.set(examples[Number(select.value)]);
      }
      select.value = "";
    });
  }

  async #ask() {
    const example = this.#editor.value;
    const given = {[this.#modality.input]: example};
    const reconstruction = this.#element.querySelector(".reconstruction");
    const likelihood = this.#element.querySelector(".likelihood");
    let representation = null;
    await guarded(async () => {
      ({representation} = await this.#predict("encode", given));
      this.#take(example, representation);
      const seed = {seed: SEED};
      const reconstructed = await this.#predict(
        "reconstruct", this.#modality.seeded ? {...given, ...seed} : given);
      this.#modality.show(reconstruction, reconstructed[this.#modality.input]);
      const scored = await this.#predict("log_likelihood", {...given, ...seed});
      likelihood.textContent = `${Object.values(scored)[0].toFixed(2)} nats`;
    }, [reconstruction, likelihood], this.#problem);
    if (representation === null) {
      reconstruction.replaceChildren();
      likelihood.replaceChildren();
      this.#take(null, null);
    }
  }

  #take(example, representation) {
    this.accepted = example;
    this.representation = representation;
    this.#editor.focusable.setAttribute("aria-invalid", String(example === null));
    this.#onAnswer();
  }
}
