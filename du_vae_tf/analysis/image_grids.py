"""Many small images as one picture."""

import numpy as np

_SCALE, _GAP, _GAP_GREY = 3, 2, 96


def draw(images: np.ndarray, columns: int) -> np.ndarray:
  """Images side by side, enlarged, with grey gaps between them.

  Args:
    images: float [n, h, w, 1] in [0, 1].
    columns: images in a row.

  Returns:
    uint8 [height, width, 1].
  """
  rows = -(-len(images) // columns)
  height, width = (_SCALE * size + _GAP for size in images.shape[1:3])
  canvas = np.full((rows * height + _GAP, columns * width + _GAP, 1), _GAP_GREY, np.uint8)
  for number, image in enumerate(np.round(255 * images).astype(np.uint8)):
    top, left = (_GAP + place * size for place, size in zip(
        divmod(number, columns), (height, width), strict=True))
    canvas[top:top + height - _GAP, left:left + width - _GAP] = (
        image.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1))
  return canvas
