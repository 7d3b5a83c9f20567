"""Select the LSTM units by cross-validation in a scikit-learn pipeline. Prints the test accuracy."""

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlstm_fcn import MLSTMFCNClassifier, datasets


def with_differences(X: np.ndarray) -> np.ndarray:
    """Append the first differences of the series as further channels."""
    return np.concatenate([X, np.diff(X, axis=2, prepend=X[:, :, :1])], axis=1)


def main(n_epochs: int = 30) -> float:
    """Return the accuracy on the default test split of BasicMotions."""
    motions = datasets.load("BasicMotions")
    pipeline = make_pipeline(
        FunctionTransformer(with_differences), MLSTMFCNClassifier(n_epochs=n_epochs, random_state=0)
    )
    search = GridSearchCV(pipeline, {"mlstmfcnclassifier__lstm_units": [4, 8]}, cv=2)
    search.fit(motions.X_train, motions.y_train)
    print("best:", search.best_params_)
    return search.score(motions.X_test, motions.y_test)


if __name__ == "__main__":
    print(main())
