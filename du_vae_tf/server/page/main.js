/** The page: two examples, the point between them, samples, the map. */

import * as api from "./api.js";
import {image} from "./image.js";
import {LatentMap} from "./latent_map.js";
import {SEED, Side} from "./side.js";
import {text} from "./text.js";

const MODALITIES = {text, image};
const SLIDER_DELAY = 60;  // Milliseconds.
const LARGEST_SEED = 2 ** 31;

const byId = (id) => document.getElementById(id);

function start({name, version, latent_map: facts}) {
  byId("model").textContent = `${name}, version ${version}`;
  if (facts === null) {
    throw new api.Problem(
      "This export came without assets.extra/latent_map.json, which the page needs; export the"
      + " model again with //du_vae_tf:export. The REST interface works.");
  }
  const modality = MODALITIES[facts.modality];
  const predict = api.predictor(name);
  byId("model").textContent += `. ${modality.describe(facts)}.`;
  document.title = `${name}: latent space`;
  byId("main").hidden = false;
  const map = new LatentMap(facts);
  const sides = ["A", "B"].map(
    (letter) => new Side(letter, modality, facts, predict, () => move()));
  const move = between(sides, modality, predict, map);
  sample(sides, modality, predict);
  sides.forEach((side, number) => {
    if (number < facts.examples.length) {
      side.set(facts.examples[number]);
    }
  });
}

/** The slider; returns a function to be called when A or B are new. */
function between(sides, modality, predict, map) {
  const slider = byId("weight");
  const shown = byId("interpolation");

  const ask = api.whenSettled(() => api.guarded(async () => {
    const [start, end] = sides.map((side) => side.accepted);
    if (start === null || end === null) {
      shown.replaceChildren();
      return;
    }
    const given = {start, end, weight: Number(slider.value)};
    const answer = await predict(
      "interpolate", modality.seeded ? {...given, seed: SEED} : given);
    modality.show(shown, answer[modality.input]);
  }, [shown], byId("interpolation-problem")), SLIDER_DELAY);

  function move() {
    const weight = Number(slider.value);
    byId("weight-shown").textContent = weight.toFixed(2);
    const places = sides.map(
      ({representation}) => representation && map.place(representation));
    map.mark(...places, weight);
    ask();
  }

  slider.addEventListener("input", move);
  return move;
}

/** The buttons for random samples. */
function sample(sides, modality, predict) {
  const shown = byId("sample");
  const uses = [byId("use-a"), byId("use-b")];
  let drawn = null;

  byId("draw").addEventListener("click", api.whenSettled(() => api.guarded(async () => {
    const seed = Math.floor(Math.random() * LARGEST_SEED);
    const answer = await predict("generate", {seed});
    drawn = answer[modality.input];
    modality.show(shown, drawn);
    uses.forEach((button) => {
      button.disabled = false;
    });
  }, [shown], byId("sample-problem")), 0));

  uses.forEach((button, number) => {
    button.addEventListener("click", () => sides[number].set(drawn));
  });
}

await api.guarded(async () => start(await api.model()), [], byId("problem"));
