#!/usr/bin/env python3
"""Trains the churn model on a training set of Larder's and exports it to ONNX.

    python train.py train.parquet --out models/churn.onnx

The training set has one row per customer, ordered by customer, with the columns of the feature service churn_v1 and the label `churn`. Prints the
metrics on the quarter that is held out. The same rows and package versions (requirements.txt) give the same file, byte for byte.
"""

import argparse
import json
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import pandas as pd
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

SEED = 20260601
LABEL = "churn"

# The features of churn_v1: each is one input of the model, in this order.
NUMBERS = ["tenure_months", "monthly_charges", "total_charges", "female", "senior_citizen", "partner", "dependents", "phone_service", "paperless_billing"]
TEXTS = ["contract", "payment_method", "internet_service", "multiple_lines", "online_security", "online_backup", "device_protection", "tech_support",
         "streaming_tv", "streaming_movies"]

# Other versions of the packages may split a tree otherwise.
TOLERANCE = 0.005


def split(rows: pd.DataFrame):
    """The rows to train on and those held out: a quarter, with as many that churn."""
    return train_test_split(rows, test_size=0.25, stratify=rows[LABEL].astype(np.int64), random_state=SEED)


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """The model's columns as scikit-learn takes them. A missing number is NaN."""
    return rows[NUMBERS + TEXTS].astype({name: np.float32 for name in NUMBERS} | {name: object for name in TEXTS})


def fit(rows: pd.DataFrame) -> Pipeline:
    """One-hot encoding is part of the model, so that it cannot differ between training and serving; an unknown category is all zeros."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    trees = lightgbm.LGBMClassifier(
        n_estimators=120, learning_rate=0.05, num_leaves=8, min_child_samples=40, subsample=0.8, subsample_freq=1, colsample_bytree=0.6,
        reg_lambda=2.0, random_state=SEED, n_jobs=1, deterministic=True, force_row_wise=True, verbosity=-1)
    model = Pipeline([("prep", ColumnTransformer([("num", "passthrough", NUMBERS), ("cat", encoder, TEXTS)])), ("clf", trees)])
    model.set_output(transform="default")
    return model.fit(features(rows), rows[LABEL].astype(np.int64).to_numpy())


def predict(model: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """The probability of churn, row by row."""
    return model.predict_proba(features(rows))[:, 1]


def metrics(model: Pipeline, rows: pd.DataFrame) -> dict[str, float]:
    actual, found = rows[LABEL].astype(np.int64).to_numpy(), predict(model, rows)
    return {"auc": float(roc_auc_score(actual, found)), "accuracy": float(accuracy_score(actual, found >= 0.5)),
            "log_loss": float(log_loss(actual, found)), "brier": float(brier_score_loss(actual, found))}


def export(model: Pipeline) -> bytes:
    """The model as ONNX: 19 named inputs [n, 1], outputs label [n] and probabilities [n, 2]."""
    update_registered_converter(
        lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", calculate_linear_classifier_output_shapes, convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]})
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS] + [(name, StringTensorType([None, 1])) for name in TEXTS]
    graph = to_onnx(model, initial_types=inputs, target_opset={"": 17, "ai.onnx.ml": 3}, options={id(model.steps[-1][1]): {"zipmap": False}})
    graph.doc_string, graph.domain, graph.model_version = "Telco churn, variant lightgbm_string", "example.churn", 1
    graph.producer_name, graph.producer_version = "churn-example", "1"
    # Their order is that of a Python set, which differs from run to run.
    opsets = sorted(graph.opset_import, key=lambda opset: opset.domain, reverse=True)
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def main() -> None:
    arguments = argparse.ArgumentParser(description="Trains the churn model on a training set of Larder's and exports it to ONNX.")
    arguments.add_argument("training_set", type=Path, help="the Parquet file of `larder training-set`")
    arguments.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    arguments.add_argument("--expect", type=Path, help=f"metrics to reproduce, within {TOLERANCE}")
    arguments.add_argument("--predictions", type=Path, help="also writes what the model says of the customers held out, as JSON")
    given = arguments.parse_args()

    train, held_out = split(pd.read_parquet(given.training_set))
    model = fit(train)
    found = metrics(model, held_out)
    for name, value in found.items():
        print(f"{name:9} {value:.4f}")
    if given.expect is not None:
        expected = json.loads(given.expect.read_text())
        off = [name for name, value in expected.items() if abs(found[name] - value) > TOLERANCE]
        if off:
            raise SystemExit(f"These differ by more than {TOLERANCE} from {given.expect}: {', '.join(off)}. Compare your packages with requirements.txt.")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(export(model))
    if given.predictions is not None:
        given.predictions.write_text(json.dumps({"customer_id": held_out["customer_id"].tolist(), "churn_probability": predict(model, held_out).tolist()}))
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
