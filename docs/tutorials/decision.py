"""Explain one decision.

Why did this series get this class? Four answers, and three tests of whether they are true. You need
`pip install '.[plot]'`.
"""

# ## A classifier, and a case

import numpy as np
import pandas as pd

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, datasets, explain, plotting

channels = ("acceleration x", "acceleration y", "acceleration z", "roll", "pitch", "yaw")


def frames(series):
    return [pd.DataFrame(one.T, columns=channels) for one in series]


motions = datasets.load("BasicMotions")
X, X_test = frames(motions.X_train), frames(motions.X_test)
classifier = MLSTMFCNClassifier(random_state=0).fit(X, motions.y_train)
case = X_test[39]
print(classifier.predict([case])[0], classifier.predict_proba([case]).max().round(3))

# ## Which steps speak for it?
#
# `class_activation_map` divides the score of the convolutional branch among the steps: `(cases, classes,
# time)`. It is exact for that branch, and has one value for a step, not one for each channel.

evidence = explain.class_activation_map(classifier, [case])
label = list(classifier.classes_).index(classifier.predict([case])[0])
print(evidence.shape, "most evidence at step", int(evidence[0, label].argmax()))

# ## Which steps of which channel does it need?
#
# `occlusion` hides a window of one channel and measures how much the probability falls: `(cases,
# channels, time)`. One call draws both.

plotting.explain(classifier, case)

# A fall near zero everywhere does not mean that nothing matters. The classes of this data set are so
# distinct that no single window of a channel decides.

# ## Which channels matter on the whole?
#
# Permute one channel between the cases, and see how much accuracy is lost.

plotting.permutation_importance(classifier, X_test, motions.y_test, random_state=0)

# ## What do the layers let through?
#
# Squeeze-and-excitation multiplies each filter by a gate between 0 and 1. Where the columns of the
# classes differ, the layer does something that depends on the class.

plotting.gates(classifier, X_test, motions.y_test)

# ## Is it true? First test: the parts add up
#
# The mean of the evidence over time and the bias of the output layer are the input of the softmax, and
# the part of the LSTM where there is one. In a network without it, the evidence gives the probabilities
# exactly.

from scipy.special import softmax

convolutional = NetworkClassifier(network="fcn", n_epochs=5, random_state=0).fit(X, motions.y_train)
bias = convolutional.model_.get_layer("fcn").get_layer("output").get_weights()[1]
added = softmax(explain.class_activation_map(convolutional, X_test).mean(axis=2) + bias, axis=1)
print("largest difference:", f"{np.abs(added - convolutional.predict_proba(X_test)).max():.0e}")

# ## Second test: delete what matters
#
# Replace the steps with the most evidence by the training mean, and as many random steps in comparison.
# An explanation that is true makes the first fall faster.

means = np.concatenate([one.to_numpy() for one in X]).mean(axis=0)
random = np.random.default_rng(0)


def probability_without(steps):
    hidden = case.copy()
    hidden.iloc[steps] = means
    return float(classifier.predict_proba([hidden])[0, label])


ranked = np.argsort(evidence[0, label])[::-1]
for count in (10, 20, 40):
    by_chance = np.mean([probability_without(random.permutation(100)[:count]) for _ in range(10)])
    print(f"{count} steps: {probability_without(ranked[:count]):.2f}, random steps: {by_chance:.2f}")

# ## Third test: a network that has learned nothing
#
# An explanation of a network with random weights must look different. If it does not, it shows the
# series, not the decision (Adebayo et al. 2018). One epoch at a tiny learning rate leaves the weights as
# they were drawn.

untrained = MLSTMFCNClassifier(n_epochs=1, learning_rate=1e-9, random_state=1).fit(X, motions.y_train)
other = explain.class_activation_map(untrained, [case])[0, label]
print("correlation of the two explanations:", round(float(np.corrcoef(evidence[0, label], other)[0, 1]), 2))

# ## Next
#
# [The gallery](../gallery.md) has every picture, and [the reference](../reference.md) every function.
