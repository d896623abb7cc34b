"""Posterior made by inverse autoregressive flow from a Gaussian one."""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.posteriors import bounds
from du_vae_tf.posteriors import gaussian

tfb = tfp.bijectors
tfd = tfp.distributions

# Shifts and gate logits [..., b, 2 n] of a block from its z [..., b, n] and the context [b, c];
# those of a dimension may depend on the dimensions before it alone.
Network = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

# softplus(s) squared stays within [2e-9, 2.2e4], as the variance of a plain Gaussian posterior.
MIN_SCALE_ARGUMENT = -10.0
MAX_SCALE_ARGUMENT = 150.0


class GatedStep:
  """One autoregressive step of the flow, without the reversal that follows it.

      z'_d = delta_d z_d + (1 - delta_d) m_d,  delta = sigmoid(s),  (m, s) = network(z, context)

  Sources: Kingma et al. 2016, algorithm 1; Shen et al. 2021, eq. (S22).

  The network runs once for each tensor z, for value and log-determinant together.

  Args:
    network: gives m and s.
    context: float tensor [b, c].

  Attributes:
    bijector: the step. Its inverse, which only densities of foreign z take, runs the network once
      for each dimension.
  """

  def __init__(self, network: Network, context: tf.Tensor) -> None:
    self._network = network
    self._context = context
    self._of: tf.Tensor | None = None
    self._numbers: tuple[tf.Tensor, tf.Tensor] | None = None
    self.bijector = tfb.Invert(tfb.MaskedAutoregressiveFlow(bijector_fn=self._inverse))

  def log_gate(self, z: tf.Tensor) -> tf.Tensor:
    """ln delta [..., b, n] of z [..., b, n]; its sum is the log-determinant of the step."""
    _, logit = self._shift_and_logit(z)
    return tf.math.log_sigmoid(logit)

  def _shift_and_logit(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    if self._numbers is None or self._of is not z:
      shift, logit = tf.split(self._network(z, self._context), 2, axis=-1)
      self._of, self._numbers = z, (shift, logit)
    return self._numbers

  def _inverse(self, z: tf.Tensor) -> tfp.bijectors.Bijector:
    shift, logit = self._shift_and_logit(z)
    step = tfb.Shift(tf.sigmoid(-logit) * shift)(tfb.Scale(log_scale=tf.math.log_sigmoid(logit)))
    return tfb.Invert(step)


class IAFPosterior:
  """q(z^T | x): a Gaussian z^0 after T blocks; all densities in nats.

  A block is a gated autoregressive step, after which the dimensions are reversed. Entropy falls
  with every step, as 0 < delta < 1 (Shen et al. 2021, eq. S25). Densities of z^T are those of the
  sample itself; there is no closed form of KL to the prior.

  Source: Shen et al. 2021, section 3.4 and appendix D.

  Args:
    mean: of z^0, float tensor [b, n].
    variance: of z^0, float tensor [b, n], entries > 0.
    context: float tensor [b, c].
    networks: one of each block.

  Attributes:
    mean: as given.
    variance: as given.
    base: the Gaussian posterior of z^0.
    distribution: the `tfd.TransformedDistribution` of z^T, batch shape [b], event shape [n].
  """

  def __init__(self, mean: tf.Tensor, variance: tf.Tensor, context: tf.Tensor,
               networks: Sequence[Network]) -> None:
    self.mean = mean
    self.variance = variance
    self.base = gaussian.GaussianPosterior(mean, variance)
    self._steps = [GatedStep(network, context) for network in networks]
    reversal = tfb.Permute(list(range(mean.shape[-1]))[::-1])
    blocks = [part for step in self._steps for part in (step.bijector, reversal)]
    self.distribution = tfd.TransformedDistribution(self.base.distribution, tfb.Chain(blocks[::-1]))

  @property
  def center(self) -> tf.Tensor:
    """z^T of zero noise, [b, n]: what stands for an example where one z is wanted."""
    z, _ = self._through(self.mean, tf.zeros_like(self.mean))
    return z

  def representation(self) -> tf.Tensor:
    """What stands for an example in other tasks: mean of z^0 and z^T of that mean, [b, 2 n].

    Source: Shen et al. 2021, section 4.3.
    """
    return tf.concat([self.mean, self.center], axis=-1)

  def sample_and_log_prob(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The sample z^T that standard normal noise stands for, with its log-density.

    Args:
      noise: float tensor [..., b, n].

    Returns:
      z^T [..., b, n] and log q(z^T | x) [..., b].
    """
    _, z, log_density = self._sample(noise)
    return z, tf.reduce_sum(log_density, axis=-1)

  def log_prob(self, z: tf.Tensor) -> tf.Tensor:
    """log q(z^T | x) of given z [..., b, n]: [..., b]. Runs each network n times."""
    return self.distribution.log_prob(z)

  def terms(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
    """What of the evidence lower bound lies in the latent space.

    The part of dimension d in log q(z^T | x) is what the flow makes of ln N(z^0_d'), d' being the
    dimension that the reversals carry to d, so it stands beside ln p(z^T_d).

    Args:
      noise: standard normal float tensor [s, b, n].

    Returns:
      `sample` [b, n]: z^T of the first noise; `kl_per_dimension` [b, n]: KL to the prior, nats, a
      Monte Carlo estimate, mean over the s samples; `base_sample` [b, n]: z^0 of the first noise;
      `log_determinant` [b]: of dz^T / dz^0, nats, mean over the s samples.
    """
    base_sample, z, log_density = self._sample(noise)
    prior = tfd.Normal(tf.zeros([], z.dtype), tf.ones([], z.dtype))
    _, base_log_density = self.base.sample_and_log_prob(noise)
    return {
        "sample": z[0], "base_sample": base_sample[0],
        "kl_per_dimension": tf.reduce_mean(log_density - prior.log_prob(z), axis=0),
        "log_determinant": tf.reduce_mean(
            base_log_density - tf.reduce_sum(log_density, axis=-1), axis=0)}

  def _sample(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """z^0, z^T and the dimensions' parts of log q(z^T | x), [..., b, n] each."""
    base_sample = self.mean + self.base.scale * noise
    prior = tfd.Normal(tf.zeros([], noise.dtype), tf.ones([], noise.dtype))
    log_density = prior.log_prob(noise) - tf.math.log(self.base.scale)
    return base_sample, *self._through(base_sample, log_density)

  def _through(self, z: tf.Tensor, log_density: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What the blocks make of z and of the dimensions' parts of its log-density."""
    for step in self._steps:
      log_density -= step.log_gate(z)
      z, log_density = (
          tf.reverse(value, [-1]) for value in (step.bijector.forward(z), log_density))
    return z, log_density


class IAF:
  """The family of these posteriors: from what an encoder gives to q(z^T | x).

  Args:
    networks: one of each block; see `Network`.
  """

  # Samples of which Monte Carlo estimates in evaluation are the mean; they cost little beside the
  # decoder, which sees the first one only.
  evaluation_samples = 8

  def __init__(self, networks: Sequence[Network]) -> None:
    self.networks = tuple(networks)

  def variance(self, scale_argument: tf.Tensor) -> tf.Tensor:
    """softplus(s)^2, s bounded by [-10, 150]; the softplus is the scale of z^0."""
    argument = bounds.bounded(scale_argument, MIN_SCALE_ARGUMENT, MAX_SCALE_ARGUMENT)
    return tf.square(tf.nn.softplus(argument))

  def posterior(self, mean: tf.Tensor, variance: tf.Tensor, context: tf.Tensor) -> IAFPosterior:
    """q(z^T | x)."""
    return IAFPosterior(mean, variance, context, self.networks)
