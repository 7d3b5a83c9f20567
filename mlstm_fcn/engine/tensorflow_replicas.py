"""Training steps of TensorFlow on several devices: each has all variables, and a share of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mlstm_fcn._checks import require
from mlstm_fcn.engine.protocol import Figures, Source
from mlstm_fcn.engine.tensorflow_program import TensorFlowProgram, chosen


class ReplicaProgram(TensorFlowProgram):
    """A step gives each replica of the strategy its share of the cases; the shares differ by one at most.

    The loss is the mean over the whole batch, so gradients are summed after each share was weighted by its
    number of cases.
    """

    def train(
        self, source: Source, batches: Sequence[np.ndarray], rates: np.ndarray | None = None
    ) -> Figures:
        """As `engine.Program.train`."""
        self._require_shares(min(map(len, batches)))
        return super().train(source, batches, rates)

    def _held_back(self, n_cases: int, size: int) -> list[np.ndarray]:
        self._require_shares(n_cases)
        return np.array_split(np.arange(n_cases), -(-n_cases // size))

    def _require_shares(self, n_cases: int) -> None:
        n_devices = tf.distribute.get_strategy().num_replicas_in_sync
        rule = "Each batch must have a case for each device: change `batch_size`, or use `equal_batches`."
        require(n_cases >= n_devices, rule, cases=n_cases, devices=n_devices)

    def _train_on(self, data: Any, cases: Any) -> None:
        tf.distribute.get_strategy().run(self._train_share, args=(data, cases))

    def _test_step(self, cases: Any, *data: Any) -> Any:
        tf.distribute.get_strategy().run(self._test_share, args=(data, cases))
        return self.model.get_metrics_result()

    def _test_share(self, data: Any, cases: Any) -> None:
        self.model.test_step(chosen(data, _share(cases)))

    def _train_share(self, data: Any, cases: Any) -> None:
        """As Keras' `train_step`, whose shares are all of one size."""
        own, model = _share(cases), self.model
        inputs, targets, weights = chosen(data, own)
        replicas = tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, "float32")
        share = tf.cast(tf.size(own), "float32") / tf.cast(tf.size(cases), "float32")
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(inputs, targets, outputs, weights, training=True) * replicas
            model.metrics[0].update_state(loss, sample_weight=tf.size(own))
            scaled = model.optimizer.scale_loss(loss * share)
        gradients = tape.gradient(scaled, model.trainable_weights)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        model.compute_metrics(inputs, targets, outputs, weights)


def _share(cases: Any) -> Any:
    """The cases of this replica."""
    replica = tf.distribute.get_replica_context()
    number, n_replicas = tf.cast(replica.replica_id_in_sync_group, "int64"), replica.num_replicas_in_sync
    count = tf.size(cases, "int64")
    return cases[count * number // n_replicas : count * (number + 1) // n_replicas]


def batch_norm_of_replicas(
    series: Any, gamma: Any, beta: Any, epsilon: float, mask: Any = None
) -> tuple[Any, Any, Any]:
    """By the statistics of the whole batch; see `engine.Backend.fused_batch_norm`."""
    whole = tf.cast(series, "float32")
    valid = tf.ones(tf.shape(series)[:2], "float32") if mask is None else tf.cast(mask, "float32")
    valid = tf.expand_dims(valid, -1)
    count = tf.maximum(_summed(tf.reduce_sum(valid)), 1.0)
    mean = _summed(tf.reduce_sum(whole * valid, (0, 1))) / count
    centred = whole - mean
    variance = _summed(tf.reduce_sum(tf.square(centred) * valid, (0, 1))) / count
    factor = tf.convert_to_tensor(gamma) * tf.math.rsqrt(variance + epsilon)
    return tf.cast(centred * factor + tf.convert_to_tensor(beta), series.dtype), mean, variance


def _summed(value: Any) -> Any:
    """The sum over all replicas; differentiable."""
    return tf.distribute.get_replica_context().all_reduce("SUM", value)
