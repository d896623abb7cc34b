"""SavedModels that are made in a moment, for tests of the server."""

import os

import tensorflow as tf

FLOATS = tf.TensorSpec([None], tf.float32, name="x")


class SmallModel(tf.Module):
  """Signatures of all kinds."""

  @tf.function(input_signature=[FLOATS])
  def double(self, x):
    """One output."""
    return {"y": 2.0 * x}

  @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text"),
                                tf.TensorSpec([None], tf.int64, name="seed")])
  def several(self, text, seed):
    """Several inputs and outputs; `raw_bytes` is binary by its name."""
    return {"text": tf.strings.join(["<", text, ">"]), "seed": seed, "raw_bytes": text,
            "odd": seed % 2 == 1}

  @tf.function(input_signature=[tf.TensorSpec([None, 2, 2, 1], tf.float32, name="image")])
  def picture(self, image):
    """A shape of several axes."""
    return {"mean": tf.reduce_mean(image, axis=[1, 2, 3])}

  @tf.function(input_signature=[FLOATS])
  def total(self, x):
    """An output without rows."""
    return {"sum": tf.reduce_sum(x)}

  @tf.function(input_signature=[FLOATS])
  def limited(self, x):
    """A check that says what is wrong, and one that TensorFlow makes."""
    most = tf.reduce_max(x)
    check = tf.debugging.Assert(
        most <= 9.0, [tf.strings.join(["`x`: received ", tf.strings.as_string(
            most, shortest=True), "; allowed are at most 9."])])
    with tf.control_dependencies([check]):
      return {"y": tf.gather([0.0, 1.0, 2.0], tf.cast(x, tf.int32))}


def save(path: str | os.PathLike[str]) -> None:
  """Writes the model as a SavedModel."""
  model = SmallModel()
  tf.saved_model.save(model, os.fspath(path), signatures={
      "serving_default": model.double, "several": model.several, "picture": model.picture,
      "total": model.total, "limited": model.limited})
