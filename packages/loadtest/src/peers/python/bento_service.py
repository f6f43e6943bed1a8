"""A churn model behind BentoML, whose features come from Feast: `bentoml serve bento_service:Churn`.

FEAST_REPOSITORY and MODEL are paths, FEATURES the names of the model's columns in order, with commas: Feast keeps no order. With PYTHON_GC=off Python's garbage collector never runs, which nobody should do in production: it shows
what the collector costs.
"""

import gc
import os

import bentoml
import numpy as np
import onnxruntime
from feast import FeatureStore

if os.environ.get("PYTHON_GC") == "off":
    gc.disable()


# No access log and no metrics of its own, as the peers.
@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Churn:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.store = FeatureStore(repo_path=os.environ["FEAST_REPOSITORY"])
        self.features = self.store.get_feature_service("churn_v1")
        self.names = os.environ["FEATURES"].split(",")

    @bentoml.api
    def predict(self, entity_rows: list[dict[str, int]]) -> dict:
        found = self.store.get_online_features(features=self.features, entity_rows=entity_rows).to_dict()
        matrix = np.array([found[name] for name in self.names], dtype=np.float32).T
        (probabilities,) = self.session.run(["probabilities"], {"features": np.ascontiguousarray(matrix)})
        return {"predictions": [{"churn_probability": float(row[1])} for row in probabilities]}
