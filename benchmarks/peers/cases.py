"""The work that is timed: each case takes its sizes and returns one repetition of that work."""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import nn

import image_model
import text_model

Sizes = Mapping[str, int]
Repeat = Callable[[], object]
VAE: TypeAlias = text_model.TextVAE | image_model.ImageVAE

CHUNK = 100  # Importance samples computed together.
IMAGE_BATCH = 50  # Images evaluated together.
_FIRST_WORD = 4  # Smaller ids are special symbols.
_TEXT_MODEL = ("vocab_size", "hidden_size", "embedding_size", "latent_dim")
_IMAGE_MODEL = ("side", "latent_dim")


def read_sizes(sizes: Sizes, names: tuple[str, ...],
               optional: Mapping[str, int] | None = None) -> dict[str, int]:
  """The sizes, complete.

  Raises:
    ValueError: a size is missing, unknown or not a positive whole number.
  """
  found = {**(optional or {}), **sizes}
  missing = [name for name in names if name not in found]
  unknown = [name for name in found if name not in (*names, *(optional or {}))]
  if missing or unknown:
    raise ValueError(f"sizes must be {', '.join((*names, *(optional or {})))}. "
                     f"Missing: {missing}; unknown: {unknown}.")
  for name, value in found.items():
    if type(value) is not int or value < 1:
      raise ValueError(f"{name} must be a positive whole number. Received: {value!r}.")
  return found


def _text_vae(sizes: Sizes) -> text_model.TextVAE:
  if sizes["vocab_size"] <= _FIRST_WORD:
    raise ValueError(f"vocab_size must exceed {_FIRST_WORD}. Received: {sizes['vocab_size']}.")
  return text_model.TextVAE(sizes["vocab_size"], sizes["embedding_size"], sizes["hidden_size"],
                            sizes["latent_dim"])


def _image_vae(sizes: Sizes) -> image_model.ImageVAE:
  return image_model.ImageVAE(sizes["side"], sizes["latent_dim"])


def _sentences(count: int, words: int, vocab_size: int) -> torch.Tensor:
  """Random ids [count, words + 2], start and end included."""
  ids = torch.randint(_FIRST_WORD, vocab_size, (count, words + 2))
  ids[:, 0] = text_model.START
  ids[:, -1] = text_model.END
  return ids


def _train_step(model: VAE, optimizer: torch.optim.Optimizer,
                batch: Callable[[], torch.Tensor]) -> Repeat:
  """One step on what `batch` returns, with KL weight 1; returns the loss, a number."""
  model.train()

  def repeat() -> float:
    examples = batch()
    optimizer.zero_grad()
    mean, log_variance = model.encoder(examples)
    z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).sum(dim=-1)
    reconstruction = model.decoder.reconstruction(examples, z.unsqueeze(1)).mean(dim=1)
    loss = (reconstruction + kl).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    return loss.item()

  return repeat


def _log_normal(z: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
  """Log-density, summed over the last dimension."""
  terms = (z - mean).square() / log_variance.exp() + log_variance + math.log(2.0 * math.pi)
  return -0.5 * terms.sum(dim=-1)


def _importance_nll(model: VAE, batches: tuple[torch.Tensor, ...], samples: int) -> Repeat:
  """The estimate for all batches; returns the mean NLL, a number.

  Raises:
    ValueError: the samples are no whole number of chunks.
  """
  chunk = min(CHUNK, samples)
  if samples % chunk:
    raise ValueError(f"samples must be at most {CHUNK} or its multiple. Received: {samples}.")
  model.eval()

  @torch.no_grad()
  def repeat() -> float:
    estimates = []
    for examples in batches:
      sums = []
      for _ in range(samples // chunk):
        # The authors encode again for every chunk.
        mean, log_variance = (part.unsqueeze(1) for part in model.encoder(examples))
        noise = torch.randn(len(examples), chunk, mean.shape[-1])
        z = mean + torch.exp(0.5 * log_variance) * noise
        zeros = torch.zeros_like(mean)
        log_joint = _log_normal(z, zeros, zeros) - model.decoder.reconstruction(examples, z)
        log_weights = log_joint - _log_normal(z, mean, log_variance)
        sums.append(torch.logsumexp(log_weights, dim=-1))
      total = torch.logsumexp(torch.stack(sums, dim=-1), dim=-1)
      estimates.append(math.log(samples) - total)
    return torch.cat(estimates).mean().item()

  return repeat


def text_step(sizes: Sizes) -> Repeat:
  """One training step; sizes: batch_size, words, and the model's."""
  sizes = read_sizes(sizes, ("batch_size", "words", *_TEXT_MODEL))
  model = _text_vae(sizes)
  ids = _sentences(sizes["batch_size"], sizes["words"], sizes["vocab_size"])
  return _train_step(model, torch.optim.SGD(model.parameters(), lr=1.0), lambda: ids)


def text_nll(sizes: Sizes) -> Repeat:
  """The importance-weighted NLL, one sentence at a time.

  Sizes: sentences, words, samples (of a sentence), and the model's.
  """
  sizes = read_sizes(sizes, ("sentences", "words", "samples", *_TEXT_MODEL))
  model = _text_vae(sizes)
  ids = _sentences(sizes["sentences"], sizes["words"], sizes["vocab_size"])
  return _importance_nll(model, ids.split(1), sizes["samples"])


def image_step(sizes: Sizes) -> Repeat:
  """One training step on grey images, made binary anew; sizes: batch_size, and the model's."""
  sizes = read_sizes(sizes, ("batch_size", *_IMAGE_MODEL))
  model = _image_vae(sizes)
  grey = torch.rand(sizes["batch_size"], 1, sizes["side"], sizes["side"])
  optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-8)
  return _train_step(model, optimizer, lambda: torch.bernoulli(grey))


def image_nll(sizes: Sizes) -> Repeat:
  """The importance-weighted NLL; sizes: images, samples (of an image), and the model's."""
  sizes = read_sizes(sizes, ("images", "samples", *_IMAGE_MODEL))
  model = _image_vae(sizes)
  images = torch.randint(0, 2, (sizes["images"], 1, sizes["side"], sizes["side"])).float()
  return _importance_nll(model, images.split(IMAGE_BATCH), sizes["samples"])


def generate(sizes: Sizes) -> Repeat:
  """The first pixels of images drawn together: `passes` full passes of the decoder.

  Every pixel takes one pass over the whole images, and all passes take the same time. A whole
  drawing therefore takes `side * side / passes` times as long, and another pass where the
  probabilities of the finished images are wanted too.

  Sizes: images, passes (4), and the model's.
  """
  sizes = read_sizes(sizes, ("images", *_IMAGE_MODEL), {"passes": 4})
  count, side, passes = sizes["images"], sizes["side"], sizes["passes"]
  if passes > side * side:
    raise ValueError(f"passes must be at most {side * side}, the pixels. Received: {passes}.")
  decoder = _image_vae(sizes).decoder.eval()
  z = torch.randn(count, sizes["latent_dim"])

  @torch.no_grad()
  def repeat() -> torch.Tensor:
    images = torch.zeros(count, 1, side, side)
    maps = decoder.maps(z)
    for pixel in range(passes):
      row, column = divmod(pixel, side)
      probabilities = decoder(images, maps)
      images[:, :, row, column] = torch.bernoulli(probabilities[:, :, row, column])
    return images

  return repeat


def beam_search(sizes: Sizes) -> Repeat:
  """Sentences of random z, one at a time.

  Sizes: sentences, width, max_length, and the model's. Random weights end a sentence early only by
  a rare accident, and the repetition then fails, since it has done less work than the sizes say.
  """
  sizes = read_sizes(sizes, ("sentences", "width", "max_length", *_TEXT_MODEL))
  width, max_length = sizes["width"], sizes["max_length"]
  decoder = _text_vae(sizes).decoder.eval()
  if width > sizes["vocab_size"]:
    raise ValueError(f"width must be at most vocab_size. Received: {width}.")
  z = torch.randn(sizes["sentences"], sizes["latent_dim"])

  @torch.no_grad()
  def repeat() -> list[list[int]]:
    sentences = []
    for row in z.split(1):
      tokens, computed = text_model.beam_search(decoder, row, width, max_length)
      # The first step has a single sentence in the beam.
      if computed != 1 + (max_length - 1) * width:
        raise RuntimeError(f"a sentence ended early, with {computed} tokens computed")
      sentences.append(tokens)
    return sentences

  return repeat


CASES: dict[str, Callable[[Sizes], Repeat]] = {
    case.__name__: case
    for case in (text_step, text_nll, image_step, image_nll, generate, beam_search)}
