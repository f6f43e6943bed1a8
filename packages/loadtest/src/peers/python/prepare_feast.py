"""Fills Feast: takes the packed rows that are in Redis as `f:<customer>`, writes them as Parquet, applies definitions and materializes.

`prepare_feast.py REPOSITORY REDIS_PORT FEATURES`: the folder has a feature_store.yaml; FEATURES are the names of the float32 values of a row, with commas.
"""

import datetime
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["FEAST_USAGE"] = "False"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import redis  # noqa: E402
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType  # noqa: E402
from feast.types import Float32, Int64  # noqa: E402


def main():
    repository, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
    now = datetime.datetime.now(datetime.timezone.utc)
    path = os.path.abspath(os.path.join(repository, "customers.parquet"))
    customers(port, names, now - datetime.timedelta(minutes=1)).to_parquet(path)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    view = FeatureView(
        name="churn_features",
        entities=[customer],
        ttl=datetime.timedelta(days=30),
        schema=[Field(name="customer_id", dtype=Int64)] + [Field(name=name, dtype=Float32) for name in names],
        source=FileSource(name="customers", path=path, timestamp_field="event_timestamp"),
    )
    store = FeatureStore(repo_path=repository)
    store.apply([customer, view, FeatureService(name="churn_v1", features=[view])])
    store.materialize(now - datetime.timedelta(days=1), now)


def customers(port, names, event_timestamp):
    """A frame with a line per customer, in the order of their numbers."""
    client = redis.Redis(port=port)
    ids = sorted(int(key[2:]) for key in client.scan_iter("f:*", count=1000))
    rows = np.frombuffer(b"".join(client.mget([f"f:{i}" for i in ids])), "<f4").reshape(len(ids), len(names))
    frame = pd.DataFrame(rows, columns=names)
    frame.insert(0, "customer_id", np.array(ids, "int64"))
    frame["event_timestamp"] = event_timestamp
    return frame


main()
