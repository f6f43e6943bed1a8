"""What a careful Python team writes by hand: FastAPI, redis-py with hiredis, ONNX Runtime, orjson, on uvloop and httptools.

The rows are those of the hand-written Node server: packed float32, a string per customer, one MGET a request. `fast_server.py PORT REDIS_PORT MODEL FEATURES`.
"""

import sys

import numpy as np
import onnxruntime
import orjson
import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

PORT, REDIS_PORT, MODEL = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
NAMES = sys.argv[4].split(",")
WIDTH = len(NAMES)
ABSENT = np.full(WIDTH, np.nan, dtype="<f4").tobytes()

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
client = redis.Redis(port=REDIS_PORT)
app = FastAPI()


class Customer(BaseModel):
    customer_id: int


class Predict(BaseModel):
    entity_rows: list[Customer]


class Entities(BaseModel):
    customer_id: list[int]


class Lookup(BaseModel):
    feature_service: str
    entities: Entities


async def read(ids):
    """Rows x features, NaN where there is no row; and which rows there are."""
    packed = await client.mget([f"f:{i}" for i in ids])
    matrix = np.frombuffer(b"".join([row or ABSENT for row in packed]), "<f4").reshape(len(ids), WIDTH)
    return matrix, [row is not None for row in packed]


def answer(value):
    return Response(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@app.post("/predict")
async def predict(body: Predict):
    matrix, _ = await read([row.customer_id for row in body.entity_rows])
    (probabilities,) = session.run(["probabilities"], {"features": matrix})
    return answer({"predictions": [{"churn_probability": value} for value in probabilities[:, 1].tolist()]})


@app.post("/get-online-features")
async def lookup(body: Lookup):
    ids = body.entities.customer_id
    matrix, present = await read(ids)
    statuses = ["PRESENT" if each else "NOT_FOUND" for each in present]
    columns = [{"values": values, "statuses": statuses} for values in np.ascontiguousarray(matrix.T)]
    keys = {"values": ids, "statuses": ["PRESENT"] * len(ids)}
    return answer({"metadata": {"feature_names": ["customer_id", *NAMES]}, "results": [keys, *columns]})


uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning")
