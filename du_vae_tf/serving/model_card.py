"""The model card of an exported run: what it is, how it was trained, how it is called."""

from typing import Any, cast

import huggingface_hub

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import markdown_table
from du_vae_tf import report as report_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import text_corpus
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.serving import limits as limits_lib
from du_vae_tf.serving import model_card_texts

# Units and meanings of the figures of a report.
FIGURES: dict[str, tuple[str, str]] = {
    "nll": ("nats per example", "importance-weighted -log p(x)"),
    "nll_std_error": ("nats per example", "standard error of nll over examples"),
    "ppl": ("1", "perplexity from nll; the end symbol counts as a word"),
    "elbo_nll": ("nats per example", "-ELBO with one sample"),
    "reconstruction": ("nats per example", "-log p(x given z), the same sample"),
    "kl": ("nats per example", "KL of the posterior to the prior"),
    "mi": ("nats", "mutual information of example and z"),
    "au": ("dimensions", "active units"),
    "mpd": ("nats", "mean posterior divergence: symmetric KL of two posteriors"),
    "ce": ("nats", "conditional entropy of z given the example"),
    "ce_std_error": ("nats", "standard error of ce over examples"),
    "z0_mi": ("nats", "mi before the flow"),
    "z0_au": ("dimensions", "au before the flow"),
    "z0_mpd": ("nats", "mpd before the flow"),
    "z0_ce": ("nats", "ce before the flow")}

_TASKS: dict[datasets.Modality, str] = {
    "text": "feature-extraction", "image": "image-feature-extraction"}
_SENTENCE_WORDS = 3


def make(config: config_lib.RunConfig, corpus: corpus_lib.Corpus, report: report_lib.Report,
         limits: limits_lib.Limits) -> huggingface_hub.ModelCard:
  """The card. It names no path and quotes no row of the data.

  Args:
    config: of the run.
    corpus: its data.
    report: of the exported weights.
    limits: of a request.
  """
  texts = model_card_texts.TEXTS[config.modality]
  facts = _facts(corpus, limits)
  allowed = [("every input", f"at most {limits.max_rows} rows"),
             *((names, text.format(**facts)) for names, text in texts.inputs)]
  sections = {
      "Method": _method(config), "Data": _data(config, corpus, texts.size.format(**facts)),
      "Figures": _figures(report), "Use": f"```python\n{texts.code.format(**facts)}```\n",
      "Limits of a request": markdown_table.make(["input", "allowed"], allowed),
      "Intended use": texts.intended, "Limits of use": texts.not_intended}
  body = "\n".join(f"## {title}\n\n{content}" for title, content in sections.items())
  encoder, decoder = (row.summary for row in config.network_rows.values())
  return huggingface_hub.ModelCard(
      f"---\n{_metadata(config, report).to_yaml()}\n---\n\n# {_name(config)}\n\n"
      f"A variational autoencoder of {texts.what} with {config.latent_dim} latent dimensions,"
      f" trained by du_vae_tf. Encoder: {encoder}. Decoder: {decoder}. The folder is a SavedModel"
      f" that needs TensorFlow alone.\n\n{body}")


def _facts(corpus: corpus_lib.Corpus, limits: limits_lib.Limits) -> dict[str, Any]:
  """What texts of the card name."""
  if limits.max_words is None:
    return dict(corpus.sizes)
  vocabulary = cast(text_corpus.TextCorpus, corpus).vocabulary
  most = min(_SENTENCE_WORDS, limits.max_words)
  words = vocabulary.words[len(vocabulary_lib.SPECIAL_WORDS):][:most]
  # Among the sizes is the longest training sentence; the limit of a request is another number.
  return {**corpus.sizes, "max_words": limits.max_words, "last_id": len(vocabulary) - 1,
          "sentence": b" ".join(words).decode()}


def _dataset_name(config: config_lib.RunConfig) -> str:
  return config.tfds_name or config.dataset


def _name(config: config_lib.RunConfig) -> str:
  return f"{config.method} on {_dataset_name(config)}"


def _metadata(config: config_lib.RunConfig,
              report: report_lib.Report) -> huggingface_hub.ModelCardData:
  task = _TASKS[config.modality]
  return huggingface_hub.ModelCardData(
      library_name="tensorflow", pipeline_tag=task, model_name=_name(config),
      tags=["variational-autoencoder", "saved-model", config.modality, config.method],
      eval_results=[huggingface_hub.EvalResult(
          task_type=task, dataset_type=config.dataset, dataset_name=_dataset_name(config),
          dataset_split=report.split, metric_type=name, metric_name=FIGURES[name][1],
          metric_value=value)
          for name, value in _values(report)])


def _values(report: report_lib.Report) -> list[tuple[str, Any]]:
  """The figures that a report has."""
  values = [(name, getattr(report, name)) for name in FIGURES]
  return [(name, value) for name, value in values if value is not None]


def _method(config: config_lib.RunConfig) -> str:
  settings = {name: value for name, value in config.mathematics().items() if value is not None}
  return (
      f"`{config.method}`: {config.method_row.summary}.\n\n" + markdown_table.make(
          ["setting", "value"], ([f"`--{name}`", str(value)] for name, value in settings.items())))


def _data(config: config_lib.RunConfig, corpus: corpus_lib.Corpus, size: str) -> str:
  head = ["split", "rows"]
  rows = [[name, str(split.num_examples)] for name, split in corpus.splits.items()]
  if config.modality == "text":
    splits = cast(text_corpus.TextCorpus, corpus).splits.values()
    head.append("words of the longest row")
    rows = [[*row, str(split.max_words)] for row, split in zip(rows, splits, strict=True)]
  return (f"`{_dataset_name(config)}`: {datasets.DATASETS[config.dataset].summary}. {size}\n\n"
          + markdown_table.make(head, rows))


def _figures(report: report_lib.Report) -> str:
  text = (
      f"Of the {report.num_examples} examples of the {report.split} split, with the weights of"
      f" epoch {report.best_epoch} of {report.epochs}, after {report.train_seconds:.0f} s of"
      f" training; `nll` with {report.iw_samples} samples.\n\n"
      + markdown_table.make(
          ["figure", "value", "unit", "meaning"],
          ([f"`{name}`", f"{value:.6g}", *FIGURES[name]] for name, value in _values(report))))
  for reason, names in _missing(report).items():
    text += f"\nWithout {', '.join(f'`{name}`' for name in names)}: {reason}.\n"
  return text


def _missing(report: report_lib.Report) -> dict[str, list[str]]:
  """Names of the figures that are null, by reason."""
  reasons: dict[str, list[str]] = {}
  for name, reason in (report.null_reasons or {}).items():
    reasons.setdefault(reason, []).append(name)
  return reasons
