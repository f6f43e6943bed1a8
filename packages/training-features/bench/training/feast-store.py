"""Feast's own DuckDB store on the tables of bench/training/tables.ts: prints what it took as a line of JSON. One argument: their folder."""
import json
import logging
import os
import resource
import sys
import tempfile
import time
import warnings
from datetime import timedelta

os.environ["FEAST_USAGE"] = "False"
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.repo_config import RegistryConfig
from feast.types import Float32, Int64

folder = sys.argv[1]
features = [f"f{i}" for i in range(10)]
with tempfile.TemporaryDirectory() as home:
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=RegistryConfig(path=f"{home}/registry.db"),
            online_store=None,
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )
    customer = Entity(name="customer_id", join_keys=["customer_id"], value_type=ValueType.INT64)
    view = FeatureView(
        name="view0",
        entities=[customer],
        ttl=timedelta(days=7),
        source=FileSource(
            name="source0",
            path=f"{folder}/view0.parquet",
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        ),
        schema=[Field(name="customer_id", dtype=Int64), *(Field(name=name, dtype=Float32) for name in features)],
    )
    store.apply([customer, view])
    started, cpu = time.perf_counter(), time.process_time()
    job = store.get_historical_features(
        entity_df=pd.read_parquet(f"{folder}/entities.parquet"),
        features=[f"view0:{name}" for name in features],
        full_feature_names=True,
    )
    table = job.to_arrow()
    pq.write_table(table, f"{home}/out.parquet", compression="zstd")
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu

values = table["view0__f0"]
total = pc.sum(values.cast("double")).as_py()
print(
    json.dumps(
        {
            "seconds": seconds,
            "cpuSeconds": cpu_seconds,
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "found": f"{len(values) - values.null_count} rows, sum {total:.9g}",
        }
    )
)
