"""The configuration of a run: one frozen object in plain Python values.

Flags are made from the fields of `RunConfig`; each default stands here once.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf import fidelity as fidelity_lib
from du_vae_tf import methods
from du_vae_tf import networks


def option(default: Any, group: str, text: str, *, choices: tuple[str, ...] = (),
           mathematics: bool = True) -> Any:
  """A field of `RunConfig` and the flag made from it.

  Args:
    default: the value without any flag or file.
    group: heading in `--help`.
    text: one line in `--help`.
    choices: the allowed values, if they are few.
    mathematics: whether the value changes the numbers of the training run; such values name the
      run folder and may not change when a run is resumed.
  """
  return dataclasses.field(default=default, metadata={
      "group": group, "help": text, "choices": choices, "mathematics": mathematics})


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
  """Everything that a run is made from.

  Values without effect on the chosen method, networks and kind of data are None. Raises
  `errors.UserError` for a value out of its range or without effect. `resolve` makes one with all
  defaults filled in.
  """

  dataset: str = option("synthetic", "Data", "Data set.", choices=tuple(datasets.DATASETS))
  manual_dir: str | None = option(
      None, "Data", "Folder with raw files at hand, one sub-folder per data set.",
      mathematics=False)
  data_dir: str | None = option(
      None, "Data", "Where prepared data are cached (default: the user's cache folder).",
      mathematics=False)
  train_file: str | None = option(
      None, "Data", "Own training data. Text: a sentence a line, or label<TAB>sentence; images:"
      " .npz, .npy or .mat.", mathematics=False)
  valid_file: str | None = option(
      None, "Data", "Own validation data.", mathematics=False)
  test_file: str | None = option(None, "Data", "Own test data.", mathematics=False)
  tfds_name: str | None = option(
      None, "Data", "Image data set of tensorflow-datasets, e.g. mnist.", mathematics=False)
  batching: str | None = option(
      None, "Data", "near_equal: every sentence, padded; equal_length: the authors',"
      " skips small batches.", choices=("near_equal", "equal_length"))
  batch_size: int = option(32, "Data", "Examples per step over all replicas.")
  max_length: int | None = option(
      None, "Data", "Longest sentence in words; longer ones are cut.")
  vocab_size: int | None = option(
      None, "Data", "Most frequent words kept, the four special ones included (default: all).")
  max_train_examples: int | None = option(
      None, "Data", "Use the first N training examples (default: all).")
  max_eval_examples: int | None = option(
      None, "Data", "Report on the first N examples of the split (default: all).",
      mathematics=False)

  method: str = option("du_vae", "Method", "What is trained.", choices=tuple(methods.METHODS))
  gamma: float | None = option(
      None, "Method", "RMS of the scale of the normalized posterior means.")
  keep_prob: float | None = option(
      None, "Method", "Share of posterior variances kept in training; the paper's p.")
  free_bits: float | None = option(
      None, "Method", "Floor of the KL of each latent dimension in training, nats.")
  flow_depth: int | None = option(None, "Method", "Blocks of the flow.")
  flow_width: int | None = option(
      None, "Method", "Hidden units of a block's network, per latent dimension.")
  delta: float | None = option(
      None, "Method", "Floor of the KL of each latent dimension by construction, nats.")
  mean_shift: float | None = option(None, "Method", "Fixed shift of the normalized means.")
  mae_diversity: float | None = option(
      None, "Method", "Weight of the term for diverse posteriors.")
  mae_smoothness: float | None = option(
      None, "Method", "Weight of the term for evenly spread posteriors.")
  svi_steps: int | None = option(
      None, "Method", "Gradient steps that refine the posterior of each example.")
  svi_rate: float | None = option(
      None, "Method", "Rate of these steps, on the mean loss of a batch.")
  ae_sampling: str | None = option(
      None, "Method", "Of an autoencoder: z drawn from its Gaussian, or the mean.",
      choices=("stochastic", "deterministic"))
  kl_schedule: str | None = option(
      None, "Method", "Course of the KL weight: linear warm-up, warm-ups in cycles, or constant;"
      " linear unless the method has its own.",
      choices=tuple(methods.KL_SCHEDULES))
  kl_start: float | None = option(
      None, "Method", "KL weight before the first step; 1: no annealing; of agg_vae and sa_vae"
      " 0.1.")
  warmup_epochs: int | None = option(None, "Method", "Epochs until the KL weight is 1.")
  cycle_epochs: int | None = option(
      None, "Method", "Epochs of a cycle, the warm-up at its beginning included.")
  beta: float | None = option(
      None, "Method", "Constant KL weight; of beta_vae 0.4, 0.8 on omniglot.")
  fidelity: str = option(
      "authors", "Method", "Follow the authors' code or the text of the paper.",
      choices=tuple(fidelity_lib.FIDELITIES))

  latent_dim: int = option(32, "Networks", "Latent dimensions.")
  encoder: str | None = option(
      None, "Networks", "Network that gives q(z | x).", choices=tuple(networks.ENCODERS))
  decoder: str | None = option(
      None, "Networks", "Network that gives p(x | z).", choices=tuple(networks.DECODERS))
  hidden_size: int | None = option(None, "Networks", "LSTM units of encoder and decoder.")
  embedding_size: int | None = option(None, "Networks", "Word embedding dimensions.")

  epochs: int = option(
      100, "Training", "Most epochs; may grow when a run is resumed.", mathematics=False)
  learning_rate: float = option(
      1.0, "Training", "Before any decay; plain SGD on text, Adam on images.")
  seed: int = option(783435, "Training", "Of weights, noise and the order of the data.")
  checkpoint_minutes: float = option(
      10.0, "Training", "Save within an epoch after so many minutes.", mathematics=False)
  strategy: str = option(
      "auto", "Training",
      "Devices; auto: mirrored where there are several GPUs; multi_worker: machines of TF_CONFIG.",
      choices=("auto", "one_device", "mirrored", "multi_worker"), mathematics=False)
  precision: str = option(
      "auto", "Training",
      "Of products; auto: bfloat16 where processor or GPU are faster in it, tiny networks apart.",
      choices=("auto", "float32", "bfloat16"), mathematics=False)
  jit_compile: bool = option(
      False, "Training", "Compile steps on images by XLA, on one device (slower on a processor).",
      mathematics=False)
  deterministic: bool = option(
      False, "Training", "Repeat bit by bit on the same machine (slower).", mathematics=False)

  iw_samples: int = option(
      500, "Evaluation", "Samples of the importance-weighted NLL.", mathematics=False)

  run_dir: str | None = option(
      None, "Run", "Folder of the run (default: runs/<dataset>-<method>-<8 hex digits>).",
      mathematics=False)
  overwrite: bool = option(
      False, "Run", "Delete what --run_dir holds and start anew.", mathematics=False)

  def __post_init__(self) -> None:
    for field in dataclasses.fields(self):
      choices = field.metadata["choices"]
      value = getattr(self, field.name)
      if choices and value is not None and value not in choices:
        raise errors.UserError(
            f"--{field.name}={value}: must be one of {', '.join(choices)}.")
    _check_networks(self)
    _check_effects(self)
    _check_ranges(self)
    _check_method(self)

  @property
  def method_row(self) -> methods.Method:
    """The row of the method table."""
    return methods.METHODS[self.method]

  @property
  def modality(self) -> datasets.Modality:
    """What an example is."""
    return datasets.DATASETS[self.dataset].modality

  @property
  def network_rows(self) -> dict[str, networks.Network]:
    """The rows of encoder and decoder, by the names of their flags."""
    row = datasets.MODALITIES[self.modality]
    return {"encoder": networks.ENCODERS[self.encoder or row.encoder],
            "decoder": networks.DECODERS[self.decoder or row.decoder]}

  @property
  def fidelity_row(self) -> fidelity_lib.Fidelity:
    """The settings of the fidelity profile."""
    return fidelity_lib.FIDELITIES[self.fidelity]

  @property
  def posterior_row(self) -> fidelity_lib.PosteriorFidelity:
    """The settings of the fidelity profile for the method's posterior."""
    rows = self.fidelity_row.posteriors
    return rows.get(self.method_row.posterior, rows["gaussian"])

  @property
  def context_size(self) -> int:
    """Numbers that the encoder gives to a flow."""
    return methods.CONTEXT_PER_DIMENSION.get(self.method_row.posterior, 0) * self.latent_dim

  def mathematics(self) -> dict[str, Any]:
    """The values that change the numbers of the training run."""
    return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
            if field.metadata["mathematics"]}

  def digits(self, data_digest: str) -> str:
    """Eight hex digits that name the mathematics of the run and the content of its data."""
    # Without what has no effect, so that a new flag renames no run of other methods.
    values = {name: value for name, value in self.mathematics().items() if value is not None}
    text = json.dumps([values, data_digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

  def to_dict(self) -> dict[str, Any]:
    """All values, ready for JSON."""
    return dataclasses.asdict(self)


def _check_networks(config: RunConfig) -> None:
  """Raises `errors.UserError` for a network that does not fit the data."""
  tables = {"encoder": networks.ENCODERS, "decoder": networks.DECODERS}
  for flag, row in config.network_rows.items():
    if row.modality != config.modality:
      fitting = [name for name, other in tables[flag].items() if other.modality == config.modality]
      raise errors.UserError(
          f"--{flag}={getattr(config, flag)}: is for {row.modality}, and --dataset={config.dataset}"
          f" is {config.modality}; use {', '.join(fitting)}.")


def _check_effects(config: RunConfig) -> None:
  """Raises `errors.UserError` for a value without effect."""
  allowed = config.method_row.kl_schedules
  if config.kl_schedule is not None and config.kl_schedule not in allowed:
    raise errors.UserError(
        f"--kl_schedule={config.kl_schedule}: --method={config.method} "
        + (f"goes with {', '.join(allowed)} only." if allowed else "has no KL in its objective."))
  chosen = {**config.method_row.defaults, **datasets.MODALITIES[config.modality].defaults,
            **methods.KL_SCHEDULES.get(config.kl_schedule or "", {})}
  for row in config.network_rows.values():
    chosen |= row.defaults
  for name, (flag, owners) in owned_settings().items():
    if getattr(config, name) is not None and name not in chosen:
      if flag == "kl_schedule" and config.kl_schedule is None:
        raise errors.UserError(
            f"--{name} has no effect on --method={config.method}, which has no KL in its"
            " objective.")
      value = getattr(config, flag) or getattr(datasets.MODALITIES[config.modality], flag)
      raise errors.UserError(
          f"--{name} has no effect on --{flag}={value}; it belongs to {', '.join(owners)}.")


def owned_settings() -> dict[str, tuple[str, list[str]]]:
  """Settings that have an effect on some choices only: name -> flag of the choice, its values."""
  owned: dict[str, tuple[str, list[str]]] = {}

  def add(flag: str, choice: str, settings: Mapping[str, Any]) -> None:
    for name in settings:
      _, choices = owned.setdefault(name, (flag, []))
      if choice not in choices:
        choices.append(choice)

  for name, schedule in methods.KL_SCHEDULES.items():
    add("kl_schedule", name, schedule)
  for name, method in methods.METHODS.items():
    add("method", name, {setting: value for setting, value in method.defaults.items()
                         if setting not in methods.SCHEDULE_SETTINGS})
  for name, dataset in datasets.DATASETS.items():
    add("dataset", name, datasets.MODALITIES[dataset.modality].defaults)
  for name, network in networks.ENCODERS.items():
    add("encoder", name, network.defaults)
  for name, network in networks.DECODERS.items():
    add("decoder", name, network.defaults)
  return owned


_AT_LEAST: dict[str, int] = {
    "batch_size": 1, "max_length": 1, "vocab_size": 5, "max_train_examples": 16,
    "max_eval_examples": 1, "warmup_epochs": 0, "latent_dim": 1, "hidden_size": 1,
    "embedding_size": 1, "epochs": 1, "seed": 0, "iw_samples": 1, "flow_depth": 1,
    "flow_width": 1, "cycle_epochs": 1, "svi_steps": 1}
# The number of words that a vocabulary may have.
LARGEST_VOCABULARY = 2**24
# More than that cannot be meant, and would end in a lack of memory or of time.
_LARGEST_NUMBER = 2**31 - 1
_AT_MOST: dict[str, int] = {
    "batch_size": 2**16, "max_length": 2**16, "vocab_size": LARGEST_VOCABULARY,
    "latent_dim": 2**12, "hidden_size": 2**14, "embedding_size": 2**14, "flow_depth": 2**8,
    "flow_width": 2**10, "svi_steps": 2**16, "iw_samples": 2**20}
_POSITIVE = ("gamma", "delta", "svi_rate", "learning_rate", "checkpoint_minutes")
_NOT_NEGATIVE = ("free_bits", "beta", "mae_diversity", "mae_smoothness")


def _check_ranges(config: RunConfig) -> None:
  """Raises `errors.UserError` for a number out of its range."""
  for name, least in _AT_LEAST.items():
    value = getattr(config, name)
    if value is not None and value < least:
      raise errors.UserError(f"--{name}={value}: must be at least {least}.")
    most = _AT_MOST.get(name, _LARGEST_NUMBER)
    if value is not None and value > most:
      raise errors.UserError(f"--{name}={value}: must be at most {most}.")
  for name in _POSITIVE:
    value = getattr(config, name)
    if value is not None and not (value > 0.0 and math.isfinite(value)):
      raise errors.UserError(f"--{name}={value}: must be a finite number above 0.")
  if config.method_row.normalization != "none" and config.batch_size < 2:
    raise errors.UserError(
        f"--batch_size={config.batch_size}: must be at least 2, since --method={config.method}"
        " normalizes over the batch.")
  if config.modality == "image" and config.batch_size < 2:
    raise errors.UserError(
        f"--batch_size={config.batch_size}: must be at least 2, since networks of images normalize"
        " over the batch.")
  if config.jit_compile and config.svi_steps is not None:
    raise errors.UserError(
        f"--jit_compile: does not go with --method={config.method}, whose steps are loops that XLA"
        " does not compile.")
  if config.jit_compile and config.modality == "text":
    raise errors.UserError(
        f"--jit_compile: XLA compiles anew for every shape, and sentences of --dataset="
        f"{config.dataset} have many; it is for images.")
  if config.batching == "equal_length" and config.batch_size < 16:
    raise errors.UserError(
        f"--batch_size={config.batch_size}: must be at least 16 with --batching=equal_length,"
        " which skips smaller batches.")


def _check_method(config: RunConfig) -> None:
  """Raises `errors.UserError` for a number of the method out of its range."""
  if config.keep_prob is not None and not 0.0 < config.keep_prob <= 1.0:
    raise errors.UserError(f"--keep_prob={config.keep_prob}: must be in (0, 1].")
  for name in _NOT_NEGATIVE:
    value = getattr(config, name)
    if value is not None and not (value >= 0.0 and math.isfinite(value)):
      raise errors.UserError(f"--{name}={value}: must be a finite number of at least 0.")
  if config.mean_shift is not None and not math.isfinite(config.mean_shift):
    raise errors.UserError(f"--mean_shift={config.mean_shift}: must be a finite number.")
  if config.kl_start is not None and not 0.0 <= config.kl_start <= 1.0:
    raise errors.UserError(f"--kl_start={config.kl_start}: must be in [0, 1].")
  if config.cycle_epochs is not None and config.cycle_epochs < (config.warmup_epochs or 0):
    raise errors.UserError(
        f"--cycle_epochs={config.cycle_epochs}: must be at least --warmup_epochs="
        f"{config.warmup_epochs}, which begin the cycle.")


def resolve(explicit: Mapping[str, Any], dataset_values: Mapping[str, Any]) -> RunConfig:
  """The configuration from everything that a user may have said.

  Precedence: what is given explicitly, the method's row, the fidelity profile, the data set's
  flagfile, the rows of networks and modality, the defaults of `RunConfig`.

  Args:
    explicit: values from the command line and from flagfiles named there.
    dataset_values: values of the data set's own flagfile.

  Raises:
    errors.UserError: a value is out of its range or has no effect on the method.
  """
  dataset = explicit.get("dataset", RunConfig.dataset)
  if dataset not in datasets.DATASETS:
    return RunConfig(**explicit)  # Which says what is wrong with it.
  modality = datasets.DATASETS[dataset].modality
  row = datasets.MODALITIES[modality]
  encoder = explicit.get("encoder", dataset_values.get("encoder", row.encoder))
  decoder = explicit.get("decoder", dataset_values.get("decoder", row.decoder))
  method = explicit.get("method", dataset_values.get("method", RunConfig.method))
  fidelity = explicit.get("fidelity", dataset_values.get("fidelity", RunConfig.fidelity))
  layers: list[Mapping[str, Any]] = [{"encoder": encoder, "decoder": decoder}, row.defaults]
  layers += [table[name].defaults for table, name in (
      (networks.ENCODERS, encoder), (networks.DECODERS, decoder)) if name in table]
  row_of_method = methods.METHODS.get(method)
  schedules = row_of_method.kl_schedules if row_of_method else ()
  schedule = explicit.get(
      "kl_schedule", dataset_values.get("kl_schedule", schedules[0] if schedules else None))
  layers += [{"kl_schedule": schedule}, methods.KL_SCHEDULES.get(schedule, {}), dataset_values]
  if fidelity in fidelity_lib.FIDELITIES:
    layers.append(fidelity_lib.FIDELITIES[fidelity].overrides.get(modality, {}))
  if row_of_method:
    # A method's own numbers for another schedule than the chosen one have no effect.
    unused = methods.SCHEDULE_SETTINGS.difference(methods.KL_SCHEDULES.get(schedule, {}))
    layers += [{name: value for name, value in defaults.items() if name not in unused}
               for defaults in (row_of_method.defaults,
                                row_of_method.dataset_defaults.get(dataset, {}))]
  resolved: dict[str, Any] = {}
  for layer in (*layers, explicit):
    resolved |= layer
  return RunConfig(**resolved)
