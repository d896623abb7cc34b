"""How words are chosen: what is refused, in the words of the flags."""

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.analysis import word_choice


class WordChoiceTest(parameterized.TestCase):

  @parameterized.parameters(
      {}, {"decoding": "sample", "temperature": 0.5, "top_k": 1},
      {"decoding": "beam", "beam_width": 1})
  def test_what_has_an_effect_is_kept(self, **given):
    choice = word_choice.WordChoice(**given)
    for name, value in given.items():
      self.assertEqual(getattr(choice, name), value)

  @parameterized.parameters(
      ({"decoding": "best"}, "--decoding=best: must be one of greedy, sample, beam"),
      ({"top_k": 3}, "--top_k: has an effect with --decoding=sample only"),
      ({"decoding": "sample", "beam_width": 3}, "--beam_width: has an effect with --decoding=beam"),
      ({"decoding": "sample", "temperature": 0.0}, "--temperature=0.0: must be .* above 0"),
      ({"decoding": "sample", "temperature": float("nan")}, "--temperature=nan: must be"),
      ({"decoding": "sample", "top_k": 0}, "--top_k=0: must be at least 1"),
      ({"decoding": "beam", "beam_width": 0}, "--beam_width=0: must be at least 1"))
  def test_mistake_is_named(self, given, message):
    with self.assertRaisesRegex(errors.UserError, message):
      word_choice.WordChoice(**given)

  def test_keywords_are_the_fields(self):
    self.assertEqual(word_choice.Options.__annotations__.keys(),
                     word_choice.WordChoice.__dataclass_fields__.keys())


if __name__ == "__main__":
  absltest.main()
