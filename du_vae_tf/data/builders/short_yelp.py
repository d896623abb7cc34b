"""TFDS builder of the short Yelp sentences."""

from du_vae_tf.data.builders import text_files


class DuVaeShortYelp(text_files.DuVaeText):
  """Sentences of Yelp reviews: 100 000 / 10 000 / 10 000, at most 15 words, with sentiment."""

  DESCRIPTION = "Pre-tokenised sentences of Yelp reviews; label 1 is positive."
  HOMEPAGE = "https://github.com/shentianxiao/language-style-transfer"
  CITATION = """\
@inproceedings{shen2017style,
  title={Style Transfer from Non-Parallel Text by Cross-Alignment},
  author={Shen, Tianxiao and Lei, Tao and Barzilay, Regina and Jaakkola, Tommi},
  booktitle={NeurIPS}, year={2017}}"""
