"""The figures of a run on one split."""

import dataclasses
import json
import os
import pathlib

from du_vae_tf import errors
from du_vae_tf import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
  """What `report.json` holds. All losses are means over examples, in nats, summed over words
  or pixels.

  Attributes:
    dataset: name of the data set.
    method: name of the method.
    split: which examples.
    num_examples: how many of them, N.
    iw_samples: samples K of the importance-weighted estimate.
    nll: importance-weighted -log p(x) with K samples (Burda et al. 2016), evaluation mode.
    nll_std_error: standard deviation of `nll` over examples / sqrt(N); None if N = 1.
    ppl: of text, exp(total nll / predicted tokens); the end symbol counts as predicted, the start
      not. None for images.
    elbo_nll: -ELBO with one sample and KL weight 1.
    reconstruction: -log p(x | z), the same sample.
    kl: KL(q(z | x) || p(z)).
    mi: mutual information of x and z under q, aggregate posterior over all N examples; an
      estimate with one sample per example, at most about ln N, slightly negative if collapsed.
    au: active units: dimensions whose posterior mean has a variance over examples >= 0.01.
    mpd: mean posterior divergence, mean symmetric KL of two posteriors (eq. 2; eq. 3 with -n).
    ce: conditional entropy of z given x (eq. 5).
    latent_dim: n.
    seed: of the run.
    epochs: run in all.
    best_epoch: whose weights are reported, counted from 1.
    train_seconds: wall time of training, validation included.
    precision: of the products in this evaluation, float32 or bfloat16.
  """

  dataset: str
  method: str
  split: str
  num_examples: int
  iw_samples: int
  nll: float
  nll_std_error: float | None
  ppl: float | None
  elbo_nll: float
  reconstruction: float
  kl: float
  mi: float
  au: int
  mpd: float
  ce: float
  latent_dim: int
  seed: int
  epochs: int
  best_epoch: int
  train_seconds: float
  precision: str

  def to_json(self) -> str:
    """All fields, one a line."""
    return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

  def write(self, path: str | os.PathLike[str]) -> None:
    """Writes the JSON, complete or not at all."""
    files.write_text_atomically(path, self.to_json())

  @classmethod
  def read(cls, path: str | os.PathLike[str]) -> "Report":
    """Reads what `write` wrote.

    Raises:
      errors.UserError: it is no report.
    """
    try:
      values = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
      return cls(**values)
    except (OSError, ValueError, TypeError) as error:
      raise errors.UserError(f"{path}: not a report ({error}).") from None

  def table(self) -> str:
    """The figures as aligned lines for the terminal."""
    rows = [
        ("NLL", f"{self.nll:.2f}", f"importance-weighted, {self.iw_samples} samples"
         + ("" if self.nll_std_error is None else f", standard error {self.nll_std_error:.2f}")),
        *([] if self.ppl is None else [("perplexity", f"{self.ppl:.2f}", "from NLL")]),
        ("-ELBO", f"{self.elbo_nll:.2f}", "one sample"),
        ("reconstruction", f"{self.reconstruction:.2f}", ""),
        ("KL", f"{self.kl:.2f}", ""),
        ("MI", f"{self.mi:.2f}", "mutual information of example and latent variable"),
        ("AU", f"{self.au}", f"active units of {self.latent_dim}"),
        ("MPD", f"{self.mpd:.2f}", "mean posterior divergence"),
        ("CE", f"{self.ce:.2f}", "conditional entropy")]
    head = (f"{self.method} on {self.dataset}, {self.split} split, {self.num_examples} examples"
            f" (epoch {self.best_epoch} of {self.epochs}, seed {self.seed},"
            f" {self.train_seconds:.0f} s of training); nats per example")
    return "\n".join([head, *(f"  {name:<15}{value:>10}  {note}".rstrip()
                              for name, value, note in rows)])
