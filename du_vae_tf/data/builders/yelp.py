"""TFDS builder of the Yelp reviews."""

from du_vae_tf.data.builders import text_files


class DuVaeYelp(text_files.DuVaeText):
  """Yelp reviews as used for VAEs: 100 000 / 10 000 / 10 000 texts with five classes."""

  DESCRIPTION = "Pre-tokenised Yelp reviews with their ratings as labels."
  HOMEPAGE = "https://github.com/jxhe/vae-lagging-encoder"
  CITATION = """\
@inproceedings{yang2017improved,
  title={Improved Variational Autoencoders for Text Modeling using Dilated Convolutions},
  author={Yang, Zichao and Hu, Zhiting and Salakhutdinov, Ruslan and Berg-Kirkpatrick, Taylor},
  booktitle={ICML}, year={2017}}"""
