"""Images in and out of a model whose latent space is known, and what stands where in pictures."""

import pathlib

import numpy as np
import tensorflow as tf

from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import image_generation
from du_vae_tf.data import image_splits
from tests.analysis import identity
from tests.testing import events
from tests.training import tiny_images

SIDE = tiny_images.SIDE
# An image of side 8 is 24 pixels wide in a picture, and a gap of 2 stands on each side of it.
SHAPES = {"samples": (3 * 26 + 2, 10 * 26 + 2, 1), "reconstructions": (2 * 26 + 2, 10 * 26 + 2, 1),
          "paths": (3 * 26 + 2, 8 * 26 + 2, 1)}
COUNTS = {"samples": 24, "reconstructions": 10, "paths": 3, "steps": 6, "analogies": 0}


class _Decoder:
  """Either shows z in all pixels of an image, or the draws of the pixels themselves."""

  def __init__(self, shows_draws: bool):
    self._shows_draws = shows_draws

  def sample(self, z: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    shown = uniform if self._shows_draws else z[:, :1, tf.newaxis] * tf.ones_like(uniform)
    image = tf.clip_by_value(shown, 0.0, 1.0)[..., tf.newaxis]
    return image, image


class _Model:
  """The center is the share of ink, so that it can be seen in a picture which image is meant."""

  latent_dim = 1
  family = identity.Identity.family

  def __init__(self, shows_draws: bool = False):
    self.decoder = _Decoder(shows_draws)

  def posterior(self, batch: dict[str, tf.Tensor]) -> identity.Posterior:
    return identity.Posterior(tf.reduce_mean(batch["image"], axis=[1, 2]))


def make_split(count: int = 20) -> image_splits.ImageSplit:
  """Images that all differ, also in their ink: image i has 2 i + 1 black pixels."""
  ink = np.arange(SIDE * SIDE) < 2 * np.arange(count)[:, np.newaxis] + 1
  return image_splits.make_split(ink.reshape(count, SIDE, SIDE, 1).astype(np.float32))


def generate(model: _Model | None = None, seed: int = 1) -> generation.Generated:
  model, split = model or _Model(), make_split()
  codec = codec_lib.Codec(model, image_generation.ImageMedium(model, SIDE), seed=0)
  return generation.Generator(codec, image_generation.examples(split), seed).generate(**COUNTS)


def cells(picture: np.ndarray) -> np.ndarray:
  """The images of a picture, [rows, columns, side, side] in 0..255, after a look at the gaps."""
  rows, columns = ((size - 2) // 26 for size in picture.shape[:2])
  for axis, count in ((0, rows), (1, columns)):
    lines = np.moveaxis(picture, axis, 0)
    for number in range(count + 1):
      np.testing.assert_array_equal(lines[26 * number:26 * number + 2], 96)
  body = picture[2:, 2:, 0].reshape(rows, 26, columns, 26)[:, :24, :, :24]
  enlarged = body.transpose(0, 2, 1, 3).reshape(rows, columns, SIDE, 3, SIDE, 3)
  np.testing.assert_array_equal(enlarged, np.broadcast_to(
      enlarged[:, :, :, :1, :, :1], enlarged.shape))
  return enlarged[:, :, :, 0, :, 0]


def shown(**kwargs: object) -> dict[str, np.ndarray]:
  return {kind: cells(grid.picture)
          for kind, grid in image_generation.grids(generate(**kwargs)).items()}


class GridsTest(tf.test.TestCase):

  def test_shapes_columns_and_no_grid_of_what_there_is_none_of(self):
    grids = image_generation.grids(generate())
    self.assertEqual({kind: grid.picture.shape for kind, grid in grids.items()}, SHAPES)
    self.assertEqual(grids["paths"].columns, ["source", *"123456", "target"])
    self.assertEqual({kind: grid.images for kind, grid in grids.items()},
                     {"samples": 24, "reconstructions": 20, "paths": 24})

  def test_prior_samples_show_standard_normal_z(self):
    images = shown()["samples"].reshape(30, -1)[:24]
    self.assertAllEqual(images, np.repeat(images[:, :1], SIDE * SIDE, axis=1))
    # Of 24 normal numbers none or all are negative with a probability of 1e-7.
    self.assertBetween(np.sum(images[:, 0] == 0), 1, 23)

  def test_inputs_stand_beside_reconstructions_from_their_centers(self):
    pairs = shown()["reconstructions"].reshape(10, 2, SIDE, SIDE)
    inputs = pairs[:, 0] / 255
    self.assertLen({image.sum() for image in inputs}, 10)
    for image in inputs:
      self.assertTrue(any(np.array_equal(image, one[..., 0]) for one in make_split().images))
    mean = inputs.mean(axis=(1, 2))
    self.assertAllClose(  # Rounded to whole greys.
        pairs[:, 1], np.broadcast_to(255 * mean[:, None, None], pairs[:, 1].shape),
        rtol=0.0, atol=0.5 + 1e-3)

  def test_paths_go_from_the_center_of_the_source_to_that_of_the_target(self):
    rows = shown()["paths"]
    first, last = (rows[:, end].mean(axis=(1, 2)) for end in (0, -1))
    share = np.linspace(0.0, 1.0, 6)
    expected = (1.0 - share) * first[:, None] + share * last[:, None]
    self.assertAllClose(rows[:, 1:-1], np.broadcast_to(
        expected[..., None, None], (3, 6, SIDE, SIDE)), rtol=0.0, atol=0.5 + 1e-3)

  def test_draws_of_the_pixels_are_shared_within_a_path_alone(self):
    drawn = shown(model=_Model(shows_draws=True))
    rows = drawn["paths"][:, 1:-1]
    self.assertAllEqual(rows, np.repeat(rows[:, :1], 6, axis=1))
    self.assertLen(np.unique(rows[:, 0].reshape(3, -1), axis=0), 3)
    samples = drawn["samples"].reshape(30, -1)[:24]
    self.assertLen(np.unique(samples, axis=0), 24)


class DrawnModelTest(tf.test.TestCase):
  """Images of a real decoder."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.model = tiny_images.build_model(tiny_images.make_config())
    cls.generated = generate(cls.model)

  def test_images_are_binary_and_follow_from_the_seed(self):
    again, other = generate(self.model), generate(self.model, seed=2)
    for ours, same, others in zip(
        self.generated.samples, again.samples, other.samples, strict=True):
      self.assertAllInSet(ours, [0.0, 1.0])
      self.assertAllEqual(ours, same)
      self.assertNotAllEqual(ours, others)

  def test_files_and_summaries_hold_the_pictures(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    files = image_generation.write(self.generated, folder / "best")
    self.assertCountEqual(
        [path.name for path in files], ["best.json", *(f"best-{kind}.png" for kind in SHAPES)])
    writer = tf.summary.create_file_writer(str(folder / "events"))
    with writer.as_default(step=7):
      image_generation.summarize(self.generated, "shown")
    writer.close()
    found = events.read(folder / "events", "images")
    self.assertEqual(found.keys(), {f"shown/{kind}" for kind in SHAPES})
    for kind, grid in image_generation.grids(self.generated).items():
      self.assertAllEqual(
          tf.io.decode_png((folder / f"best-{kind}.png").read_bytes()), grid.picture)
      (step, (_, _, content)), = found[f"shown/{kind}"]
      self.assertEqual(step, 7)
      self.assertAllEqual(tf.io.decode_png(content), grid.picture)


if __name__ == "__main__":
  tf.test.main()
