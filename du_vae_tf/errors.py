"""The exceptions that reach a user as one line."""


class UserError(ValueError):
  """A mistake of the user's: shown as one line, without a traceback.

  The message names the flag, file or value, what was received and what would be right.
  """


class DivergedError(RuntimeError):
  """A loss term is no longer finite: training stopped, the last good checkpoint is kept."""


class PreemptedError(RuntimeError):
  """The process was asked to stop: the state is saved and the same command continues."""


class ExhaustedError(RuntimeError):
  """Memory or the disk ran out, or a file cannot be written: what was saved stays."""
