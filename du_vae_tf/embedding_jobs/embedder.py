"""What a trained encoder makes of batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import vae
from du_vae_tf.serving import encoding


class Embedder:
  """Embeds examples in evaluation mode; traced once.

  Args:
    model: with its weights.
    element_spec: what a batch is.
    fields: what is wanted of each example; names of what `encoding.encode` gives.

  Attributes:
    widths: name of a field -> numbers of an example.
  """

  def __init__(self, model: vae.VAE, element_spec: Mapping[str, tf.TensorSpec],
               fields: Sequence[str]):
    def embed(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
      encoded = encoding.encode(model, batch)
      return {"row": batch["row"], **{name: encoded[name] for name in fields}}

    self._embed = tf.function(embed, input_signature=[dict(element_spec)], autograph=False)
    outputs = self._embed.get_concrete_function().structured_outputs
    self.widths: dict[str, int] = {name: outputs[name].shape[-1] for name in fields}

  def embed(self, batches: tf.data.Dataset, num_rows: int,
            on_batch: Callable[[int], object]) -> dict[str, np.ndarray]:
    """The fields of all rows, in the order of their numbers.

    Args:
      batches: of the rows from 0 to `num_rows` - 1, each once, in any order.
      num_rows: n; may be 0.
      on_batch: told the rows of each batch when it is embedded; may raise.

    Returns:
      field -> float32 [n, width].
    """
    if not num_rows:
      return {name: np.zeros([0, width], np.float32) for name, width in self.widths.items()}

    def step(iterator: Iterator[Any]) -> dict[str, tf.Tensor]:
      answers = self._embed(next(iterator))
      on_batch(len(answers["row"]))
      return answers

    joined = posterior_pass.gather(step, batches)
    order = np.argsort(joined.pop("row"))
    return {name: values[order] for name, values in joined.items()}
