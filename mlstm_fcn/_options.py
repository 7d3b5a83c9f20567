"""Values that parameters may have, where more than one floor names them."""

SCALINGS = ("channel", "series", None)
FILL_METHODS = ("interpolate", "zero")
ON_LONGER = ("warn", "cut", "error")
