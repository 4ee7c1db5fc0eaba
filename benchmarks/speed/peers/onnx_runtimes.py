"""ONNX Runtime and OpenVINO, with the file that this project writes."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from speed import networks
from speed.case import Modes, Ready, Task


def onnxruntime(task: Task) -> Modes:
    """A batch with all threads in one session, or in as many pieces as there are threads."""
    modes: Modes = {"": functools.partial(_onnxruntime, task, 1)}
    if _divisible(task):
        modes["batch in pieces, one thread each"] = functools.partial(_onnxruntime, task, task.threads)
    return modes


def _onnxruntime(task: Task, n_pieces: int) -> Ready:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads // n_pieces
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = str(task.folder / "network.onnx")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pieces = np.split(task.arrays()["x"], n_pieces)
    pool = ThreadPoolExecutor(n_pieces)

    def run() -> list[np.ndarray]:
        if n_pieces == 1:
            return session.run(None, {"input": pieces[0]})
        return list(pool.map(lambda piece: session.run(None, {"input": piece})[0], pieces))

    return Ready(run, lambda: {"probabilities": np.concatenate(run())})


def openvino(task: Task) -> Modes:
    """A batch with all threads in one stream, or in as many pieces and streams as there are threads."""
    modes: Modes = {}
    for precision in ("float32", "bfloat16"):
        modes[precision] = functools.partial(_openvino, task, 1, precision)
        if _divisible(task):
            modes[f"{precision}, batch in pieces"] = functools.partial(_openvino, task, task.threads, precision)
    return modes


def _openvino(task: Task, n_pieces: int, precision: str) -> Ready:
    import openvino as ov

    core = ov.Core()
    if precision == "bfloat16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise RuntimeError("this processor has no arithmetic in bfloat16")
    pieces = [np.ascontiguousarray(piece) for piece in np.split(task.arrays()["x"], n_pieces)]
    model = core.read_model(task.folder / "network.onnx")
    model.reshape(list(pieces[0].shape))  # a batch of known size is what can be optimised
    settings = {
        "INFERENCE_NUM_THREADS": task.threads,
        "NUM_STREAMS": n_pieces,
        "INFERENCE_PRECISION_HINT": "f32" if precision == "float32" else "bf16",
    }
    compiled = core.compile_model(model, "CPU", settings)
    requests = [compiled.create_infer_request() for _ in pieces]

    def run() -> list[np.ndarray]:
        if n_pieces == 1:
            return [requests[0].infer(pieces[0], share_inputs=True, share_outputs=True)[0]]
        for request, piece in zip(requests, pieces, strict=True):
            request.start_async(piece, share_inputs=True)
        for request in requests:
            request.wait()
        return [request.get_output_tensor(0).data for request in requests]

    tolerance = networks.OUTPUT_TOLERANCES[precision] if precision == "bfloat16" else None
    return Ready(run, lambda: {"probabilities": np.concatenate(run())}, tolerance=tolerance)


def _divisible(task: Task) -> bool:
    return task.threads > 1 and task.settings["batch"] % task.threads == 0
