"""The exported graph against the Python model."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import seeds
from du_vae_tf.data import text_batching
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import builders
from du_vae_tf.serving import likelihood
from du_vae_tf.serving import limits
from du_vae_tf.serving import text_signatures
from tests.serving import contract

WORDS = [f"w{number}".encode() for number in range(30)]
LONGEST, MAX_WORDS = 6, 8


class SignaturesTest(contract.Contract):

  method = "du_vae"
  example = "text"
  given = {
      "text": ["w3 w4 w5 w6 w7", "w1 w2", "w7 unseen"], "start": ["w1", "w2 w3", "w4"],
      "end": ["w5 w6", "w7", "w8 w9 w1"], "ids": [[7, 8, 9], [4, 5, 0], [6, 0, 0]],
      "z": [[1.0, 2.0, -1.0], [0.5, -2.0, 0.1], [3.0, 0.0, 1.0]], "weight": [0.2, 0.5, 0.9],
      "seed": [11, 5, 12]}

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.vocabulary = vocabulary_lib.Vocabulary(WORDS)
    cls.vocabulary.save(cls.folder / "vocab.txt")
    config = config_lib.resolve(
        {"latent_dim": 3, "hidden_size": 9, "embedding_size": 5, "seed": 4,
         "method": cls.method}, {})
    cls.model = builders.build_model(config, {"vocab_size": len(cls.vocabulary)})
    generator = np.random.default_rng(1)
    for variable in cls.model.variables:  # Larger weights, so that the answers differ.
      variable.assign(np.abs(generator.normal(0.6, 0.3, variable.shape))
                      if "variance" in variable.name else generator.normal(0, 0.8, variable.shape))
      if "flow" in variable.path:
        variable.assign(0.2 * variable)
    module = text_signatures.TextSignatures(
        cls.model, cls.folder / "vocab.txt",
        limits.Limits(max_rows=contract.MAX_ROWS, max_words=MAX_WORDS), LONGEST)
    cls.path = str(cls.folder / "saved")
    tf.saved_model.save(module, cls.path, signatures=module.signatures)
    cls.loaded = tf.saved_model.load(cls.path)

  def ask(self, name: str, texts: list[str], **extra: tf.Tensor) -> dict[str, np.ndarray]:
    answers = self.loaded.signatures[name](text=tf.constant(texts), **extra)
    return {key: value.numpy() for key, value in answers.items()}

  def batch(self, texts: list[str]) -> dict[str, tf.Tensor]:
    return text_batching.pad_batch(
        [self.vocabulary.encode(text.encode().split()) for text in texts])

  def test_encode_equals_the_python_model(self):
    texts = ["w1 w2 w3 w4", "w29", "w7 w7 unseen w7", ""]
    posterior = self.model.posterior(self.batch(texts))
    answers = self.ask("encode", texts)
    self.assertAllClose(answers["mean"], posterior.mean, rtol=1e-5, atol=1e-7)
    self.assertAllClose(answers["variance"], posterior.variance, rtol=1e-5)
    self.assertAllClose(answers["representation"], posterior.representation(), rtol=1e-4, atol=1e-5)
    self.assertAllClose(answers["center"], posterior.center, rtol=1e-4, atol=1e-5)
    self.assertNotAllClose(answers["mean"][0], answers["mean"][1], rtol=1e-2)

  def test_words_are_split_as_in_training(self):
    same = ["w1 w2", "  w1\tw2 ", "w1\x0b\x0cw2\r\n"]
    means = self.ask("encode", same)["mean"]
    self.assertAllClose(means[0], means[1], rtol=1e-6)
    self.assertAllClose(means[0], means[2], rtol=1e-6)

  def test_names_of_special_symbols_are_unknown_words(self):
    means = self.ask("encode", ["w1 <s>", "w1 </s>", "w1 <pad>", "w1 _UNK", "w1 novel"])["mean"]
    for mean in means[1:]:
      self.assertAllClose(mean, means[0], rtol=1e-6)

  def test_reconstruct_equals_greedy_decoding(self):
    texts = ["w1 w2 w3 w4", "w29 w2", "w5"]
    center = self.model.posterior(self.batch(texts)).center
    ids = self.model.decoder.greedy(center, LONGEST + 1).numpy()
    expected = [self.vocabulary.decode(row) for row in ids]
    answers = [text.decode() for text in self.ask("reconstruct", texts)["text"]]
    self.assertEqual(answers, expected)
    self.assertTrue(any(answers))

  def test_generate_draws_a_sentence_for_each_seed(self):
    seed = tf.range(12, dtype=tf.int64)
    z = seeds.row_normals(seed, "generate", tf.zeros_like(seed), [3])
    ids = self.model.decoder.sample(z, LONGEST + 1, seed).numpy()
    expected = [self.vocabulary.decode(row) for row in ids]

    def generate(seed: tf.Tensor) -> list[str]:
      answers = self.loaded.signatures["generate"](seed=seed)
      return [text.decode() for text in answers["text"].numpy()]

    self.assertEqual(generate(seed), expected)
    self.assertEqual(generate(seed[7:8]), expected[7:8])
    self.assertGreater(len(set(expected)), 3)

  def test_beam_search_gives_the_likeliest_sentences_best_first(self):
    texts = ["w1 w2 w3 w4", "w29 w2", "w5"]
    center = self.model.posterior(self.batch(texts)).center
    ids, scores = self.model.decoder.beam_search(center, LONGEST + 1, 5)
    answers = self.ask("beam_search", texts)
    self.assertAllClose(answers["log_probability"], scores, rtol=1e-5)
    self.assertEqual([[text.decode() for text in row] for row in answers["text"]],
                     [[self.vocabulary.decode(beam) for beam in row] for row in ids.numpy()])

  def test_log_likelihood_equals_the_python_estimate(self):
    texts = ["w1 w2 w3 w4", "w29 w2"]
    seed = tf.constant([5, 9], tf.int64)
    samples = likelihood.SAMPLES
    noise = seeds.row_normals(seed, "log_likelihood", tf.zeros_like(seed), [samples, 3])
    weights = self.model.log_weights(self.batch(texts), tf.transpose(noise, [1, 0, 2]))
    expected = tf.reduce_logsumexp(weights, axis=0) - np.log(samples)
    self.assertAllClose(
        self.ask("log_likelihood", texts, seed=seed)["log_likelihood"], expected, rtol=1e-5)

  def test_log_likelihood_depends_on_sentence_and_seed_alone(self):
    alone = self.ask("log_likelihood", ["w1 w2"], seed=tf.constant([5], tf.int64))
    among = self.ask("log_likelihood", ["w3 w4 w5 w6", "w1 w2", "w1 w2"],
                     seed=tf.constant([1, 5, 6], tf.int64))
    self.assertAllClose(alone["log_likelihood"][0], among["log_likelihood"][1], rtol=1e-6)
    self.assertNotAllClose(among["log_likelihood"][1], among["log_likelihood"][2], rtol=1e-7)

  def test_signatures_are_those_of_the_contract(self):
    n, m = 3, 6 if self.method == "du_iaf" else 3
    text, seed = {"text": ("string", None)}, {"seed": ("int64", None)}
    ids = {"ids": ("int64", None, None)}
    sentences = {"text": ("string", None), **ids}
    encoded = {"mean": ("float32", None, n), "variance": ("float32", None, n),
               "representation": ("float32", None, m), "center": ("float32", None, n)}
    likelihoods = {"log_likelihood": ("float32", None)}
    self.assertEqual(self.shapes(), {
        "serving_default": (text, encoded), "encode": (text, encoded),
        "encode_ids": (ids, encoded), "decode": ({"z": ("float32", None, n)}, sentences),
        "reconstruct": (text, sentences), "generate": (seed, sentences),
        "interpolate": ({"start": ("string", None), "end": ("string", None),
                         "weight": ("float32", None)}, sentences),
        "beam_search": (text, {"text": ("string", None, 5),
                               "log_probability": ("float32", None, 5)}),
        "log_likelihood": (text | seed, likelihoods),
        "log_likelihood_ids": (ids | seed, likelihoods)})

  def test_decoded_ids_are_those_of_the_decoded_words(self):
    answers = self.call("generate", seed=range(30))
    words = [text.decode().split() for text in answers["text"]]
    self.assertEqual([[number for number in row if number] for row in answers["ids"].tolist()],
                     [self.vocabulary.encode([word.encode() for word in row]) for row in words])
    lengths = [len(row) for row in words]
    self.assertEqual(answers["ids"].shape, (30, max(lengths)))
    self.assertGreater(len(set(lengths)), 1)  # So that there is padding.
    self.assertBetween(max(lengths), 1, LONGEST + 1)

  def test_what_is_decoded_may_be_asked_for_again(self):
    module = text_signatures.TextSignatures(
        self.model, self.folder / "vocab.txt", limits.Limits(max_words=3), longest=3)
    ids = module.signatures["generate"](tf.range(20, dtype=tf.int64))["ids"]
    self.assertEqual(ids.shape[1], 3)
    self.assertEqual(module.signatures["encode_ids"](ids)["mean"].shape, (20, 3))

  def test_ids_and_strings_agree(self):
    texts = ["w1 w2 w3 w4", "w29", "w7 w7 unseen w7", ""]
    rows = [self.vocabulary.encode(text.encode().split()) for text in texts]
    ids = [row + [0] * (6 - len(row)) for row in rows]
    self.assert_same(self.call("encode_ids", ids=ids), self.call("encode", text=texts))
    seed = [4, 5, 6, 7]
    self.assert_same(self.call("log_likelihood_ids", ids=ids, seed=seed),
                     self.call("log_likelihood", text=texts, seed=seed))

  def test_longer_sentences_are_refused(self):
    most = " ".join(["w1"] * MAX_WORDS)
    for name in self.loaded.signatures:
      for key in {"text", "start", "end"}.intersection(self.inputs(name)):
        given = {**self.given, key: ["w1", f"{most} w1", "w2"]}
        self.assert_refused(
            f"`{key}`: received 9 words in row 1; allowed are at most 8[.]", name, **given)
        self.call(name, **{**given, key: ["w1", most, "w2"]})
    for name in ("encode_ids", "log_likelihood_ids"):
      words = [4] * MAX_WORDS
      self.assert_refused("`ids`: received 9 words in row 0; allowed are at most 8[.]", name,
                          ids=[words + [4]], seed=[1])
      self.call(name, ids=[words + [0, 0, 0]], seed=[1])

  def test_ids_that_are_no_words_are_refused(self):
    for name in ("encode_ids", "log_likelihood_ids"):
      for row, found in (([4, -1], "-1"), ([4, 34], "34"), ([1, 4], "1"), ([4, 2], "2"),
                         ([0, 4], "0"), ([4, 0, 5], "0"), ([4, 2**40], "1099511627776")):
        self.assert_refused(
            f"`ids`: received {found} in row 0; allowed are 3 to 33, and 0 behind the last word",
            name, ids=[row], seed=[1])
      self.call(name, ids=[[3, 33, 0]], seed=[1])


class FlowSignaturesTest(SignaturesTest):

  method = "du_iaf"


if __name__ == "__main__":
  tf.test.main()
