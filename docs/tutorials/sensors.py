"""Your own sensor data.

From a table with a row for each measurement to a saved model and a picture of one decision, in ten
minutes. You need `pip install '.[plot]'`.
"""

# ## A table
#
# Loggers and databases write *long* tables: a row for each time, a column for each sensor. Replace this
# cell by `table = pd.read_csv("yours.csv", parse_dates=["second"])`, without `parse_dates` if times are
# numbers. Here eight pumps are measured in three states. A worn bearing knocks now and then, which only
# `vibration_z` shows; a loose mount sways slowly.

import numpy as np
import pandas as pd

random = np.random.default_rng(0)
states = ("normal", "worn bearing", "loose mount")


def recording(pump, state, steps=600):
    """Twelve seconds of one pump, 50 rows a second."""
    noise = random.normal(scale=1 + pump / 8, size=(steps, 3))  # each pump has its own level of noise
    if state == "loose mount":
        sway = np.sin(2 * np.pi * np.arange(steps) * (1.5 + 0.1 * pump) / 50)
        noise[:, :2] += 1.5 * sway[:, None]
    if state == "worn bearing":
        for start in random.integers(0, 50) + np.arange(0, steps - 70, 70):
            noise[start : start + 8, 2] += 7 * (-0.8) ** np.arange(8)
    columns = [f"vibration_{axis}" for axis in "xyz"]
    frame = pd.DataFrame(noise, columns=columns).assign(pump=f"pump {pump}", state=state)
    return frame.assign(second=np.arange(steps) / 50)


table = pd.concat([recording(pump, state) for pump in range(8) for state in states])
print(table.head(3).round(2).to_string(index=False))
print(len(table), "rows")

# ## Series
#
# `from_long` needs to know which columns tell recordings apart, and which one sorts, labels and groups
# them. The columns that are left are the channels, unless `channels=["vibration_x", ...]` names them.

from mlstm_fcn import datasets

recordings = datasets.from_long(table, case=["pump", "state"], time="second", label="state", group="pump")
print(recordings)

# Twelve seconds are long. Windows of two seconds give more cases, and a faster answer later.

windows = datasets.windows(recordings, size=100, stride=50)
print(windows)

# ## Train on some pumps, test on others
#
# Windows of one pump resemble each other. A random split would test on pumps that the model knows, and
# promise too much. `groups` keeps pumps apart.

from sklearn.model_selection import GroupShuffleSplit

X, y, pumps = windows
split = GroupShuffleSplit(n_splits=1, test_size=2, random_state=0)  # two pumps
train, test = next(split.split(X, y, groups=pumps))
print("test:", *sorted(set(pumps[test])), sep=" ")

# Neither scaling nor feature extraction is needed. Arrays would do; data frames bring the names of the
# channels along.

from mlstm_fcn import MLSTMFCNClassifier


def frames(series):
    return [pd.DataFrame(one.T, columns=recordings.channels) for one in series]


classifier = MLSTMFCNClassifier(random_state=0)
classifier.fit(frames(X[train]), y[train])
print("accuracy on new pumps:", round(classifier.score(frames(X[test]), y[test]), 3))

# Which states are mistaken for which?

from sklearn.metrics import classification_report

print(classification_report(y[test], classifier.predict(frames(X[test])), digits=3))

# ## Look at one decision
#
# On the left, the evidence of each step for the predicted state. On the right, how much the probability
# falls when a step of a channel is hidden. The knocks of the bearing are where this data has them: in
# `vibration_z`, and short.

from mlstm_fcn import plotting

case = test[y[test] == "worn bearing"][0]
(frame,) = frames(X[[case]])
left, right = plotting.explain(classifier, frame)
left.figure.savefig("decision.png")

# ## Save and use
#
# One file without pickle. It holds the scaling too, so new data goes in as it was measured; a series may
# be shorter.

classifier.save("pumps.keras")
loaded = MLSTMFCNClassifier.load("pumps.keras")

new = recording(pump=3, state="loose mount", steps=80)
series = new[list(recordings.channels)]
print(loaded.predict([series])[0])
for state, probability in zip(loaded.classes_, loaded.predict_proba([series])[0], strict=True):
    print(f"{probability:.3f} {state}")

# ## Next
#
# * [Explain one decision](decision.md), and test that the explanation is true.
# * [Ship the model](ship.md) to a machine without Keras.
# * [How do I ...?](../howto.md) has gaps, uneven sampling, rare classes and more.
