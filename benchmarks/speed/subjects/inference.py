"""What the published network says of a large batch, of one track, and of one window."""

from __future__ import annotations

from speed import networks
from speed.case import OURS, REFERENCE, Case, Contender, Options, Subject

CONTENDERS = (
    Contender("layer by layer", "speed.peers.nnlite_networks:plain_inference", REFERENCE),
    Contender("nnlite", "speed.peers.nnlite_networks:inference", OURS),
    Contender("ONNX Runtime", "speed.peers.onnx_runtimes:onnxruntime", needs=("onnxruntime", "onnx")),
    Contender("OpenVINO", "speed.peers.onnx_runtimes:openvino", needs=("openvino", "onnx")),
    Contender("PyTorch", "speed.peers.torch_networks:inference", needs=("torch",)),
    Contender("JAX", "speed.peers.jax_networks:inference", needs=("jax",)),
    networks.SGEMM,
)


def cases(options: Options) -> list[Case]:
    """Batches of 128, of 25 (the windows of a track), and of 1 with one thread each."""
    flops = networks.flops_of("convolutional", training=False)

    def case(batch: int, threads: int | None, at_least: float, aim: float) -> Case:
        return Case(
            f"batch-{batch}",
            f"the published network's inference, batch {batch}",
            CONTENDERS,
            networks.prepare,
            work=batch,
            unit="samples",
            tolerance=networks.OUTPUT_TOLERANCES["float32"],
            flops=batch * flops,
            threads=threads,
            settings={"network": "convolutional", "batch": batch},
            at_least=at_least,
            aim=aim,
        )

    if options.quick:
        return [case(6, None, 1.1, 1.5), case(1, 1, 1.0, 1.5)]
    return [case(128, None, 1.1, 1.5), case(25, None, 1.0, 1.3), case(1, 1, 1.0, 1.5)]


SUBJECT = Subject("inference", "Inference with the published convolutional network", cases)
