"""Densities of latent maps against closed forms, and the figures' files."""

import pathlib

import numpy as np
from absl.testing import absltest
from scipy import stats

from du_vae_tf.analysis import dimension_bars
from du_vae_tf.analysis import heat_maps
from du_vae_tf.analysis import latent_maps
from du_vae_tf.analysis import latent_pictures
from du_vae_tf.analysis import projections
from du_vae_tf.analysis import representations

RANDOM = np.random.default_rng(0)


def encoded(size: int, dimensions: int, flow: bool = False,
            labels: bool = True) -> representations.Encoded:
  mean = RANDOM.standard_normal((size, dimensions)).astype(np.float32)
  return representations.Encoded(
      mean=mean, variance=np.full_like(mean, 0.5), center=mean + 1.0 if flow else mean,
      representation=mean, sample=mean + RANDOM.standard_normal(mean.shape),
      kl_per_dimension=np.abs(mean),
      labels=RANDOM.integers(0, 12, size) if labels else np.full(size, -1))


class DensityTest(absltest.TestCase):

  def test_mixture_is_the_mean_of_the_gaussians(self):
    means = np.array([[1.0, -0.5], [-2.0, 1.5], [0.3, 0.1]])
    variances = np.array([[0.2, 1.0], [0.5, 0.1], [2.0, 0.7]])
    coordinates = np.linspace(-3, 3, 7)
    density = latent_maps.gaussian_mixture(means, variances)(coordinates)
    for row, up in enumerate(coordinates):
      for column, across in enumerate(coordinates):
        expected = np.mean([stats.multivariate_normal.pdf([across, up], mean, np.diag(variance))
                            for mean, variance in zip(means, variances, strict=True)])
        self.assertAlmostEqual(density[row, column], expected, delta=1e-12)

  def test_mixture_integrates_to_one(self):
    coordinates = np.linspace(-12, 12, 241)
    density = latent_maps.gaussian_mixture(
        RANDOM.standard_normal((50, 2)), RANDOM.random((50, 2)) + 0.2)(coordinates)
    self.assertAlmostEqual(density.sum() * 0.1**2, 1.0, delta=1e-6)

  def test_kernel_estimate_has_the_same_axes(self):
    samples = np.array([2.0, -1.0]) + 0.3 * RANDOM.standard_normal((500, 2))
    coordinates = np.linspace(-3, 3, 61)
    density = latent_maps.kernel_estimate(samples)(coordinates)
    row, column = np.unravel_index(density.argmax(), density.shape)
    self.assertAlmostEqual(coordinates[column], 2.0, delta=0.3)
    self.assertAlmostEqual(coordinates[row], -1.0, delta=0.3)


class FilesTest(absltest.TestCase):

  def check(self, paths: list[pathlib.Path], stem: str) -> None:
    self.assertEqual([path.name for path in paths], [f"{stem}.png", f"{stem}.pdf"])
    self.assertEqual(paths[0].read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
    self.assertEqual(paths[1].read_bytes()[:5], b"%PDF-")

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def test_every_figure_is_written_as_png_and_pdf(self):
    flat = {"vae": encoded(60, 2), "du_iaf": encoded(60, 2, flow=True)}
    deep = {"a": encoded(60, 5), "b": encoded(40, 3, labels=False)}
    for synthetic in (True, False):
      self.check(latent_maps.draw(flat, self.folder / "map", synthetic=synthetic, seed=0), "map")
    self.check(projections.draw(deep, self.folder / "projections", 0), "projections")
    self.check(dimension_bars.draw(flat | deep, self.folder / "bars"), "bars")
    self.check(heat_maps.draw(
        {"yahoo": {(0.4, 1.0): 330.0, (0.5, 0.9): 329.0}, "yelp": {(0.4, 1.0): 350.0}},
        ("gamma", "keep_prob"), self.folder / "heat"), "heat")

  def test_views_start_with_the_most_active_dimensions(self):
    centers = RANDOM.standard_normal((30, 6)) * np.array([0.1, 3.0, 0.2, 1.0, 0.01, 2.0])
    views = projections.views(centers, 0)
    self.assertEqual(list(views), ["dimensions 1 and 5", "dimensions 3 and 2", "PCA", "t-SNE"])
    np.testing.assert_array_equal(views["dimensions 1 and 5"], centers[:, [1, 5]])
    # The first principal component has the largest variance that any direction can have.
    largest = np.linalg.eigvalsh(np.cov(centers.T))[-1]
    self.assertAlmostEqual(views["PCA"][:, 0].var(ddof=1), largest, delta=1e-6 * largest)
    self.assertEqual(list(projections.views(centers, 0, quick=True)), list(views)[:-1])

  def test_pictures_are_those_that_fit_the_space_however_few_or_equal_the_examples(self):
    for case, (size, dimensions, flow, expected) in enumerate((
        (20, 2, False, "map"), (3, 2, True, "map"), (2, 2, True, None), (1, 2, False, None),
        (20, 3, False, "projections"), (1, 5, False, "projections"), (5, 1, False, None))):
      one = encoded(size, dimensions, flow=flow)
      made = latent_pictures.draw(
          {"run": one}, self.folder / str(case), synthetic=False, seed=0, quick=True)
      names = {"latent_dimensions", *([f"latent_{expected}"] if expected else [])}
      self.assertEqual({path.stem for path in made}, names)

  def test_equal_centers_have_no_components_and_no_neighbours(self):
    self.assertEqual(
        list(projections.views(np.ones([20, 4]), 0)), ["dimensions 0 and 1", "dimensions 2 and 3"])


if __name__ == "__main__":
  absltest.main()
