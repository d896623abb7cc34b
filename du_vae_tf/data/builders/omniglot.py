"""TFDS builder of OMNIGLOT at 28 x 28 pixels."""

from du_vae_tf.data import image_reader
from du_vae_tf.data import image_splits
from du_vae_tf.data.builders import image_files


class DuVaeOmniglot(image_files.DuVaeImages):
  """Drawings of characters of 50 alphabets: 22 345 / 2 000 / 8 070 images.

  `label` is the alphabet, from 0; `fine_label` the number of the character within it, from 1.
  """

  DESCRIPTION = "Drawings of the characters of 50 alphabets, scaled to 28 x 28 pixels."
  HOMEPAGE = "https://github.com/yburda/iwae"
  CITATION = """\
@article{lake2015human,
  title={Human-level concept learning through probabilistic program induction},
  author={Lake, Brenden M. and Salakhutdinov, Ruslan and Tenenbaum, Joshua B.},
  journal={Science}, volume={350}, number={6266}, pages={1332--1338}, year={2015}}
@inproceedings{burda2016importance,
  title={Importance Weighted Autoencoders},
  author={Burda, Yuri and Grosse, Roger and Salakhutdinov, Ruslan},
  booktitle={ICLR}, year={2016}}"""

  def _read(
      self, config: image_files.ImageFilesConfig
  ) -> dict[str, image_splits.ImageSplit]:
    return image_reader.read_chardata(config.files["all"])
