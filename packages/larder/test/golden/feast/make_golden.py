"""Makes registry.db, rows.json and everything*, by a real Feast 0.67.0, in the folder OUT:

    python make_golden.py REDIS_PORT OUT

The Redis of that port is emptied. Source paths are below /srv, whatever machine this runs on.
"""

import datetime
import json
import os
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.update(FEAST_USAGE="False", PEER_STATE="/srv/telco", PEER_OFFLINE="dask", PEER_REDIS_PORT=sys.argv[1])
HERE = pathlib.Path(__file__).parent
OUT = pathlib.Path(sys.argv[2])

import pandas as pd  # noqa: E402
import redis  # noqa: E402
from feast import (  # noqa: E402
    Aggregation, BigQuerySource, Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, KafkaSource, Project,
    PushSource, RepoConfig, RequestSource, StreamFeatureView, ValueType,
)
from feast import types as t  # noqa: E402
from feast.data_format import AvroFormat, JsonFormat  # noqa: E402
from feast.on_demand_feature_view import on_demand_feature_view  # noqa: E402

sys.path.insert(0, str(HERE / "repo"))
import features as telco  # noqa: E402

TIME = "2026-06-01T00:00:00+00:00"
USAGE = [
    {"customer_id": 1, "product_code": "voice", "minutes_7d": 0.0, "sessions_7d": 0},
    {"customer_id": 1, "product_code": "tv-é", "minutes_7d": 1.0, "sessions_7d": 2},
    {"customer_id": 2, "product_code": "data", "minutes_7d": 2.0, "sessions_7d": 4},
]
CHURN = json.loads((HERE / "rows-of-churn.json").read_text())


def store_of(project, registry, views):
    config = RepoConfig(
        project=project,
        provider="local",
        registry=str(registry),
        online_store={"type": "redis", "connection_string": f"127.0.0.1:{sys.argv[1]}"},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    store.apply(views)
    return store


def value(name, raw):
    if name in ("event_timestamp", "created", "last_contact"):
        return datetime.datetime.fromisoformat(raw)
    return bytes.fromhex(raw["hex"]) if name == "avatar" else raw


def make_telco():
    things = [each for each in vars(telco).values() if isinstance(each, (Entity, FeatureView, FeatureService, FileSource, PushSource))]
    registry = OUT / "registry.db"
    registry.unlink(missing_ok=True)
    store = store_of("telco", registry, things)
    client = redis.Redis(port=int(sys.argv[1]))
    client.flushall()
    for row in CHURN:
        frame = pd.DataFrame({name: [value(name, raw)] for name, raw in row.items()})
        store.write_to_online_store("churn_features", df=frame)
    for row in USAGE:
        frame = pd.DataFrame({**{name: [raw] for name, raw in row.items()}, "event_timestamp": [datetime.datetime.fromisoformat(TIME)]})
        store.write_to_online_store("usage_features", df=frame)
    dump(client, "rows.json")


def dump(client, name):
    rows = {
        key.hex(): {field.hex(): raw.hex() for field, raw in sorted(client.hgetall(key).items())} for key in sorted(client.keys())
    }
    (OUT / name).write_text(json.dumps(rows, indent=1) + "\n")


def make_everything():
    """A project with one of everything that an import has to carry, or to say that it cannot."""
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64, description="Who pays", tags={"b": "2", "a": "1"})
    shop = Entity(name="shop", join_keys=["shop_id"], value_type=ValueType.STRING)
    device = Entity(name="device", join_keys=["device_id"], value_type=ValueType.INT32)
    unused = Entity(name="unused", join_keys=["unused_id"], value_type=ValueType.BYTES, owner="data@example.com")

    def file(name, **more):
        return FileSource(name=name, path=f"/srv/everything/{name}.parquet", timestamp_field="event_timestamp", **more)

    orders = file("orders", created_timestamp_column="created", field_mapping={"AMT": "amount", "other": "not_read"}, description="Orders at rest")
    push = PushSource(name="orders_push", batch_source=orders, description="Orders as they come")
    scalars = [
        Field(name=name, dtype=dtype)
        for name, dtype in {
            "i32": t.Int32, "i64": t.Int64, "f32": t.Float32, "f64": t.Float64, "flag": t.Bool, "s": t.String, "b": t.Bytes, "ts": t.UnixTimestamp,
        }.items()
    ]
    lists = [Field(name=f"l{field.name}", dtype=t.Array(field.dtype)) for field in scalars]
    odd = [Field(name="a_map", dtype=t.Map), Field(name="a_set", dtype=t.Set(t.String)), Field(name="an_id", dtype=t.Uuid), Field(name="a_json", dtype=t.Json)]
    all_types = FeatureView(name="all_types", entities=[customer], schema=scalars + lists, source=file("all_types"))
    odd_types = FeatureView(name="odd_types", entities=[customer], schema=[Field(name="kept", dtype=t.Int64), *odd], source=file("odd_types"))
    amounts = FeatureView(
        name="amounts", entities=[customer], ttl=datetime.timedelta(days=2, microseconds=5), source=push, owner="orders@example.com",
        description="What ${somebody} spent: yes, \"a lot\"\nand more", tags={"tier": "no", "on": "010", "time": "12:30"},
        schema=[Field(name="amount", dtype=t.Float64, description="In euro", tags={"unit": "€"}), Field(name="count", dtype=t.Int64)],
    )
    twins = FeatureView(name="twins", entities=[customer, shop], source=push, schema=[Field(name="count", dtype=t.Int64), Field(name="visits", dtype=t.Int64)])
    lone = FeatureView(name="lone", entities=[], source=file("lone"), schema=[Field(name="rate", dtype=t.Float64)])
    unserved = FeatureView(name="unserved", entities=[shop], online=False, source=file("unserved"), schema=[Field(name="x", dtype=t.Int64)])
    maps = FeatureView(name="maps", entities=[shop], source=file("maps"), schema=[Field(name="only", dtype=t.Map)])
    warehouse = FeatureView(
        name="warehouse", entities=[device], ttl=datetime.timedelta(hours=36), schema=[Field(name="x", dtype=t.Int64), Field(name="vector", dtype=t.Array(t.Float32), vector_index=True)],
        source=BigQuerySource(name="bq", table="a.b.c", timestamp_field="event_timestamp"),
    )

    def kafka(name, form, **more):
        return KafkaSource(
            name=name, kafka_bootstrap_servers="k1:9092,k2:9092", topic=f"{name}-topic", message_format=form, timestamp_field="event_timestamp",
            batch_source=file(f"{name}_batch"), watermark_delay_threshold=datetime.timedelta(minutes=5), **more,
        )

    clicks = StreamFeatureView(
        name="clicks", entities=[device], ttl=datetime.timedelta(hours=1), timestamp_field="event_timestamp",
        source=kafka("clicks_stream", JsonFormat("x int")), schema=[Field(name="clicks", dtype=t.Int64)],
    )
    counted = StreamFeatureView(
        name="counted", entities=[device], ttl=datetime.timedelta(hours=1), timestamp_field="event_timestamp", source=kafka("counted_stream", JsonFormat("x int")),
        aggregations=[Aggregation(column="clicks", function="sum", time_window=datetime.timedelta(hours=1))], schema=[Field(name="sum_clicks_3600s", dtype=t.Int64)],
    )
    avro = FeatureView(name="avro", entities=[device], source=kafka("avro_stream", AvroFormat("{}")), schema=[Field(name="z", dtype=t.Int64)])
    basket = RequestSource(name="basket", schema=[Field(name="total", dtype=t.Float64)])

    @on_demand_feature_view(sources=[amounts, basket], schema=[Field(name="share", dtype=t.Float64)], mode="python")
    def shares(inputs):
        return {"share": [0.0]}

    services = [
        FeatureService(name="plain", features=[amounts[["amount"]], all_types, odd_types], description="Everything", tags={"team": "a"}, owner="a@example.com"),
        FeatureService(
            name="journey",
            features=[
                amounts.with_name("sender").with_join_key_map({"customer_id": "sender_id"}),
                amounts.with_name("receiver").with_join_key_map({"customer_id": "receiver_id"}),
                warehouse[["x"]],
            ],
        ),
        FeatureService(name="same_names", features=[amounts, twins]),
        FeatureService(name="computed", features=[amounts[["amount"]], shares]),
        FeatureService(name="only_computed", features=[shares]),
    ]
    registry = OUT / "everything.db"
    registry.unlink(missing_ok=True)
    views = [all_types, odd_types, amounts, twins, lone, unserved, maps, warehouse, clicks, counted, avro, shares]
    sources = [file("unread")]
    store = store_of("everything", registry, [customer, shop, device, unused, basket, *sources, *views, *services])
    serve_everything(store)
    other = FeatureView(name="amounts", entities=[shop], source=file("elsewhere"), schema=[Field(name="amount", dtype=t.Int64)])
    store_of("elsewhere", registry, [shop, other])


SCALARS = {"i32": -7, "i64": 2**53 + 1, "f32": 0.1, "f64": float("inf"), "flag": False, "s": "", "b": b"\x00\xff", "ts": datetime.datetime.fromisoformat(TIME)}
ROWS = {
    "all_types": [
        {"customer_id": 1, **SCALARS, **{f"l{name}": [each] for name, each in SCALARS.items() if name != "lf64"}, "lf64": [0.5, float("inf")]},
        {"customer_id": 2, **dict.fromkeys(SCALARS), **{f"l{name}": [] for name in SCALARS}, "s": "only this"},
    ],
    "amounts": [{"customer_id": 1, "amount": 1.5, "count": 11}, {"customer_id": 2, "amount": 2.5, "count": 22}],
    "twins": [{"customer_id": 1, "shop_id": "s-é", "count": 111, "visits": 5}],
    "warehouse": [{"device_id": 7, "x": 70, "vector": [0.1]}],
    "clicks": [{"device_id": 7, "clicks": 3}],
}
ENTITIES = {"sender_id": [1, 2, 3], "receiver_id": [2, 1, 1], "device_id": [7, 7, 8]}
REQUESTS = {
    "every type": {"features": [f"all_types:{prefix}{name}" for prefix in ("", "l") for name in SCALARS], "entities": {"customer_id": [1, 2, 3]}},
    "a service of two views": {"feature_service": "same_names", "entities": {"customer_id": [1, 2], "shop_id": ["s-é", "s-é"]}, "full_feature_names": True},
    "two views with the same names": {"feature_service": "same_names", "entities": {"customer_id": [1], "shop_id": ["s-é"]}},
    "aliases and join key maps": {"feature_service": "journey", "entities": ENTITIES, "full_feature_names": True},
    "aliases without full names": {"feature_service": "journey", "entities": ENTITIES},
    "an int32 key": {"features": ["clicks:clicks", "warehouse:vector"], "entities": {"device_id": [7, 8]}},
    "a view without entities": {"features": ["lone:rate"], "entities": {"anything": [1, 2]}},
    "views of several keys": {"features": ["lone:rate", "amounts:amount", "twins:visits"], "entities": {"shop_id": ["s-é"], "customer_id": [1]}},
}


def serve_everything(store):
    """Rows and answers of the SDK, in the form of Feast's server."""
    from feast.errors import FeastError
    from feast.feature_server_utils import convert_response_to_dict
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    client = redis.Redis(port=int(sys.argv[1]))
    client.flushall()
    at = datetime.datetime.fromisoformat(TIME)
    for view, rows in ROWS.items():
        for row in rows:
            frame = pd.DataFrame({**{name: pd.Series([raw], dtype=object) for name, raw in row.items()}, "event_timestamp": [at], "created": [at]})
            store.write_to_online_store(view, df=frame)
    # What materialize does; write_to_online_store takes another key for a view without entities.
    key = EntityKey(join_keys=["__dummy_id"], entity_values=[Value(string_val="")])
    lone = store.get_feature_view("lone")
    store._get_provider().online_write_batch(store.config, lone, [(key, {"rate": Value(double_val=0.25)}, at, None)], None)
    dump(client, "everything-rows.json")
    pairs = []
    for seq, (name, body) in enumerate(REQUESTS.items()):
        service = body.get("feature_service")
        wanted = body["features"] if service is None else store.get_feature_service(service)
        try:
            answer = store.get_online_features(wanted, body["entities"], full_feature_names=body.get("full_feature_names", False))
            status, text = 200, json.dumps(convert_response_to_dict(answer.proto), ensure_ascii=False, sort_keys=False)
        except FeastError as error:
            status, text = error.http_status_code(), json.dumps(error.to_error_detail())
        request = {"method": "POST", "path": "/get-online-features", "body": body}
        pairs.append({"seq": seq, "name": name, "request": request, "status": status, "body": text})
    (OUT / "everything.json").write_text("[\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs) + "\n]\n")


make_telco()
make_everything()
