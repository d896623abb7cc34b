/** Requests to the server that this page came from. */

/** What the server refuses, or that it cannot be reached: to be shown to the user. */
export class Problem extends Error {}

async function json(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem("The server does not answer; is it still running?");
  }
  let content;
  try {
    content = await response.json();
  } catch {
    throw new Problem(`The answer is no JSON that a browser reads (status ${response.status}).`);
  }
  if (!response.ok) {
    throw new Problem(content.error);
  }
  return content;
}

/** What the server says of its model: `name`, `version` and `latent_map`. */
export function model() {
  return json("model.json");
}

/** Returns a function that gives the outputs of a signature for one row of inputs, by name. */
export function predictor(name) {
  return async (signature, inputs) => {
    const columns = Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [key, [value]]));
    const content = await json(`v1/models/${name}:predict`, {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({signature_name: signature, inputs: columns}),
    });
    // A signature with one output answers without its name.
    const outputs = Array.isArray(content.outputs) ? {"": content.outputs} : content.outputs;
    return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, value[0]]));
  };
}

/**
 * Returns a function that asks for some work to be done, `delay` milliseconds after the last call.
 *
 * The work is done once at a time: what is asked for meanwhile is done once more at its end.
 */
export function whenSettled(work, delay) {
  let timer;
  let running = false;
  let again = false;

  async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (again) {
        again = false;
        run();
      }
    }
  }

  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, delay);
  };
}

/** Does some work with the marks of business and problems that go with it. */
export async function guarded(work, busy, problem) {
  for (const element of busy) {
    element.setAttribute("aria-busy", "true");
  }
  try {
    await work();
    problem.hidden = true;
  } catch (error) {
    if (!(error instanceof Problem)) {
      throw error;
    }
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    for (const element of busy) {
      element.removeAttribute("aria-busy");
    }
  }
}
