"""Tables of results for the terminal, with scikit-learn's metrics."""

import numpy as np
from rich.markup import escape
from rich.table import Table
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support


def accuracy_line(y_true: np.ndarray, y_pred: np.ndarray) -> str:
    """Accuracy, with the number of correct cases."""
    n_right = int(np.sum(y_true == y_pred))
    return f"accuracy {accuracy_score(y_true, y_pred):.4f}  ({n_right} of {len(y_true)} cases)"


def class_table(y_true: np.ndarray, y_pred: np.ndarray, labels: np.ndarray) -> Table:
    """Precision, recall, F1 and number of cases of each class."""
    table = Table(title="Per class", title_justify="left")
    for column in ("class", "precision", "recall", "F1", "cases"):
        table.add_column(column, justify="left" if column == "class" else "right")
    figures = precision_recall_fscore_support(y_true, y_pred, labels=labels, zero_division=0)
    for label, precision, recall, f1, cases in zip(labels, *figures, strict=True):
        table.add_row(escape(str(label)), f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", str(cases))
    return table


def confusion_table(y_true: np.ndarray, y_pred: np.ndarray, labels: np.ndarray) -> Table:
    """Number of cases by true class (rows) and predicted class (columns)."""
    table = Table(title="Confusion matrix (rows: true, columns: predicted)", title_justify="left")
    table.add_column("")
    for label in labels:
        table.add_column(escape(str(label)), justify="right")
    for label, counts in zip(labels, confusion_matrix(y_true, y_pred, labels=labels), strict=True):
        table.add_row(escape(str(label)), *(str(count) if count else "·" for count in counts))
    return table
