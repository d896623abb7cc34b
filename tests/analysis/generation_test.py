"""What is decoded for samples, paths and analogies, with a model whose latent space is known."""

import dataclasses
from typing import Any

import numpy as np
from absl.testing import absltest

from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import text_generation
from tests.analysis import identity


class Vectors(identity.Vectors):
  """What is decoded is z with its seed."""

  def decode(self, z, seed, choice):
    return list(zip(z.numpy(), seed.numpy(), strict=True))


def generate(labels: Any = None, seed: int = 5, **changes: Any) -> generation.Generated:
  labels = np.zeros(200, np.int32) if labels is None else labels
  counts = {"samples": 70, "reconstructions": 3, "paths": 4, "steps": 5, "analogies": 2} | changes
  # Rows are multiples of (1, 2, 3).
  examples = generation.Examples(labels, lambda row: row * np.array([1.0, 2.0, 3.0], np.float32))
  codec = codec_lib.Codec(identity.Identity(), Vectors(), seed=0)
  return generation.Generator(codec, examples, seed).generate(**counts)


class GeneratorTest(absltest.TestCase):

  def test_samples_are_of_the_prior_and_each_has_its_own_stream(self):
    z, seeds = zip(*generate(samples=4000).samples, strict=True)
    # A mean of 12 000 standard normals, and its bound at a false-fail rate of 1e-9.
    self.assertLess(abs(np.mean(z)), 6.2 / np.sqrt(12_000))
    self.assertAlmostEqual(np.var(z), 1.0, delta=6.2 * np.sqrt(2 / 12_000))
    self.assertLen(set(seeds), 4000)

  def test_reconstructions_are_decoded_from_the_center(self):
    for item, (z, _) in generate().reconstructions:
      np.testing.assert_array_equal(item, z)

  def test_paths_are_straight_with_even_steps_and_share_a_stream(self):
    paths = generate().paths
    self.assertLen(paths, 4)
    for path in paths:
      z = np.array([z for z, _ in path.steps])
      expected = [path.source + weight * (path.target - path.source)
                  for weight in (0.0, 0.25, 0.5, 0.75, 1.0)]
      np.testing.assert_allclose(z, expected, rtol=1e-5)
      self.assertLen({seed for _, seed in path.steps}, 1)
    self.assertLen({path.steps[0][1] for path in paths}, 4)

  def test_analogies_take_two_of_the_commonest_label_and_one_of_the_next(self):
    labels = np.array([0] * 30 + [1] * 20 + [2] * 10 + [-1] * 40, np.int32)
    found = generate(labels).analogies
    self.assertLen(found, 2)
    for one in found:
      first, second, third = (int(item[0]) for item in (one.first, one.second, one.third))
      self.assertLess(max(first, third), 30)
      self.assertNotEqual(first, third)
      self.assertBetween(second, 30, 49)
      np.testing.assert_allclose(one.answer[0], one.second - one.first + one.third, rtol=1e-6)

  def test_no_analogies_without_two_labels(self):
    self.assertEmpty(generate(np.full(9, -1, np.int32)).analogies)

  def test_given_items_take_the_place_of_drawn_ones(self):
    given = [np.full(3, value, np.float32) for value in (1.0, 5.0, 7.0)]
    found = generate(between=(given[0], given[1]), analogy=tuple(given))
    path, = found.paths
    np.testing.assert_array_equal(path.steps[2][0], np.full(3, 3.0))
    analogy, = found.analogies
    np.testing.assert_array_equal(analogy.answer[0], np.full(3, 11.0))

  def test_a_seed_draws_the_same_and_another_draws_another(self):
    first, again, other = (generate(seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.samples[0][0], again.samples[0][0])
    np.testing.assert_array_equal(first.paths[0].source, again.paths[0].source)
    self.assertNotEqual(first.samples[0][0][0], other.samples[0][0][0])

  def test_nothing_is_drawn_where_nothing_is_asked_for(self):
    found = generate(samples=0, reconstructions=0, paths=0, analogies=0)
    self.assertEqual(dataclasses.astuple(found), ([], [], [], []))


class MarkdownTest(absltest.TestCase):

  def test_what_markdown_would_take_for_its_own_is_escaped(self):
    tables = text_generation.tables(generation.Generated(
        ["a <unk> | b"], [("x", "y")], [generation.Path("s", "t", ["1", "2"])], []))
    self.assertEqual(list(tables), ["samples", "reconstructions", "paths"])
    self.assertIn("| 1 | a &lt;unk> \\| b |", tables["samples"])
    self.assertIn("| source | x |\n| decoded | y |", tables["reconstructions"])
    self.assertIn("| source | s |\n| 1 | 1 |\n| 2 | 2 |\n| target | t |", tables["paths"])


if __name__ == "__main__":
  absltest.main()
