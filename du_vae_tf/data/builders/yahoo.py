"""TFDS builder of the Yahoo questions and answers."""

from du_vae_tf.data.builders import text_files


class DuVaeYahoo(text_files.DuVaeText):
  """Yahoo Answers as used for VAEs: 100 000 / 10 000 / 10 000 texts without labels."""

  DESCRIPTION = "Pre-tokenised questions and answers of Yahoo Answers."
  HOMEPAGE = "https://github.com/jxhe/vae-lagging-encoder"
  CITATION = """\
@inproceedings{yang2017improved,
  title={Improved Variational Autoencoders for Text Modeling using Dilated Convolutions},
  author={Yang, Zichao and Hu, Zhiting and Salakhutdinov, Ruslan and Berg-Kirkpatrick, Taylor},
  booktitle={ICML}, year={2017}}"""
