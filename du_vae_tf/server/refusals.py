"""The exception that reaches a client as an error."""

_SHOWN_LENGTH = 40


def shown(text: str) -> str:
  """A text of a request as messages show it."""
  return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


class Refusal(Exception):
  """A request that is not answered.

  Args:
    status: of HTTP, 4xx or 503.
    message: one line for the client: where the fault is, what was received, what would be right.
  """

  def __init__(self, status: int, message: str):
    super().__init__(message)
    self.status = status
    self.message = message
