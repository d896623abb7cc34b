"""What long work says of itself."""

import contextlib
import io
import time
from unittest import mock

from absl.testing import absltest

from du_vae_tf import console


class CountdownTest(absltest.TestCase):

  def test_rate_and_remaining_time_are_of_what_was_done_since_the_start(self):
    clock = [100.0]
    said = io.StringIO()
    with (mock.patch.object(time, "monotonic", lambda: clock[0]),
          contextlib.redirect_stdout(said)):
      countdown = console.Countdown(1000, 400, "rows")
      for _ in range(6):
        clock[0] += 4.0
        countdown.update(40)
        countdown.update(0)
      countdown.finish()
      self.assertEqual(countdown.rate, 10.0)
    self.assertEqual(said.getvalue().splitlines(), [
        "520 of 1000 rows (52%), 10 a second, about 48 s left",
        "640 of 1000 rows (64%), 10 a second, about 36 s left"])


if __name__ == "__main__":
  absltest.main()
