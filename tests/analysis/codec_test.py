"""Items to latent vectors and back, with a model whose latent space is known."""

import numpy as np
from absl.testing import absltest

from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import word_choice
from tests.analysis import identity

CHOICE = word_choice.WordChoice(decoding="sample")


class Medium(identity.Vectors):
  """What is decoded is z with its seed and its batch."""

  def __init__(self):
    self.calls = 0

  def decode(self, z, seed, choice):
    self.calls += 1
    assert choice == CHOICE
    return list(zip(z.numpy(), seed.numpy(), [self.calls] * len(z), strict=True))


class CodecTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.codec = codec_lib.Codec(identity.Identity(), Medium(), seed=3)

  def test_parts_come_in_the_order_of_the_items(self):
    items = list(np.random.default_rng(0).normal(size=(150, 3)).astype(np.float32))
    encoded = self.codec.encode(items)
    for name in ("mean", "center", "representation", "sample"):
      np.testing.assert_array_equal(encoded[name], items)
    np.testing.assert_array_equal(self.codec.centers(items), items)

  def test_nothing_has_no_centers(self):
    self.assertEqual(self.codec.centers([]).shape, (0, 3))

  def test_every_row_is_decoded_with_the_seed_of_its_stream(self):
    z = np.arange(300, dtype=np.float32).reshape(100, 3)
    streams = np.arange(100) // 2
    decoded, seeds, calls = zip(*self.codec.decode(z, streams, 7, CHOICE), strict=True)
    np.testing.assert_array_equal(decoded, z)
    np.testing.assert_array_equal(np.array(seeds) - seeds[0], streams)
    self.assertEqual(set(calls), {1, 2})
    _, others, _ = zip(*self.codec.decode(z, streams, 8, CHOICE), strict=True)
    self.assertEmpty(set(seeds) & set(others))

  def test_prior_belongs_to_its_seed(self):
    first, again, other = (self.codec.prior(5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    self.assertFalse(np.isclose(first, other).any())

  def test_paths_lead_from_one_center_to_the_other(self):
    pairs = [(np.zeros(3), np.ones(3)), (np.full(3, 2.0), np.full(3, -2.0))]
    first, second = self.codec.paths(pairs, 3, 0, CHOICE)
    np.testing.assert_allclose([z for z, *_ in first], [[0.0] * 3, [0.5] * 3, [1.0] * 3])
    np.testing.assert_allclose([z for z, *_ in second], [[2.0] * 3, [0.0] * 3, [-2.0] * 3])
    self.assertEqual([len({seed for _, seed, _ in path}) for path in (first, second)], [1, 1])
    self.assertEqual(self.codec.paths([], 3, 0, CHOICE), [])


if __name__ == "__main__":
  absltest.main()
