"""Flags, flagfiles, precedence and the one-line errors, all in one process."""

import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors

SPECS = command_line.config_flags()


def resolve(*arguments: str):
  return command_line.resolve(command_line.explicit_values(SPECS, arguments))


class PrecedenceTest(parameterized.TestCase):

  def test_without_flags_the_synthetic_set_has_its_own_sizes(self):
    config = resolve()
    self.assertEqual((config.dataset, config.method), ("synthetic", "du_vae"))
    self.assertEqual((config.latent_dim, config.hidden_size, config.epochs), (2, 50, 50))
    self.assertEqual((config.gamma, config.keep_prob), (1.0, 0.5))

  def test_command_line_stands_before_everything(self):
    config = resolve("--dataset=yahoo", "--fidelity=paper", "--epochs=7", "--gamma=0.7")
    self.assertEqual((config.epochs, config.gamma), (7, 0.7))

  @parameterized.parameters(("yahoo", 100), ("yelp", 150), ("short_yelp", 100), ("synthetic", 50))
  def test_fidelity_profile_stands_before_the_flagfile_of_the_data_set(self, dataset, epochs):
    self.assertEqual(resolve(f"--dataset={dataset}").epochs, epochs)
    self.assertEqual(resolve(f"--dataset={dataset}", "--fidelity=paper").epochs, 120)

  def test_method_row_gives_its_own_numbers_and_none_to_others(self):
    self.assertEqual(resolve("--dataset=yahoo", "--method=bn_vae").gamma, 0.6)
    self.assertEqual(resolve("--dataset=text").gamma, 0.5)
    self.assertEqual(resolve("--method=bn_vae").gamma, 1.0)
    self.assertIsNone(resolve("--method=bn_vae").keep_prob)
    self.assertIsNone(resolve("--method=vae").gamma)

  def test_images_have_networks_and_schedule_of_their_own_and_no_settings_of_text(self):
    for dataset, keep_prob in (("omniglot", 0.9), ("images", 0.8)):
      config = resolve(f"--dataset={dataset}")
      self.assertEqual((config.encoder, config.decoder), ("resnet", "pixel_cnn"))
      self.assertEqual((config.batch_size, config.epochs, config.latent_dim), (50, 500, 32))
      self.assertEqual((config.learning_rate, config.gamma), (1e-3, 0.5))
      self.assertEqual(config.keep_prob, keep_prob)
      for name in ("batching", "max_length", "vocab_size", "hidden_size", "embedding_size"):
        self.assertIsNone(getattr(config, name), name)
    self.assertEqual(resolve("--dataset=omniglot", "--method=bn_vae").gamma, 0.5)
    self.assertEqual(resolve("--dataset=omniglot", "--fidelity=paper").epochs, 500)
    self.assertEqual((resolve().encoder, resolve().max_length), ("lstm", 200))

  def test_flagfile_counts_as_the_command_line_in_the_order_given(self):
    path = self.create_tempfile(content="--epochs=3\n# a remark\n--seed=5\n").full_path
    config = resolve("--epochs=9", f"--flagfile={path}", "--seed=6")
    self.assertEqual((config.epochs, config.seed), (3, 6))

  def test_own_flagfiles_are_found_by_name(self):
    self.assertEqual(resolve("--flagfile=short_yelp.flags").hidden_size, 512)

  def test_every_own_flagfile_parses(self):
    paths = sorted(pathlib.Path(command_line.FLAGS_FOLDER).glob("**/*.flags"))
    self.assertNotEmpty(paths)
    for path in paths:
      if path.parent.name == "grids":  # Of another program.
        continue
      self.assertNotEmpty(command_line.explicit_values(SPECS, [f"--flagfile={path}"]), path)


class PublishedRowsTest(parameterized.TestCase):

  def rows(self, folder: str) -> set[str]:
    return {path.stem for path in (command_line.FLAGS_FOLDER / folder).glob("*.flags")}

  def test_no_row_of_the_tables_of_likelihoods_is_missing(self):
    # The numbers in brackets of table 1: Yahoo, Yelp, OMNIGLOT.
    table = {
        "vae": ["", "", ""], "beta_vae": ["_0.4", "_0.4", "_0.8"], "sa_vae": ["", "", ""],
        "agg_vae": ["", "", ""], "free_bits": ["_0.1"] * 3, "delta_vae": ["_0.1"] * 3,
        "bn_vae": ["_0.6", "_0.6", "_0.5"], "mae": ["_1_0.2", "_2_0.2", "_0.5_0.2"],
        "iaf_free_bits": ["_0.15", "_0.25", "_0.15"], "iaf_bn": ["_0.6", "_0.7", "_0.5"],
        "du_iaf": ["_0.7_0.7", "_0.6_0.7", "_0.5_0.85"]}
    expected = {f"{dataset}_{method}{numbers}" for method, row in table.items()
                for dataset, numbers in zip(("yahoo", "yelp", "omniglot"), row, strict=True)}
    expected |= {f"{dataset}_du_vae_{numbers}" for dataset in ("yahoo", "yelp", "omniglot")
                 for numbers in ("0.5_0.9", "0.5_0.8", "0.6_0.8")}
    self.assertEqual(self.rows("table1"), expected)
    self.assertEqual(self.rows("table_s1"), {
        f"yahoo_bn_fixed_shift_{shift}" for shift in ("0.1", "0.3", "0.5", "0.7", "1")})

  def test_no_row_of_the_tables_of_accuracies_is_missing(self):
    self.assertEqual(self.rows("table2"), {f"short_yelp_{row}" for row in (
        "ae", "vae", "delta_vae_0.1", "agg_vae", "free_bits_0.1", "bn_vae_0.6", "mae_2_0.2",
        "du_vae_0.5_0.8", "iaf_free_bits_0.25", "iaf_bn_0.7", "du_iaf_0.6_0.7")})
    self.assertEqual(self.rows("table3"), {f"omniglot_{row}" for row in (
        "ae", "vae", "delta_vae_0.1", "agg_vae", "free_bits_0.1", "bn_vae_0.5", "mae_0.5_0.2",
        "du_vae_0.5_0.9", "iaf_free_bits_0.15", "iaf_bn_0.5", "du_iaf_0.5_0.85")})
    self.assertEqual(self.rows("table_s2"), {
        f"short_yelp_bn_fixed_shift_{shift}" for shift in ("0.1", "0.3", "0.5", "0.7", "1")})

  def test_every_row_is_a_configuration_that_its_name_and_its_head_describe(self):
    paths = sorted(command_line.FLAGS_FOLDER.glob("table*/*.flags"))
    self.assertLen(paths, 74)
    for path in paths:
      name = f"{path.parent.name}/{path.name}"
      given = command_line.explicit_values(SPECS, [f"--flagfile={name}"])
      config = command_line.resolve(given)
      numbers = [f"{value:g}" for value in given.values() if isinstance(value, float)]
      self.assertEqual("_".join([config.dataset, config.method, *numbers]), path.stem)
      first, second, *_ = path.read_text(encoding="utf-8").splitlines()
      self.assertEqual(first, f"#   bazel run //du_vae_tf:train -- --flagfile={name}")
      self.assertRegex(second, r"^# Published: \S")
      # What the row says is what the method takes on that data set, or stands in the file.
      self.assertEqual(config.batching, "equal_length" if config.modality == "text" else None)


class RefusalTest(parameterized.TestCase):

  @parameterized.parameters(
      (["--epochs=x"], "--epochs=x.*whole number"),
      (["--gamma=big"], "--gamma=big.*a number"),
      (["--epoch=3"], "epoch.*Did you mean.*epochs"),
      (["--method=vea"], "--method=vea.*du_vae"),
      (["--dataset=yaho"], "--dataset=yaho.*yahoo"),
      (["--method=vae", "--gamma=0.5"], "--gamma has no effect on --method=vae.*du_vae, bn_vae"),
      (["--method=bn_vae", "--keep_prob=0.5"], "--keep_prob has no effect.*du_vae"),
      (["--manual_dir=here"], "--manual_dir has no effect on --dataset=synthetic.*yahoo"),
      (["--dataset=yahoo", "--train_file=f"], "--train_file has no effect.*belongs to text"),
      (["--keep_prob=0"], r"--keep_prob=0.0.*\(0, 1\]"),
      (["--keep_prob=1.5"], r"--keep_prob=1.5.*\(0, 1\]"),
      (["--keep_prob=nan"], "--keep_prob=nan"),
      (["--gamma=-1"], "--gamma=-1.0.*above 0"),
      (["--gamma=inf"], "--gamma=inf.*finite"),
      (["--method=ae", "--kl_start=0.5"], "--kl_start has no effect on --method=ae"),
      (["--method=ae", "--kl_schedule=linear"], "--method=ae has no KL in its objective"),
      (["--method=beta_vae", "--kl_schedule=linear"], "--method=beta_vae goes with constant only"),
      (["--method=beta_vae", "--warmup_epochs=3"], "--warmup_epochs has no effect on"),
      (["--beta=0.5"], "--beta has no effect on --kl_schedule=linear; it belongs to constant"),
      (["--method=cyclical_vae", "--cycle_epochs=5"], "--cycle_epochs=5: must be at least"),
      (["--method=delta_vae", "--delta=0"], "--delta=0.0: must be a finite number above 0"),
      (["--method=mae", "--mae_smoothness=-1"], "--mae_smoothness=-1.0: must be a finite"),
      (["--method=bn_fixed_shift", "--mean_shift=inf"], "--mean_shift=inf: must be a finite"),
      (["--method=ae", "--ae_sampling=other"], "ae_sampling.*stochastic"),
      (["--kl_start=2"], r"--kl_start=2.0.*\[0, 1\]"),
      (["--kl_start=nan"], "--kl_start=nan"),
      (["--learning_rate=0"], "--learning_rate=0.0.*above 0"),
      (["--epochs=0"], "--epochs=0.*at least 1"),
      (["--batch_size=0"], "--batch_size=0.*at least"),
      (["--batch_size=1"], "--batch_size=1.*at least 2.*du_vae normalizes"),
      (["--batch_size=15", "--batching=equal_length"], "--batch_size=15.*at least 16"),
      (["--max_train_examples=15"], "--max_train_examples=15.*at least 16"),
      (["--vocab_size=4"], "--vocab_size=4.*at least 5"),
      (["--seed=-1"], "--seed=-1.*at least 0"),
      (["--seed=4294967296"], "--seed=4294967296.*at most 2147483647"),
      (["--warmup_epochs=-1"], "--warmup_epochs=-1.*at least 0"),
      (["--dataset=omniglot", "--max_length=9"],
       "--max_length has no effect on --dataset=omniglot.*belongs to synthetic, yahoo.*text"),
      (["--dataset=omniglot", "--vocab_size=9"], "--vocab_size has no effect"),
      (["--dataset=images", "--batching=near_equal"], "--batching has no effect"),
      (["--dataset=images", "--hidden_size=9"],
       "--hidden_size has no effect on --encoder=resnet.*belongs to lstm"),
      (["--dataset=images", "--manual_dir=here"], "--manual_dir has no effect on --dataset=images"),
      (["--dataset=omniglot", "--decoder=lstm"],
       "--decoder=lstm: is for text.*--dataset=omniglot is image.*pixel_cnn, gated_pixel_cnn"),
      (["--dataset=yahoo", "--encoder=resnet"], "--encoder=resnet: is for image.*use lstm"),
      (["--dataset=omniglot", "--method=vae", "--batch_size=1"],
       "--batch_size=1.*at least 2.*images"),
      (["--jit_compile"], "--jit_compile.*--dataset=synthetic.*for images"),
      (["--precision=half"], "--precision=half.*bfloat16"),
      (["yahoo"], "unexpected argument 'yahoo'"),
      (["--flagfile=absent.flags"], "--flagfile=absent.flags.*no such file.*yahoo.flags"),
  )
  def test_mistake_gets_one_line_that_says_what_would_be_right(self, arguments, message):
    with self.assertRaisesRegex(errors.UserError, message) as caught:
      resolve(*arguments)
    self.assertNotIn("\n", str(caught.exception))

  def test_flagfile_that_is_no_text_is_refused(self):
    path = self.create_tempfile(content=b"\xff\xfe\x00--epochs", mode="wb").full_path
    with self.assertRaises(errors.UserError):
      resolve(f"--flagfile={path}")


class HelpTest(absltest.TestCase):

  def test_every_flag_method_and_data_set_is_listed(self):
    text = command_line.help_text("usage", SPECS)
    for spec in SPECS:
      self.assertIn(f"--{spec.name}", text)
    for word in ("du_vae", "bn_vae", "short_yelp", "gated_pixel_cnn", "lstm for text",
                 "--encoder=lstm only", "text only", "0.6 for bn_vae",
                 "1.0 for du_vae, bn_vae, du_iaf, iaf_bn on synthetic"):
      self.assertIn(word, text)


if __name__ == "__main__":
  absltest.main()
