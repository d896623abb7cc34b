"""The figures of a run on one split."""

import dataclasses
import json
import os
from collections.abc import Mapping

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import json_files


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
    elbo_nll: -ELBO with one sample and KL weight 1; of a flow, `kl` has more samples.
    reconstruction: -log p(x | z), the same sample.
    kl: KL(q(z | x) || p(z)); closed for Gaussian posteriors, Monte Carlo for flows (the mean of
      eight samples per example).
    mi: mutual information of x and z under q, aggregate posterior over all N examples; an
      estimate with one sample per example, at most about ln N, slightly negative if collapsed.
      None for flows.
    au: active units: dimensions whose posterior mean has a variance over examples >= 0.01. None
      for flows.
    mpd: mean posterior divergence, mean symmetric KL of two posteriors (eq. 2; eq. 3 with -n).
      None for flows.
    ce: conditional entropy of z given x (eq. 5); of flows, that of z^T: `z0_ce` plus the Monte
      Carlo mean of the flow's log-determinant (eq. S23).
    latent_dim: n.
    seed: of the run.
    epochs: run in all.
    best_epoch: whose weights are reported, counted from 1.
    train_seconds: wall time of training, validation included.
    precision: of the products in this evaluation, float32 or bfloat16.
    ce_std_error: of `ce` of flows, over examples; this and what follows are left out of the file
      where they are None.
    z0_mi: of flows, `mi` of z^0, the Gaussian before the flow.
    z0_au: of flows, `au` of z^0.
    z0_mpd: of flows, `mpd` of z^0.
    z0_ce: of flows, `ce` of z^0 in closed form; never below `ce`.
    null_reasons: why figures are null, by their names.
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
  mi: float | None
  au: int | None
  mpd: float | None
  ce: float
  latent_dim: int
  seed: int
  epochs: int
  best_epoch: int
  train_seconds: float
  precision: str
  ce_std_error: float | None = None
  z0_mi: float | None = None
  z0_au: int | None = None
  z0_mpd: float | None = None
  z0_ce: float | None = None
  null_reasons: Mapping[str, str] | None = None

  def to_json(self) -> str:
    """The fields, one a line."""
    optional = {field.name for field in dataclasses.fields(self) if field.default is None}
    return json.dumps({
        name: value for name, value in dataclasses.asdict(self).items()
        if value is not None or name not in optional}, indent=2) + "\n"

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
      values = json_files.read_object(path)
      json_files.check_fields(cls, values)
      return cls(**values)
    except (OSError, ValueError) as error:
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
        *self._latent_rows("", self.mi, self.au, self.mpd, self.ce),
        *self._latent_rows("z0 ", self.z0_mi, self.z0_au, self.z0_mpd, self.z0_ce)]
    head = (f"{self.method} on {self.dataset}, {self.split} split, {self.num_examples} examples"
            f" (epoch {self.best_epoch} of {self.epochs}, seed {self.seed},"
            f" {self.train_seconds:.0f} s of training); nats per example")
    return "\n".join([head, *(f"  {name:<15}{value:>10}  {note}".rstrip()
                              for name, value, note in rows)])

  def _latent_rows(self, prefix: str, mi: float | None, au: int | None, mpd: float | None,
                   ce: float | None) -> list[tuple[str, str, str]]:
    """The lines of the figures of z or of z^0, without those that are null."""
    of = ", before the flow" if prefix else ""
    rows = [
        ("MI", mi, ".2f", f"mutual information of example and latent variable{of}"),
        ("AU", au, "d", f"active units of {self.latent_dim}{of}"),
        ("MPD", mpd, ".2f", f"mean posterior divergence{of}"),
        ("CE", ce, ".2f", f"conditional entropy{of}")]
    return [(f"{prefix}{name}", format(value, form), note)
            for name, value, form, note in rows if value is not None]
