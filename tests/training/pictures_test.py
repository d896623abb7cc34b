"""Pictures: what stands where in them, and where they are written."""

import pathlib

import numpy as np
import tensorflow as tf

from du_vae_tf.data import image_splits
from du_vae_tf.training import pictures
from du_vae_tf.training import run_folder
from tests.training import tiny_images

SIDE = tiny_images.SIDE
# An image of side 8 is 24 pixels wide in a picture, and a gap of 2 stands on each side of it.
SHAPES = {"prior_samples": (8 * 26 + 2, 8 * 26 + 2, 1),
          "reconstructions": (4 * 26 + 2, 8 * 26 + 2, 1),
          "interpolations": (4 * 26 + 2, 12 * 26 + 2, 1)}


class _Decoder:
  """Either shows z in all pixels of an image, or the draws of the pixels themselves."""

  def __init__(self, shows_draws: bool):
    self._shows_draws = shows_draws

  def sample(self, z: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    shown = uniform if self._shows_draws else z[:, :1, tf.newaxis] * tf.ones_like(uniform)
    image = tf.clip_by_value(shown, 0.0, 1.0)[..., tf.newaxis]
    return image, image


class _Posterior:

  def __init__(self, center: tf.Tensor):
    self.center = center


class _Model:
  """The center is the share of ink, so that it can be seen in a picture which image is meant."""

  latent_dim = 1

  def __init__(self, shows_draws: bool = False):
    self.decoder = _Decoder(shows_draws)

  def posterior(self, batch: dict[str, tf.Tensor]) -> _Posterior:
    return _Posterior(tf.reduce_mean(batch["image"], axis=[1, 2]))


def make_split(count: int) -> image_splits.ImageSplit:
  """Images that all differ, also in their ink: image i has 2 i + 1 black pixels."""
  ink = np.arange(SIDE * SIDE) < 2 * np.arange(count)[:, np.newaxis] + 1
  images = ink.reshape(count, SIDE, SIDE, 1).astype(np.float32)
  return image_splits.make_split(images)


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


def draw(count: int = 20, shows_draws: bool = False, seed: int = 1) -> dict[str, np.ndarray]:
  made = pictures.Pictures(_Model(shows_draws), make_split(count), seed).draw()
  return {name: cells(picture) for name, picture in made.items()}


def grey_of(image: np.ndarray) -> np.ndarray:
  return 255 * image[..., 0]


class GridTest(tf.test.TestCase):

  def test_every_pixel_is_at_its_place(self):
    first = np.array([[0.0, 1.0]])
    second = np.array([[0.4, 0.6]])  # 102 and 153 of 255.
    third = np.array([[1.0, 0.0]])
    picture = pictures.grid(np.stack([first, second, third])[..., np.newaxis], columns=2)
    self.assertEqual(picture.dtype, np.uint8)
    gap = [96] * 16
    top = [96] * 2 + [0] * 3 + [255] * 3 + [96] * 2 + [102] * 3 + [153] * 3
    bottom = [96] * 2 + [255] * 3 + [0] * 3 + [96] * 8
    expected = [gap] * 2 + [top] * 3 + [gap] * 2 + [bottom] * 3 + [gap] * 2
    self.assertAllEqual(picture[..., 0], [[*line[:16], *gap[:2]] for line in expected])


class PicturesTest(tf.test.TestCase):

  def test_shapes(self):
    made = pictures.Pictures(_Model(), make_split(20), 1).draw()
    self.assertEqual({name: picture.shape for name, picture in made.items()}, SHAPES)
    for picture in made.values():
      self.assertEqual(picture.dtype, np.uint8)

  def test_prior_samples_are_of_64_standard_normal_z(self):
    shown = draw()["prior_samples"].reshape(64, -1)
    self.assertAllEqual(shown, np.repeat(shown[:, :1], 64, axis=1))
    # Of 64 normal numbers, between 12 and 52 are negative but for a probability of 3e-7.
    self.assertBetween(np.sum(shown[:, 0] == 0), 12, 52)
    self.assertGreater(len(np.unique(shown[:, 0])), 5)

  def test_inputs_stand_beside_reconstructions_from_their_means(self):
    shown = draw()["reconstructions"].reshape(16, 2, SIDE, SIDE)
    images = make_split(20).images[:16]
    self.assertAllEqual(shown[:, 0], grey_of(images))
    mean = images.mean(axis=(1, 2, 3))
    # Rounded to whole greys.
    self.assertAllClose(
        shown[:, 1], np.broadcast_to(255 * mean[:, None, None], shown[:, 1].shape),
        rtol=0.0, atol=0.5 + 1e-3)

  def test_interpolations_go_from_the_first_input_to_the_second(self):
    shown = draw()["interpolations"]
    ends = make_split(20).images[:8].reshape(4, 2, SIDE, SIDE, 1)
    self.assertAllEqual(shown[:, 0], grey_of(ends[:, 0]))
    self.assertAllEqual(shown[:, 11], grey_of(ends[:, 1]))
    means = ends.mean(axis=(2, 3, 4))
    share = np.linspace(0.0, 1.0, 10)
    expected = 255 * ((1.0 - share) * means[:, :1] + share * means[:, 1:])
    self.assertAllClose(
        shown[:, 1:11], np.broadcast_to(expected[..., None, None], (4, 10, SIDE, SIDE)),
        rtol=0.0, atol=0.5 + 1e-3)

  def test_draws_of_the_pixels_are_shared_within_a_row_of_interpolations_alone(self):
    shown = draw(shows_draws=True)
    rows = shown["interpolations"][:, 1:11]
    self.assertAllEqual(rows, np.repeat(rows[:, :1], 10, axis=1))
    own = [shown["prior_samples"].reshape(64, -1), rows[:, 0].reshape(4, -1),
           shown["reconstructions"].reshape(16, 2, -1)[:, 1]]
    self.assertLen(np.unique(np.concatenate(own), axis=0), 84)

  def test_fewer_images_than_are_shown_are_repeated(self):
    images = grey_of(make_split(3).images)
    shown = draw(count=3)
    pairs = shown["reconstructions"].reshape(16, 2, SIDE, SIDE)
    self.assertAllEqual(pairs[:, 0], images[np.arange(16) % 3])
    self.assertAllEqual(shown["interpolations"][:, 0], images[[0, 2, 1, 0]])
    self.assertAllEqual(shown["interpolations"][:, 11], images[[1, 0, 2, 1]])


class DrawnModelTest(tf.test.TestCase):
  """Pictures of a real model, in files and in TensorBoard."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.model = tiny_images.build_model(tiny_images.make_config())
    cls.pictures = cls.make(seed=1)
    cls.drawn = cls.pictures.draw()

  @classmethod
  def make(cls, seed: int) -> pictures.Pictures:
    return pictures.Pictures(cls.model, make_split(20), seed)

  def test_samples_are_binary_images(self):
    self.assertEqual({name: picture.shape for name, picture in self.drawn.items()}, SHAPES)
    for picture in self.drawn.values():
      self.assertAllEqual(np.unique(cells(picture)), [0, 255])

  def test_the_same_seed_draws_the_same_and_another_one_something_else(self):
    again, other = self.make(seed=1).draw(), self.make(seed=2).draw()
    twice = self.pictures.draw()
    for name, picture in self.drawn.items():
      self.assertAllEqual(picture, again[name])
      self.assertAllEqual(picture, twice[name])
      self.assertNotAllEqual(picture, other[name])

  def test_files_and_events_hold_the_pictures(self):
    folder = run_folder.RunFolder(self.create_tempdir().full_path)
    pictures.PictureWriter(self.pictures, folder).write("best-", "shown", 7)
    self.assertCountEqual([path.name for path in folder.samples.iterdir()],
                          [f"best-{name}.png" for name in SHAPES])
    events = self.events(folder.tensorboard)
    self.assertEqual(events.keys(), {f"shown/{name}" for name in SHAPES})
    for name, picture in self.drawn.items():
      content = (folder.samples / f"best-{name}.png").read_bytes()
      self.assertAllEqual(tf.io.decode_png(content), picture)
      step, encoded = events[f"shown/{name}"]
      self.assertEqual(step, 7)
      self.assertAllEqual(tf.io.decode_png(encoded), picture)

  def events(self, folder: pathlib.Path) -> dict[str, tuple[int, bytes]]:
    """Step and PNG of each tag."""
    found = {}
    for path in folder.iterdir():
      for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
          # A string tensor of width, height and the images.
          found[value.tag] = event.step, value.tensor.string_val[2]
    return found

  def test_every_fifth_epoch_is_shown(self):
    folder = run_folder.RunFolder(self.create_tempdir().full_path)
    trained = tiny_images.build_model(tiny_images.make_config(), "mixed_bfloat16")
    trained.set_weights([weight + 0.125 for weight in self.model.get_weights()])
    drawing = tiny_images.build_model(tiny_images.make_config())
    callback = pictures.PictureSummaries(
        pictures.Pictures(drawing, make_split(20), 1), trained, folder)
    for epoch in range(11):  # Counted from 0.
      callback.on_epoch_end(epoch)
    for drawn, weight in zip(drawing.get_weights(), trained.get_weights(), strict=True):
      self.assertAllEqual(drawn, weight)
    self.assertCountEqual(
        [path.name for path in folder.samples.iterdir()],
        [f"epoch-{epoch}-{name}.png" for epoch in ("0005", "0010") for name in SHAPES])
    events = self.events(folder.tensorboard)
    self.assertEqual({tag: step for tag, (step, _) in events.items()},
                     {f"samples/{name}": 10 for name in SHAPES})


if __name__ == "__main__":
  tf.test.main()
