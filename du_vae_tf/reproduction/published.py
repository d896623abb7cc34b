"""The numbers of the paper's tables, by the names of their rows' flagfiles.

Source: Shen et al. 2021, Tables 1 to 3, S1 and S2.
"""

from collections.abc import Mapping

_NONE = "–"


def _read(names: str, table: str) -> dict[str, dict[str, float]]:
  """Row -> number by name; what the paper does not give is left out."""
  columns = names.split()
  return {name: {column: float(cell) for column, cell in zip(columns, cells, strict=True)
                 if cell != _NONE}
          for name, *cells in (line.split() for line in table.strip().splitlines())}


# The columns of a report, and accuracies in percent by the number of labels.
_LIKELIHOOD = "nll kl mi au"
_TEXT_ACCURACY = "100 500 1000 2000 10000"
_IMAGE_ACCURACY = "5 10 15"

# Table -> row -> number by name.
TABLES: dict[str, Mapping[str, Mapping[str, float]]] = {
    "1": _read(_LIKELIHOOD, """
yahoo_vae                   328.5   0.0   0.0   5.0
yahoo_beta_vae_0.4          328.7   6.4   6.0  13.0
yahoo_sa_vae                327.2   5.2   2.7   8.6
yahoo_agg_vae               326.7   5.7   2.9   6.0
yahoo_free_bits_0.1         328.1   3.4   2.5  32.0
yahoo_delta_vae_0.1         329.0   3.2   0.0   2.0
yahoo_bn_vae_0.6            326.9   8.3   7.0  32.0
yahoo_mae_1_0.2             332.1   5.8   3.5  28.0
yahoo_du_vae_0.5_0.9        327.0   5.2   4.3  18.0
yahoo_du_vae_0.5_0.8        327.0   6.7   6.0  19.0
yahoo_du_vae_0.6_0.8        326.7   8.7   7.2  28.0
yahoo_iaf_free_bits_0.15    328.4   5.2     –     –
yahoo_iaf_bn_0.6            328.1   0.2     –     –
yahoo_du_iaf_0.7_0.7        327.4   5.4     –     –
yelp_vae                    357.5   0.0   0.0   0.0
yelp_beta_vae_0.4           357.4   5.8   5.6   4.0
yelp_sa_vae                 355.9   2.8   1.7   8.4
yelp_agg_vae                355.9   3.8   2.4  11.3
yelp_free_bits_0.1          357.1   4.8   2.5  32.0
yelp_delta_vae_0.1          357.6   3.2   0.0   0.0
yelp_bn_vae_0.6             355.7   6.0   5.2  32.0
yelp_mae_2_0.2              362.8   8.0   4.6  32.0
yelp_du_vae_0.5_0.9         355.6   5.3   4.9  18.0
yelp_du_vae_0.5_0.8         355.5   6.8   5.9  18.0
yelp_du_vae_0.6_0.8         355.8   9.6   7.7  23.0
yelp_iaf_free_bits_0.25     357.1   7.7     –     –
yelp_iaf_bn_0.7             356.6   0.6     –     –
yelp_du_iaf_0.6_0.7         356.1   5.1     –     –
omniglot_vae                89.21  2.20  2.16   5.0
omniglot_beta_vae_0.8       89.15  9.98  3.84  13.0
omniglot_sa_vae             89.07  3.32  2.63   8.6
omniglot_agg_vae            89.04  2.48  2.50   6.0
omniglot_free_bits_0.1      89.17  7.98  6.87  32.0
omniglot_delta_vae_0.1      89.62  3.20  2.36   2.0
omniglot_bn_vae_0.5         89.26  4.34  4.03  32.0
omniglot_mae_0.5_0.2        89.62 15.61  8.90  32.0
omniglot_du_vae_0.5_0.9     89.00  6.63  5.97  19.0
omniglot_du_vae_0.5_0.8     89.04  7.46  6.31  32.0
omniglot_du_vae_0.6_0.8     89.18 10.99  8.22  32.0
omniglot_iaf_free_bits_0.15 88.98  6.77     –     –
omniglot_iaf_bn_0.5         89.32  1.30     –     –
omniglot_du_iaf_0.5_0.85    88.97  6.77     –     –
"""),
    "2": _read(_TEXT_ACCURACY, """
short_yelp_ae                 84.05 86.82 87.93 88.19 88.75
short_yelp_vae                71.10 71.43 71.58 72.96 77.11
short_yelp_delta_vae_0.1      60.11 60.52 61.46 63.79 64.38
short_yelp_agg_vae            75.05 77.16 78.50 79.29 80.07
short_yelp_free_bits_0.1      75.19 80.78 81.63 82.28 82.39
short_yelp_bn_vae_0.6         84.53 88.22 89.45 89.63 89.72
short_yelp_mae_2_0.2          61.50 61.70 62.42 63.58 63.68
short_yelp_du_vae_0.5_0.8     88.91 89.63 90.36 90.51 90.77
short_yelp_iaf_free_bits_0.25 89.73 90.60 90.94 90.91 91.01
short_yelp_iaf_bn_0.7         87.98 89.03 89.18 89.35 90.29
short_yelp_du_iaf_0.6_0.7     91.25 91.10 91.52 91.97 92.31
"""),
    "3": _read(_IMAGE_ACCURACY, """
omniglot_ae                 37.28 43.38 46.94
omniglot_vae                29.48 37.79 42.24
omniglot_delta_vae_0.1      37.28 43.38 46.94
omniglot_agg_vae            33.72 41.31 46.27
omniglot_free_bits_0.1      33.93 41.05 45.21
omniglot_bn_vae_0.5         31.17 39.15 43.24
omniglot_mae_0.5_0.2        35.05 41.72 44.95
omniglot_du_vae_0.5_0.9     40.54 48.09 52.47
omniglot_iaf_free_bits_0.15 38.33 45.85 49.90
omniglot_iaf_bn_0.5         16.58 19.49 21.11
omniglot_du_iaf_0.5_0.85    41.84 49.86 52.97
"""),
    "S1": _read(_LIKELIHOOD, """
yahoo_bn_fixed_shift_0.1 328.2   0.2   0.0   0.0
yahoo_bn_fixed_shift_0.3 328.5   1.4   0.0   0.0
yahoo_bn_fixed_shift_0.5 329.5   4.0   0.0   0.0
yahoo_bn_fixed_shift_0.7 331.7   8.0   0.1   3.0
yahoo_bn_fixed_shift_1   339.7  20.1   3.9   7.0
"""),
    "S2": _read(_TEXT_ACCURACY, """
short_yelp_bn_fixed_shift_0.1 60.46 60.46 60.46 60.46  62.9
short_yelp_bn_fixed_shift_0.3 60.41 60.46 60.46 60.46 62.41
short_yelp_bn_fixed_shift_0.5 60.46 60.46 60.46 60.46 60.57
short_yelp_bn_fixed_shift_0.7 60.46 60.46 60.49 60.53 62.78
short_yelp_bn_fixed_shift_1   60.46 60.46 60.45 60.45 62.45
"""),
}
