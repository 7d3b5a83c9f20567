"""Accuracy over resamples of a data set, as in benchmarks on the archives: mean and standard deviation."""

import numpy as np

from mlstm_fcn import MLSTMFCNClassifier, datasets


def main(n_epochs: int | None = None, n_resamples: int = 5) -> float:
    """Train on the default split (resample 0) and on other resamples; return the mean accuracy."""
    problem = datasets.load("BasicMotions")
    accuracies = []
    for number in range(n_resamples):
        split = problem.resample(number)
        classifier = MLSTMFCNClassifier(n_epochs=n_epochs, random_state=number)
        classifier.fit(split.X_train, split.y_train)
        accuracies.append(classifier.score(split.X_test, split.y_test))
        print(f"resample {number}: {accuracies[-1]:.4f}")
    print(f"mean {np.mean(accuracies):.4f}, standard deviation {np.std(accuracies, ddof=1):.4f}")
    return float(np.mean(accuracies))


if __name__ == "__main__":
    main()
