/** Sentences: how they are typed, shown and named in requests. */

export const text = {
  input: "text",
  noun: "Sentence",
  seeded: false,

  describe(facts) {
    return `Sentences of at most ${facts.max_words} words, split at spaces`;
  },

  title(sentence) {
    return sentence;
  },

  /** A field for a sentence. */
  makeEditor(facts, onChange) {
    const element = document.createElement("textarea");
    element.spellcheck = false;
    element.addEventListener("input", onChange);
    return {
      element,
      focusable: element,
      get value() {
        // Line breaks are white space to the model as well.
        return element.value;
      },
      set value(sentence) {
        element.value = sentence;
      },
    };
  },

  /** Shows a sentence in place of what an element holds. */
  show(element, sentence) {
    const empty = sentence === "";
    element.classList.toggle("empty", empty);
    element.textContent = empty ? "(no words)" : sentence;
  },
};
