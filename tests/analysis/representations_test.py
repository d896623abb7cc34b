"""What the encoder makes of a split, beside the model itself."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.analysis import representations
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.models import builders
from du_vae_tf.training import runs
from tests.training import tiny


class RepresentationsTest(parameterized.TestCase):

  @parameterized.parameters("du_vae", "du_iaf")
  def test_rows_are_in_the_order_of_the_split(self, method):
    config = tiny.make_config(self.create_tempdir().full_path, method=method, latent_dim=3)
    corpus = corpus_lib.load(config)
    model = builders.build_model(config, corpus.sizes)
    for weight in model.trainable_variables:
      weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    run = runs.Run(folder=None, config=config, data_digest="", sizes=corpus.sizes, model=model,
                   progress=None, precision="float32")
    encoded = representations.encode(run, corpus, "train")
    some = representations.encode(run, corpus, "train", max_examples=7)
    self.assertEqual(encoded.representation.shape, (70, 6 if method == "du_iaf" else 3))
    np.testing.assert_allclose(some.mean, encoded.mean[:7], atol=1e-5)
    for batch in corpus.evaluation_dataset("train", 9):
      posterior = model.posterior(batch)
      rows = batch["row"].numpy()
      for name, expected in {
          "mean": posterior.mean, "variance": posterior.variance, "center": posterior.center,
          "representation": posterior.representation()}.items():
        np.testing.assert_allclose(getattr(encoded, name)[rows], expected, atol=1e-5)
      if method == "du_vae":
        mean, variance = posterior.mean, posterior.variance
        np.testing.assert_allclose(
            encoded.kl_per_dimension[rows],
            0.5 * (mean**2 + variance - 1.0 - tf.math.log(variance)), atol=1e-4)
    spread = (encoded.sample - encoded.center).std()
    self.assertGreater(spread, 0.0)


if __name__ == "__main__":
  absltest.main()
