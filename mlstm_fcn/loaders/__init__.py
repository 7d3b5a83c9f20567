"""Loaders: what gives series batch by batch, read in its order and never held whole.

A loader is a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader`, or anything else that has a
length in batches and begins anew whenever it is iterated over. A batch is `(series, targets)` or
`(series, targets, weights)`; to predict, also series alone. Series are `(cases, channels, time)`, arrays of
any library, or lists of arrays that differ in length. To shuffle is the loader's part.
"""

from mlstm_fcn.loaders.sampled import Sampled as Sampled

__all__ = ["Sampled"]
