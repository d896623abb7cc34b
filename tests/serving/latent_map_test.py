"""The plane of the map beside PCA of another library."""

import json
import pathlib

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from sklearn import decomposition

from du_vae_tf.serving import latent_map


class LatentMapTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    random = np.random.default_rng(3)
    self.rows = (random.normal(size=[50, 5]) * [1, 4, 2, 0.5, 3] + 1.0).astype(np.float32)
    self.labels = random.integers(0, 3, 50)

  def test_axes_are_the_first_two_principal_ones(self):
    made = latent_map.make(self.rows, self.labels, 5)
    reference = decomposition.PCA(2).fit(self.rows.astype(np.float64))
    np.testing.assert_allclose(made.mean, self.rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(np.abs(made.axes), np.abs(reference.components_), atol=1e-6)
    for axis in made.axes:
      self.assertGreater(axis[np.argmax(np.abs(axis))], 0.0)
    np.testing.assert_array_equal(made.labels, self.labels)

  @parameterized.parameters((2, 2), (4, 2), (5, 5), (10, 5), (1, 1), (2, 1))
  def test_points_are_where_the_mean_and_the_axes_say(self, width, latent_dim):
    rows = np.random.default_rng(1).normal(size=[20, width]).astype(np.float32)
    made = latent_map.make(rows, self.labels[:20], latent_dim)
    expected = [[(row - made.mean) @ made.axes[0], (row - made.mean) @ made.axes[1]]
                for row in rows]
    np.testing.assert_allclose(made.points, expected, atol=1e-9)
    self.assertEqual(made.axes.shape, (2, width))

  def test_of_two_dimensions_points_are_the_centers(self):
    gaussian, flow = self.rows[:, :2], self.rows[:, :4]
    np.testing.assert_array_equal(latent_map.make(gaussian, self.labels, 2).points, gaussian)
    # Of a flow, the centers stand behind the means.
    np.testing.assert_array_equal(latent_map.make(flow, self.labels, 2).points, flow[:, 2:])

  @parameterized.parameters((1, 1), (2, 1), (5, 5), (10, 5))
  def test_a_single_row_is_at_the_origin(self, width, latent_dim):
    made = latent_map.make(np.ones([1, width], np.float32), np.array([-1]), latent_dim)
    np.testing.assert_array_equal(made.points, [[0.0, 0.0]])
    self.assertTrue(np.all(np.isfinite(made.axes)))
    self.assertIsNone(made.labels)

  def test_the_file_has_the_map_and_what_is_given(self):
    path = pathlib.Path(self.create_tempdir().full_path) / "map.json"
    made = latent_map.make(self.rows, self.labels, 5)
    made.write(path, modality="text", examples=["ä"])
    read = json.loads(path.read_text(encoding="utf-8"))
    self.assertEqual(read.keys(), {"mean", "axes", "points", "labels", "modality", "examples"})
    np.testing.assert_array_equal(read["axes"], made.axes)
    np.testing.assert_allclose(read["points"], made.points, rtol=1e-5)
    self.assertEqual((read["labels"], read["examples"]), (self.labels.tolist(), ["ä"]))


if __name__ == "__main__":
  absltest.main()
