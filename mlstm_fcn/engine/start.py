"""Importing this module imports Keras, and keeps what its backend says of its start off standard error.

Folders whose modules import Keras import it first.
"""

from mlstm_fcn.engine.quiet import import_keras

import_keras()
