"""What may be fitted: three scikit-learn models by name, or any object with `fit` and `predict`."""

import copy
import warnings
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats

ModelName = Literal["logistic", "ridge", "hist_gradient_boosting"]
CLASSIFIERS = ("logistic",)


@runtime_checkable
class Regressor(Protocol):
    """Anything that learns rewards from features. A classifier's `predict_proba` is used where there is one."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from features [m, d] and rewards [m]; takes `sample_weight` if recency weights are asked for."""

    def predict(self, X: Any) -> Any:
        """Expected rewards [m] of features [m, d]."""


def unfitted(model: "ModelName | Regressor", seed: int) -> Regressor:
    """A fresh model. Named ones have scikit-learn's defaults, but 1,000 iterations for logistic regression.

    Objects are copied before they are fitted, so the one given stays as it is.
    """
    if not isinstance(model, str):
        if not isinstance(model, Regressor):
            raise InputError(f"model is {type(model).__name__}, which has no fit and predict")
        return copy.deepcopy(model)
    if model not in get_args(ModelName):
        raise InputError(f"model is {model!r}, which is not known: {hint(model, get_args(ModelName))}")
    if model == "logistic":
        from sklearn.linear_model import LogisticRegression

        return _typed(LogisticRegression(max_iter=1000, random_state=seed))
    if model == "ridge":
        from sklearn.linear_model import Ridge

        return _typed(Ridge())
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _typed(HistGradientBoostingRegressor(random_state=seed))


def is_classifier(model: "ModelName | Regressor") -> bool:
    """Whether the model learns classes and answers with probabilities."""
    return model in CLASSIFIERS if isinstance(model, str) else hasattr(model, "predict_proba")


def fit_quietly(model: Regressor, X: Floats, reward: Floats, sample_weight: Floats | None) -> list[str]:
    """Fits in place; what the library warns of comes back as plain lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if sample_weight is None:
            model.fit(X, reward)
        else:
            _fit_weighted(model, X, reward, sample_weight)
    return [f"while fitting: {str(each.message).splitlines()[0]}" for each in caught]


def expected_reward(model: Regressor, X: Floats) -> Floats:
    """Predictions [m]; of a classifier the classes' values weighted by their probabilities."""
    if hasattr(model, "predict_proba") and hasattr(model, "classes_"):
        return np.asarray(model.predict_proba(X) @ np.asarray(model.classes_, dtype=np.float64), dtype=np.float64)
    return np.asarray(model.predict(X), dtype=np.float64).reshape(len(X))


def _fit_weighted(model: Any, X: Floats, reward: Floats, sample_weight: Floats) -> None:
    if hasattr(model, "steps"):
        # a pipeline hands weights on to its last step by this name
        model.fit(X, reward, **{f"{model.steps[-1][0]}__sample_weight": sample_weight})
    else:
        model.fit(X, reward, sample_weight=sample_weight)


def _typed(model: Any) -> Regressor:
    return model  # type: ignore[no-any-return]
