"""Asks a server by Triton's client, as an application of the Open Inference Protocol would, and prints what it was told as JSON."""

import json
import sys

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def tensor(name, array, datatype, binary):
    found = triton.InferInput(name, array.shape, datatype)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def inputs(binary):
    text = numpy.array([["é"], ["zwei Wörter"]], dtype=numpy.object_)
    return [
        tensor("f32", numpy.array([[0.1], [2]], dtype=numpy.float32), "FP32", binary),
        tensor("f64", numpy.array([[0.1], [1e300]], dtype=numpy.float64), "FP64", binary),
        tensor("i32", numpy.array([[-5], [7]], dtype=numpy.int32), "INT32", binary),
        tensor("i64", numpy.array([[2**62], [-1]], dtype=numpy.int64), "INT64", binary),
        tensor("flag", numpy.array([[True], [False]]), "BOOL", binary),
        tensor("word", text, "BYTES", binary),
    ]


def values(result):
    names = [output["name"] for output in result.get_response()["outputs"]]
    return {name: [texts(each) for each in result.as_numpy(name).flatten().tolist()] for name in names}


def texts(value):
    return value.decode() if isinstance(value, bytes) else value


def failure(ask):
    try:
        ask()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}


def main(url):
    with triton.InferenceServerClient(url) as client:
        everything = client.infer("echo", inputs(True), request_id="7")
        asked = [triton.InferRequestedOutput("word_out", binary_data=False), triton.InferRequestedOutput("f64_out")]
        print(json.dumps({
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model ready": client.is_model_ready("echo"),
            "unknown ready": client.is_model_ready("nobody"),
            "server": client.get_server_metadata(),
            "metadata": client.get_model_metadata("echo"),
            "index": client.get_model_repository_index(),
            "id": everything.get_response()["id"],
            "binary": values(everything),
            "json": values(client.infer("echo", inputs(False), outputs=asked)),
            "of version": values(client.infer("echo", inputs(True), everything.get_response()["model_version"], outputs=asked)),
            "wrong": failure(lambda: client.infer("echo", inputs(True)[1:])),
            "unknown": failure(lambda: client.infer("nobody", inputs(True))),
        }))


main(*sys.argv[1:])
