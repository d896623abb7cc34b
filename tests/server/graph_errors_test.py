"""Messages of graphs, as TensorFlow makes them, without its own words."""

import tensorflow as tf

from du_vae_tf.server import graph_errors

SEVERAL = """Graph execution error:

Detected at node a/Assert defined at (most recent call last):
<stack traces unavailable>
Detected at node b/Assert defined at (most recent call last):
<stack traces unavailable>
2 root error(s) found.
  (0) INVALID_ARGUMENT:  assertion failed: [`x`: too long.]
\t [[{{node a/Assert}}]]
\t [[b/_7]]
  (1) INVALID_ARGUMENT:  assertion failed: [`y`: too long.]
\t [[{{node b/Assert}}]]
0 successful operations.
0 derived errors ignored. [Op:__inference_signature_wrapper_12]"""


@tf.function
def written_check(x):
  message = tf.strings.join(["`x`: received ", tf.strings.as_string(x), "; allowed are below 5."])
  with tf.control_dependencies([tf.debugging.Assert(x < 5, [message])]):
    return tf.identity(x)


@tf.function
def parts(x):
  with tf.control_dependencies([tf.debugging.Assert(x < 5, ["`x`: below 5; received", x])]):
    return tf.identity(x)


@tf.function
def comparison(x):
  with tf.control_dependencies([tf.debugging.assert_less(x, 5, message="x must be below 5")]):
    return tf.identity(x)


@tf.function
def lookup(x):
  return tf.gather([1, 2, 3], x)


class ReadableTest(tf.test.TestCase):

  def check(self, function, message: str) -> None:
    with self.assertRaises(tf.errors.InvalidArgumentError) as caught:
      function(tf.constant(7))
    self.assertIn("node", caught.exception.message)
    self.assertEqual(graph_errors.readable(caught.exception.message), message)

  def test_message_of_a_check(self):
    self.check(written_check, "`x`: received 7; allowed are below 5.")

  def test_message_in_parts(self):
    self.check(parts, "`x`: below 5; received 7")

  def test_operands_of_a_comparison_are_left_out(self):
    self.check(comparison, "x must be below 5")

  def test_failed_operation_says_what_tensorflow_says_of_the_values(self):
    self.check(lookup, "indices = 7 is not in [0, 3)")

  def test_first_of_several_errors(self):
    self.assertEqual(graph_errors.readable(SEVERAL), "`x`: too long.")

  def test_brackets_in_a_message_stay(self):
    self.assertEqual(
        graph_errors.readable("assertion failed: [`x`: must be in [0, 1].]\n\t [[{{node a/b}}]]"),
        "`x`: must be in [0, 1].")


if __name__ == "__main__":
  tf.test.main()
