"""A classifier that logs its fits to a file, and can fail in several ways."""

import os
import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin


class Counting(ClassifierMixin, BaseEstimator):
    """Random probabilities; writes its process, the shape of X and its seed to a file in each fit."""

    def __init__(self, log=None, random_state=None, do="fit", seconds=0.0):
        self.log = log
        self.random_state = random_state
        self.do = do
        self.seconds = seconds

    def fit(self, X, y):
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()} {X.shape} {self.random_state}\n")
        time.sleep(self.seconds)
        if self.do == "raise":
            raise ArithmeticError("this one cannot")
        if self.do == "hang":
            time.sleep(600)
        if self.do == "grow":
            self.held = []
            for _ in range(200):
                self.held.append(np.ones(10_000_000))
                time.sleep(0.1)
        if self.do == "die":
            os.kill(os.getpid(), 9)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rng = np.random.default_rng(self.random_state)
        return rng.dirichlet(np.ones(len(self.classes_)), len(X))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def fits(log):
    """Shape and seed of each fit so far."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.partition(" ")[2] for line in lines]


def processes(log):
    """The process of each fit so far."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[0]) for line in lines]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "fits.log"
