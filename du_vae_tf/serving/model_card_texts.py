"""What a model card says of every exported model of one kind of example."""

import dataclasses

from du_vae_tf import datasets


@dataclasses.dataclass(frozen=True, kw_only=True)
class Texts:
  """Parts of a card; names in braces stand for numbers and words of the model.

  Attributes:
    what: what the model is one of, in the plural.
    size: of its examples.
    code: Python that loads the model where the card lies, and calls it.
    inputs: inputs and what is allowed in them.
    intended: what the model is for.
    not_intended: what it is not for.
  """

  what: str
  size: str
  code: str
  inputs: tuple[tuple[str, str], ...]
  intended: str
  not_intended: str


_NUMBERS = (("`z`", "finite numbers"), ("`weight`", "numbers from 0 to 1"))

TEXTS: dict[datasets.Modality, Texts] = {
    "text": Texts(
        what="sentences",
        size="Vocabulary: {vocab_size} words, four special ones included.",
        code="""\
import tensorflow as tf

model = tf.saved_model.load(".")  # The folder of this file.
text = tf.constant([{sentence!r}])
seed = tf.constant([1], tf.int64)
encoded = model.signatures["encode"](text=text)
print(encoded["mean"].numpy(), encoded["variance"].numpy())
print(model.signatures["decode"](z=encoded["center"])["text"].numpy()[0].decode())
print(model.signatures["generate"](seed=seed)["text"].numpy()[0].decode())
print(model.signatures["log_likelihood"](text=text, seed=seed)["log_likelihood"].numpy())
""",
        inputs=(
            ("`text`, `start`, `end`", "at most {max_words} words, between white space"),
            ("`ids`", "3 to {last_id}, at most {max_words} in a row, and 0 behind the last"),
            *_NUMBERS),
        intended="""\
Research on latent variables of text: representations of sentences for other models, search by
similarity, interpolation, sampling, and scores of how likely a sentence is under the training data.
""",
        not_intended="""\
The model knows the words of its vocabulary alone, split at white space as in the training data;
all others are one unknown word. Sentences that it writes repeat what its training data say, errors
and prejudice included, and are no statements of fact: they are not to be shown unread. A likelihood
compares sentences under this model; it measures neither truth nor quality. Nothing about a person
is to be decided by any of its answers.
"""),
    "image": Texts(
        what="binary images",
        size="Images of {side} x {side} pixels, 1 is ink.",
        code="""\
import tensorflow as tf

model = tf.saved_model.load(".")  # The folder of this file.
seed = tf.constant([1], tf.int64)
image = model.signatures["generate"](seed=seed)["image"]
print(image.numpy()[0, :, :, 0].astype(int))
encoded = model.signatures["encode"](image=image)
print(encoded["mean"].numpy(), encoded["variance"].numpy())
print(model.signatures["decode"](z=encoded["center"], seed=seed)["probabilities"].numpy().shape)
print(model.signatures["log_likelihood"](image=image, seed=seed)["log_likelihood"].numpy())
""",
        inputs=(
            ("`image`, `start`, `end`",
             "{side} x {side} numbers from 0 to 1; ink is what exceeds 0.5"),
            *_NUMBERS),
        intended="""\
Research on latent variables of images: representations of images for other models, search by
similarity, interpolation, sampling, and scores of how likely an image is under the training data.
""",
        not_intended="""\
The model takes images of one size and sees each pixel as ink or none. Images that it draws
resemble its training data. A likelihood compares images under this model; it does not measure
quality, and images unlike the training data may have high ones. Nothing about a person is to be
decided by any of its answers.
""")}
