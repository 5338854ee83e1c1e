#!/usr/bin/env python3
"""Times packages beside PyTorch and Triton, in one process and on one stream.

    torch_peers.py JOBS.json RESULTS.jsonl

A worker as gpucheck/processes.py describes it. A job with a package is ours
against a peer; one without is the peer alone.
"""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
# The folder of triton_matmul.py, in the repository and in a prepared folder.
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent.parent / "peers"))

import heddle_c  # noqa: E402

# Cycles in which the host submits a run: about half a millisecond.
SLEEP_CYCLES = 1_000_000

WORDS = {
    # What the name of a kernel must contain, so that the backend that was asked
    # for is the one that ran.
    "cudnn": ("cudnn",),
    "flash": ("flash_fwd",),
    "flex": ("flex", "triton"),
}


def attention_peer(torch, options):
    """PyTorch's attention with one backend forced, or FlexAttention."""
    from torch.nn.functional import scaled_dot_product_attention
    shape = (options["batch"], options["length"], options["heads"], options["head"])
    # Stored as (batch, length, heads, head) and seen as attention wants them.
    q, k, v = (torch.randn(shape, device="cuda", dtype=torch.bfloat16).transpose(1, 2) for _ in range(3))
    causal = options["causal"]
    if options["backend"] == "flex":
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        compiled = torch.compile(flex_attention, mode="max-autotune-no-cudagraphs")
        mask = None
        if causal:
            mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, options["length"], options["length"],
                                     device="cuda")
        return lambda: compiled(q, k, v, block_mask=mask)
    from torch.nn.attention import SDPBackend, sdpa_kernel
    backend = {"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}[options["backend"]]

    def run():
        with sdpa_kernel([backend]):
            return scaled_dot_product_attention(q, k, v, is_causal=causal)
    return run


def triton_peer(torch, tensors):
    """The product of peers/triton_matmul.py, with the best of a few shapes."""
    import triton
    import triton_matmul
    from triton.tools.tensor_descriptor import TensorDescriptor
    a, b = tensors["A"], tensors["B"]
    c = torch.empty((a.shape[0], b.shape[1]), device="cuda", dtype=a.dtype)
    sms = torch.cuda.get_device_properties(a.device).multi_processor_count

    def make(bm, bn, bk, warps, stages):
        descriptors = [TensorDescriptor.from_tensor(x, block)
                       for x, block in ((a, [bm, bk]), (b, [bk, bn]), (c, [bm, bn]))]
        tiles = triton.cdiv(a.shape[0], bm) * triton.cdiv(b.shape[1], bn)

        def run():
            triton_matmul.matmul[(min(sms, tiles),)](
                *descriptors, a.shape[0], b.shape[1], a.shape[1], BM=bm, BN=bn, BK=bk, GROUP=8, SMS=sms,
                num_warps=warps, num_stages=stages)
            return c
        return run
    best = reason = None
    for shape in ((128, 256, 64, 8, 3), (128, 256, 64, 8, 4), (128, 128, 64, 8, 4), (128, 128, 128, 8, 3)):
        try:
            run = make(*shape)
            run()
            took = time_alone(torch, run, 5)
        except Exception as error:  # Too much shared memory, for one: another shape will do.
            reason = f"{type(error).__name__}: {error}"
            continue
        if best is None or took < best[0]:
            best = (took, run)
    if best is None:
        raise RuntimeError(f"no configuration of the Triton kernel runs; the last: {reason}")
    return best[1]


def make_peer(torch, name, tensors, options):
    """A function that runs the peer and returns its result."""
    if name == "torch.matmul":
        return lambda: torch.matmul(tensors["A"], tensors["B"])
    if name == "Triton":
        return triton_peer(torch, tensors)
    if name == "compiled addmm and gelu":
        bias = tensors["bias"].to(tensors["A"].dtype)
        compiled = torch.compile(lambda a, b: torch.nn.functional.gelu(torch.addmm(bias, a, b), approximate="tanh"))
        return lambda: compiled(tensors["A"], tensors["B"])
    if name == "torch.softmax":
        return lambda: torch.softmax(tensors["X"], dim=-1)
    if name == "compiled softmax":
        compiled = torch.compile(lambda x: torch.softmax(x, dim=-1))
        return lambda: compiled(tensors["X"])
    if name.endswith(" attention"):
        return attention_peer(torch, options)
    raise ValueError(f"expected a peer, found '{name}'")


def time_alone(torch, run, count):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(count):
        run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / count


def kernel_names(torch, run):
    """What runs on the GPU, by the profiler; nothing if it may not look."""
    from torch.profiler import ProfilerActivity, profile
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        run()
        torch.cuda.synchronize()
    return sorted({event.name for event in profiler.events() if str(event.device_type).endswith("CUDA")})


def verify_backend(backend, names):
    """Refuses another backend's kernels. Where the profiler may not look, the
    report shows that no kernel is known."""
    if names and not any(word in name.lower() for name in names for word in WORDS[backend]):
        raise RuntimeError(f"expected a kernel of {backend}, found {', '.join(names)}")


def make_tensors(torch, program, sizes, seed):
    torch.manual_seed(seed)
    tensors = {}
    shapes = program.shapes(sizes)
    for buffer in program.buffers:
        dtype = getattr(torch, heddle_c.TYPES[buffer.type])
        tensor = torch.empty(shapes[buffer.name], device="cuda", dtype=dtype)
        if buffer.access != heddle_c.OUT:
            tensor.copy_(torch.randn(shapes[buffer.name], device="cuda"))
        else:
            tensor.fill_(float("nan"))
        tensors[buffer.name] = tensor
    return tensors


class Worker:
    def __init__(self, torch):
        self.torch = torch
        self.flushed = None
        self.library = self.device = self.stream = None

    def open(self, job):
        if self.library:
            return
        import ctypes
        self.library = heddle_c.Library(job["library"])
        self.device = self.library.make("heddle_device_open", job["device"].encode())
        native = ctypes.c_void_p(self.torch.cuda.current_stream().cuda_stream)
        self.stream = self.library.make("heddle_stream_adopt", self.device, native)

    def do(self, job):
        torch = self.torch
        options, contenders, result = job["options"], {}, {"peer_name": job["options"]["peer"]}
        tensors = {}
        if "package" in job:
            self.open(job)
            program = heddle_c.Program(self.library, self.device, job["package"], job["host"])
            tensors = make_tensors(torch, program, job["sizes"], job["seed"])
            torch.cuda.synchronize()
            addresses = {name: tensor.data_ptr() for name, tensor in tensors.items()}
            contenders["ours"] = program.bind(addresses, job["sizes"], self.stream)
        peer = make_peer(torch, options["peer"], tensors, options)
        contenders["peer"] = peer
        expected = peer()
        torch.cuda.synchronize()
        if "ours" in contenders:
            contenders["ours"]()
            torch.cuda.synchronize()
            output = next(tensors[buffer.name] for buffer in program.buffers if buffer.access == heddle_c.OUT)
            error = (output.double() - expected.double()).norm() / expected.double().norm()
            result["relative_difference"] = float(error) if torch.isfinite(error) else 1e300
        result["kernels"] = kernel_names(torch, peer)
        if "backend" in options:
            verify_backend(options["backend"], result["kernels"])
        del expected
        result["milliseconds"] = self.time(contenders, job)
        return result

    def time(self, contenders, job):
        torch = self.torch
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        if self.flushed is None:
            self.flushed = torch.empty(job["flush_bytes"], device="cuda", dtype=torch.int8)
        until = time.monotonic() + job["warm_up_ms"] / 1e3
        while time.monotonic() < until:
            for run in contenders.values():
                run()
            torch.cuda.synchronize()
        order = list(contenders)
        times = {name: [] for name in order}
        for turn in range(job["rounds"]):
            for name in order if turn % 2 == 0 else reversed(order):
                # The host submits while the device flushes and then sleeps:
                # Python may take longer to submit a peer than a flush takes.
                self.flushed.fill_(turn % 128)
                torch.cuda._sleep(SLEEP_CYCLES)
                begin.record()
                contenders[name]()
                end.record()
                end.synchronize()
                times[name].append(begin.elapsed_time(end))
        return times


def main():
    jobs = json.loads(pathlib.Path(sys.argv[1]).read_text())
    results = open(sys.argv[2], "a")

    def write(line):
        results.write(json.dumps(line) + "\n")
        results.flush()
    reason = None
    try:
        import torch
        if not torch.cuda.is_available():
            reason = "torch has no GPU"
    except ImportError as error:
        reason = str(error)
    if reason:
        for i in range(len(jobs)):
            write({"start": i})
            write({"result": {"unavailable": reason}})
        return 0
    ordinal = jobs[0]["device"].partition(":")[2] if jobs else ""
    torch.cuda.set_device(int(ordinal or 0))
    worker = Worker(torch)
    # A stream that has a handle: the default one is null.
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for i, job in enumerate(jobs):
            write({"start": i})
            try:
                write({"result": worker.do(job)})
            except Exception as error:  # Of whatever kind: the next peer may work.
                text = f"{type(error).__name__}: {error}"
                write({"result": {"error": text[:2000]}})
                if "CUDA error" in text or isinstance(error, heddle_c.HeddleError) and "fault" in text.lower():
                    return 3
            torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Not through the destructors of two libraries that share a context.
    os._exit(status)
