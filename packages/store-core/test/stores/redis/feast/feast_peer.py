"""A real Feast for tests: `feast_peer.py COMMANDS.json` does a list of commands one after the other and prints the list of their answers as its last line.

Values go as in golden/vectors.json: integers beyond 2^53 and non-finite floats as text, bytes as {"hex": ...}, times as epoch seconds on the way in and
ISO text on the way out.
"""

import datetime
import json
import math
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["FEAST_USAGE"] = "False"

import pandas as pd  # noqa: E402
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # noqa: E402
from feast import types as t  # noqa: E402

SCALARS = {
    "int32": t.Int32,
    "int64": t.Int64,
    "float32": t.Float32,
    "float64": t.Float64,
    "bool": t.Bool,
    "string": t.String,
    "bytes": t.Bytes,
    "unix_timestamp": t.UnixTimestamp,
}
stores = {}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        commands = json.load(file)
    verbs = {"open": open_store, "write": write, "read": read}
    print(json.dumps([verbs[command["do"]](command) for command in commands]), flush=True)


def open_store(command):
    """Opens a store and applies views over one entity each."""
    config = RepoConfig(
        project=command["project"],
        provider="local",
        registry=os.path.abspath(command["store"] + ".db"),
        online_store={"type": "redis", "connection_string": command["connection"], **command["options"]},
        entity_key_serialization_version=command["version"],
    )
    objects = []
    for view in command["views"]:
        entities = [
            Entity(name=key, join_keys=[key], value_type=ValueType[type_.upper()]) for key, type_ in view["joinKeys"].items()
        ]
        keys = [Field(name=key, dtype=SCALARS[type_]) for key, type_ in view["joinKeys"].items()]
        features = [Field(name=name, dtype=dtype(type_)) for name, type_ in view["features"].items()]
        source = FileSource(name=view["name"] + "_source", path="none.parquet", timestamp_field="event_timestamp")
        feature_view = FeatureView(name=view["name"], entities=entities, schema=keys + features, source=source)
        objects += entities + [feature_view]
    store = FeatureStore(config=config)
    store.apply(objects)
    stores[command["store"]] = (store, {view["name"]: view for view in command["views"]})
    return "open"


def dtype(type_):
    return t.Array(SCALARS[type_[5:-1]]) if type_.startswith("list<") else SCALARS[type_]


def write(command):
    """Writes one row, by the call that Feast's users write by."""
    store, views = stores[command["store"]]
    view = views[command["view"]]
    types = {**view["joinKeys"], **view["features"]}
    row = {name: [inward(types[name], value)] for name, value in command["row"].items()}
    row["event_timestamp"] = [datetime.datetime.fromisoformat(command["eventTime"])]
    store.write_to_online_store(command["view"], df=pd.DataFrame(row))
    return "written"


def read(command):
    """Reads features of entities: name -> values."""
    store, _ = stores[command["store"]]
    answer = store.get_online_features(features=command["features"], entity_rows=command["entities"]).to_dict()
    return {name: [outward(value) for value in values] for name, values in answer.items()}


def inward(type_, value):
    if value is None:
        return None
    if type_.startswith("list<"):
        return [inward(type_[5:-1], item) for item in value]
    if type_ == "bytes":
        return bytes.fromhex(value["hex"])
    if type_ == "unix_timestamp":
        return datetime.datetime.fromtimestamp(int(value), tz=datetime.timezone.utc)
    if type_ in ("int32", "int64"):
        return int(value)
    if type_ in ("float32", "float64"):
        return float(value)
    return value


def outward(value):
    if isinstance(value, (list, tuple)):
        return [outward(item) for item in value]
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 - 1:
        return str(value)
    return value


main()
