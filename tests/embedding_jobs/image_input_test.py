"""Files of images as input, beside the images that a run makes of the same files."""

import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.embedding_jobs import embedder
from du_vae_tf.embedding_jobs import image_input
from du_vae_tf.serving import encoding
from tests.data import own_images
from tests.training import tiny_images

SIDE = tiny_images.SIDE


class ImageInputTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.images, self.labels = own_images.draw(20, SIDE, seed=3)

  def save(self, images: np.ndarray) -> pathlib.Path:
    path = self.folder / "images.npy"
    np.save(path, images)
    return path

  def read(self, path: pathlib.Path, rows_per_shard: int = 7):
    opened = image_input.ImageInput(path, SIDE)
    plan = opened.plan(rows_per_shard, lambda: None)
    return plan, [opened.read(shard, plan.row_format) for shard in plan.shards]

  def pixels(self, shards) -> np.ndarray:
    batches = [batch for rows in shards for batch in rows.batches(3)]
    return np.concatenate([batch["image"].numpy() for batch in batches])

  @parameterized.parameters(
      (lambda images: images,), (lambda images: images[..., None],),
      (lambda images: np.round(255 * images).astype(np.uint8),),
      (lambda images: np.asfortranarray(images.astype(np.float64)),),
      (lambda images: images > 0.5,))
  def test_pixels_above_one_half_are_ink_in_every_form(self, change):
    plan, shards = self.read(self.save(change(self.images)))
    self.assertEqual((plan.num_rows, plan.row_format), (20, "images"))
    self.assertEqual([len(rows.rows) for rows in shards], [7, 7, 6])
    np.testing.assert_array_equal(self.pixels(shards)[..., 0], self.images > 0.5)
    np.testing.assert_array_equal(np.concatenate([rows.rows for rows in shards]), np.arange(20))

  def test_labels_are_read_along(self):
    path = self.folder / "images.npz"
    np.savez(path, images=self.images, labels=self.labels)
    plan, shards = self.read(path)
    self.assertEqual(plan.row_format, "images with labels")
    np.testing.assert_array_equal(np.concatenate([rows.labels for rows in shards]), self.labels)
    path = self.folder / "wrong.npz"
    np.savez(path, images=self.images, labels=self.labels[1:])
    with self.assertRaisesRegex(errors.UserError, "labels has shape 19"):
      self.read(path)

  @parameterized.parameters(
      (np.float32, np.nan), (np.float64, 1.5), (np.float32, -0.1), (np.int16, 256), (np.int32, -1))
  def test_image_with_a_value_out_of_range_is_a_dead_letter_and_no_other(self, dtype, value):
    images = (self.images if np.issubdtype(dtype, np.floating) else 255 * self.images).astype(dtype)
    images[[0, 8, 19], 2, 3] = value
    with mock.patch.object(image_input, "_ROWS_AT_ONCE", 3):
      _, shards = self.read(self.save(images))
    self.assertEqual([letter for rows in shards for letter in rows.dead_letters],
                     [(row, "value out of range") for row in (0, 8, 19)])
    kept = np.setdiff1d(np.arange(20), [0, 8, 19])
    np.testing.assert_array_equal(np.concatenate([rows.rows for rows in shards]), kept)
    np.testing.assert_array_equal(self.pixels(shards)[..., 0], self.images[kept] > 0.5)

  def test_shard_without_a_usable_image_is_empty(self):
    images = self.images.copy()
    images[7:14] = np.inf
    _, shards = self.read(self.save(images))
    self.assertEqual([len(rows.rows) for rows in shards], [7, 0, 6])

  @parameterized.parameters(
      (np.zeros([3, SIDE + 1, SIDE + 1]), f"9 x 9 pixels; the run is of {SIDE} x {SIDE}"),
      (np.ones([3, SIDE, SIDE], np.uint8), "integers up to 1 only"),
      (np.zeros([3, SIDE]), "images of shape"), (np.full([3, SIDE, SIDE], "a"), "images of type"))
  def test_file_that_is_not_for_the_run_is_refused(self, images, message):
    with self.assertRaisesRegex(errors.UserError, f"--input=.*{message}"):
      self.read(self.save(images))

  def test_embeddings_are_those_of_the_model(self):
    model = tiny_images.build_model(tiny_images.make_config())
    for weight in model.trainable_variables:
      weight.assign(0.3 * np.random.default_rng(1).normal(size=weight.shape))
    opened = image_input.ImageInput(self.save(self.images), SIDE)
    plan = opened.plan(20, lambda: None)
    rows = opened.read(plan.shards[0], plan.row_format)
    given = embedder.Embedder(model, opened.element_spec, ("mean", "variance"))
    self.assertEqual(given.widths, {"mean": 3, "variance": 3})
    expected = encoding.encode(model, {"image": np.float32(self.images > 0.5)[..., None]})
    found = given.embed(rows.batches(6), 20, lambda _: None)
    for name, values in found.items():
      np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-5)
    self.assertGreater(found["mean"].std(axis=0).min(), 1e-4)
    self.assertEqual(given.embed(rows.batches(6), 0, self.fail)["mean"].shape, (0, 3))


if __name__ == "__main__":
  absltest.main()
