"""A real Feast: its server, or an application on its SDK whose online store is remote.

remote_peer.py serve REPO PORT    serves REPO as `feast serve` does, in one process
remote_peer.py ask REPO...        writes and reads by the SDK, and prints what it answered in each, as a JSON list
"""
import json
import sys
from datetime import datetime, timezone

import pandas as pd
from feast import FeatureStore
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

DAY = datetime(2026, 6, 2, tzinfo=timezone.utc)

CHURN = {
    "tenure_months": 7, "monthly_charges": 20.0, "total_charges": None, "contract": "Zwei Jahre é", "payment_method": "Mailed check",
    "internet_service": "No", "senior_citizen": False, "partner": True, "paperless_billing": False, "num_services": 0, "charge_ratio": 0.168,
    "last_contact": 1780358400, "addons": ["tech_support", "é"], "avatar": None, "event_timestamp": DAY, "created": DAY,
}
USAGE = {"minutes_7d": 1.5, "sessions_7d": 2**62, "event_timestamp": DAY}


def main(command, *rest):
    if command == "serve":
        repo, port = rest
        serve(FeatureStore(repo_path=repo), int(port))
    else:
        print(json.dumps([ask(FeatureStore(repo_path=repo)) for repo in rest], default=str))


def serve(store, port):
    import uvicorn
    from feast.feature_server import get_app

    uvicorn.run(get_app(store), host="127.0.0.1", port=port, log_level="warning")


def ask(store):
    answers = {}
    rows = [{"customer_id": 70001, "product_code": code, **USAGE} for code in ("voice", "tv-é")]
    store.write_to_online_store("usage_features", pd.DataFrame(rows))
    store.push("churn_push", pd.DataFrame([{"customer_id": key, **CHURN} for key in (70001, 70002)]))
    store.push("churn_push", pd.DataFrame([{"customer_id": 70001, **CHURN, "tenure_months": 9, "event_timestamp": datetime(2026, 6, 1, tzinfo=timezone.utc)}]))

    one = [{"customer_id": 70001}, {"customer_id": 99999999}, {"customer_id": 70002}]
    two = [{"customer_id": 70001, "product_code": "tv-é"}, {"customer_id": 70001, "product_code": "nope"}]
    every = [f"churn_features:{name}" for name in CHURN if name not in ("event_timestamp", "created")]
    asked = {
        "list": dict(features=every, entity_rows=one),
        "columns": dict(features=every[:2], entity_rows={"customer_id": [70002, 70001]}),
        "full names": dict(features=["usage_features:sessions_7d"], entity_rows=two, full_feature_names=True),
        "service": dict(features=store.get_feature_service("churn_model_v1"), entity_rows=one),
        "two views": dict(features=store.get_feature_service("churn_model_v2"), entity_rows=two, full_feature_names=True),
        "metadata": dict(features=every[:1], entity_rows=one, include_feature_view_version_metadata=True),
        "unknown view": dict(features=["nope:x"], entity_rows=one),
        "unknown service": dict(features=["churn_features:tenure_months", "nope:x"], entity_rows=one),
    }
    for name, arguments in asked.items():
        answers[name] = attempt(lambda: columns(store.get_online_features(**arguments)))
    answers["online_read"] = attempt(lambda: online_read(store))
    return answers


def attempt(call):
    try:
        return call()
    except Exception as error:
        return {"class": type(error).__name__, "message": str(error)}


def columns(response):
    proto = response.proto
    values = response.to_dict()
    statuses = {name: [FieldStatus.Name(status) for status in result.statuses] for name, result in zip(proto.metadata.feature_names.val, proto.results)}
    views = [view.name for view in proto.metadata.feature_view_metadata]
    return {"values": values, "statuses": statuses, "views": views}


def online_read(store):
    table = store.get_feature_view("churn_features")
    keys = [EntityKey(join_keys=["customer_id"], entity_values=[Value(int64_val=key)]) for key in (70001, 99999999)]
    rows = store._get_provider().online_read(store.config, table, keys, ["tenure_months", "charge_ratio", "addons", "total_charges"])
    return [[time, {name: str(value) for name, value in sorted(values.items())}] for time, values in rows]


main(*sys.argv[1:])
