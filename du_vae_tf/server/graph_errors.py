"""What a failed check within a TensorFlow graph says to a client."""

import re

# TensorFlow's own words: what it appends to a message, and lines about nodes and stacks.
_OPERATION = re.compile(r"\[Op:[^\]]*\]")
_LINES = re.compile(
    r'\s*(Graph execution error:|Detected at node .*|File ".*|<stack traces unavailable>|\[\[.*\]\]'
    r"|\d+ root error\(s\) found\.|\d+ successful operations\.|\d+ derived errors ignored\.)?\s*")
# The first of several errors, and the begin of the second.
_FIRST = re.compile(r"\A\s*\(0\) [A-Z_]+:")
_SECOND = re.compile(r"\n\s*\(1\) [A-Z_]+:")
_ASSERTION = re.compile(r"\A\s*assertion failed:\s*")
# What `tf.debugging.assert_*` says of its operands.
_OPERANDS = re.compile(r"\s*\[Condition .*", re.DOTALL)


def readable(message: str) -> str:
  """The message of an `InvalidArgumentError` as one line, without the names of nodes.

  Of an assertion it is what the author of the graph wrote; of another failed operation what
  TensorFlow says of the values; of several errors it is the first.
  """
  lines = [line for line in _OPERATION.sub("", message).splitlines() if not _LINES.fullmatch(line)]
  text = _SECOND.split(_FIRST.sub("", "\n".join(lines)))[0].strip()
  if _ASSERTION.match(text):
    text = _OPERANDS.sub("", _ASSERTION.sub("", text))
    # The parts of the message are in brackets of their own.
    text = text.removeprefix("[").removesuffix("]").replace("] [", " ")
  return " ".join(text.split())
