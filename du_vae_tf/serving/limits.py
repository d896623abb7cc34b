"""What one request to an exported model may ask for, so that none exhausts a server."""

import dataclasses

MAX_ROWS = 256


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
  """Sizes of a request.

  Attributes:
    max_rows: most rows of each input.
    max_words: of text, most words of a sentence; None for images.
  """

  max_rows: int = MAX_ROWS
  max_words: int | None = None
