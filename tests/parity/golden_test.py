#!/usr/bin/env python3
"""Runs digits_twin with the flags of every golden configuration and compares what it does with what HuggingFace did:

events, controls, losses, norms, learning rates and metrics (the trace), the checkpoint directories left behind and the
final weights. Bit for bit where the processor and LibTorch are those of golden/ENVIRONMENT.md, otherwise within 1e-5.

waiting.txt names the configurations that need a part Downbeat does not have yet; one that became equal has to leave
the list.

usage: golden_test.py DIGITS_TWIN DIRECTORY_OF_GOLDEN LIBTORCH_INCLUDE [--bits] [NAME ...]
(--bits: traces that were made on this machine are compared bit for bit, whatever it is)
"""
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare_trace

HERE = os.path.dirname(os.path.abspath(__file__))
TENSORS = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def why_not_bits(include):
    """Why other last bits than golden/'s are to be expected here, or None."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = f.read()
    if "AuthenticAMD" not in cpu:
        return "the processor is not by AMD, so that MKL takes other kernels (HuggingFace's own numbers differ here, too)"
    if not {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(cpu.split()):
        return "the processor has no AVX-512"
    with open(os.path.join(include, "torch/headeronly/version.h"), encoding="utf-8") as f:
        numbers = re.findall(r"#define TORCH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", f.read())
    return None if numbers == ["2", "13", "0"] else f"LibTorch is {'.'.join(numbers)}, not 2.13.0"


def flag(name, value):
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (dict, list)):
        value = json.dumps(value)
    return f"--{name}={value}"


def weights_sha256(path):
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    digest = hashlib.sha256()
    for name in TENSORS:
        begin, end = header[name]["data_offsets"]
        digest.update(data[8 + size + begin : 8 + size + end])
    return digest.hexdigest()


# HuggingFace puts a callback whose state it restores at the end of the list, after the recorder; here it keeps its
# place, so that the recorder sees at once what it asks for.
RESTORED_CALLBACKS_MOVE = {"resume_early_stop_restore": ("on_evaluate", "should_training_stop")}


def first_difference(reference, candidate, rtol):
    a, b = compare_trace.load(reference), compare_trace.load(candidate)
    name = os.path.basename(reference).split(".")[0]
    if name in RESTORED_CALLBACKS_MOVE and ".resumed." in reference:
        event, flag = RESTORED_CALLBACKS_MOVE[name]
        moved = [i for i in range(min(len(a), len(b))) if a[i]["event"] == event and a[i]["control"][flag] != b[i]["control"][flag]]
        assert len(moved) == 1 and b[moved[0]]["control"][flag] and a[moved[0] + 1]["control"][flag], "it is another one"
        a[moved[0]]["control"][flag] = True
    for i in range(max(len(a), len(b))):
        if i >= len(a) or i >= len(b):
            return f"trace length: HuggingFace has {len(a)} events, Downbeat has {len(b)}"
        difference = compare_trace.diff(a[i], b[i], rtol, set())
        if difference:
            return f"event {i + 1} ({a[i]['event']} at step {a[i]['global_step']}): {difference}"
    return None


def difference_of(config, twin, golden, rtol):
    """What is not equal, or None."""
    name = os.path.join(golden, config["name"])
    init = f"--init={golden}/{config['init']}"
    with tempfile.TemporaryDirectory() as output:
        found = difference_of_run(twin, config["flags"], [init], output, name + ".trace.jsonl", config["expect"], rtol)
        if found or "resume" not in config:
            return found
        resume = config["resume"]
        checkpoint = f"--resume={output}/checkpoint-{resume['checkpoint']}"
        flags = {**config["flags"], **resume.get("flags", {})}
        found = difference_of_run(twin, flags, [init, checkpoint], output, name + ".resumed.trace.jsonl",
                                  config["expect_resumed"], rtol)
        return found and f"resumed at step {resume['checkpoint']}: {found}"


def difference_of_run(twin, flags, more, output, reference, expect, rtol):
    with tempfile.TemporaryDirectory() as scratch:
        trace, final = os.path.join(scratch, "trace.jsonl"), os.path.join(scratch, "final.safetensors")
        command = [twin, *(flag(name, value) for name, value in flags.items()), *more, f"--trace={trace}",
                   f"--final={final}", f"--output_dir={output}"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return f"exit code {run.returncode}: {run.stderr.strip()}"
        found = first_difference(reference, trace, rtol)
        if found:
            return found
        left = sorted(os.path.basename(d) for d in glob.glob(output + "/checkpoint-*"))
        if left != sorted(expect["checkpoints"]):
            return f"checkpoints left behind: HuggingFace {sorted(expect['checkpoints'])}, Downbeat {left}"
        if rtol == 0 and weights_sha256(final) != expect["weights_sha256"]:
            return "the final weights differ"
    return None


def waiting():
    with open(os.path.join(HERE, "waiting.txt"), encoding="utf-8") as f:
        return dict(line.strip().split(": ", 1) for line in f if line.strip() and not line.startswith("#"))


def main():
    twin, golden, include, *names = sys.argv[1:]
    bits = "--bits" in names
    names = [n for n in names if n != "--bits"]
    why_not = None if bits else why_not_bits(include)
    rtol = 1e-5 if why_not else 0
    print(f"compared within 1e-5, because {why_not}" if why_not else "compared bit for bit")
    waits = waiting()
    configs = []
    for path in sorted(glob.glob(golden + "/*.json")):
        with open(path, encoding="utf-8") as f:
            configs.append(json.load(f))
    assert len(configs) == 98 and set(waits) <= {c["name"] for c in configs}, "golden/ or waiting.txt is not complete"
    if names:
        configs = [c for c in configs if c["name"] in names]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        differences = list(pool.map(lambda c: difference_of(c, twin, golden, rtol), configs))
    wrong = equal = 0
    for config, difference in zip(configs, differences):
        name = config["name"]
        if name in waits and difference is None:
            print(f"FAILED {name}: it is equal now and still in waiting.txt")
            wrong += 1
        elif name in waits:
            print(f"waits  {name}: {waits[name]}")
        elif difference:
            print(f"FAILED {name}: {difference}")
            wrong += 1
        else:
            print(f"equal  {name}")
            equal += 1
    print(f"{equal} equal, {sum(c['name'] in waits for c in configs)} waiting, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
