"""What the steady-state loops of kernels execute, from their machine code.

A loop is a backward branch. What waits for a barrier lies outside of it, and a
mask that a block does not need is branched around: so the shortest way through a
loop is what unmasked blocks execute, and the longest what masked ones do.
"""

import re
import subprocess

# Opcodes by what a hand count calls them.
KINDS = {"FFMA": "fma", "FMUL": "mul", "FADD": "add", "FMNMX": "max", "FMNMX3": "max", "MUFU": "exp", "F2FP": "convert",
         "F2F": "convert", "SHFL": "shuffle", "FSEL": "mask", "FSETP": "mask", "ISETP": "mask", "SEL": "mask",
         "HGMMA": "wgmma", "QGMMA": "wgmma", "IGMMA": "wgmma"}
INSTRUCTION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\d\s+)?([A-Z][\w.]*)(.*?);")


def disassemble(nvdisasm, cubin):
    """{kernel: [(opcode, operands, whether it is predicated)], with labels as strings}."""
    text = subprocess.run([nvdisasm, "-c", cubin], capture_output=True, text=True, check=True).stdout
    kernels, current = {}, None
    for line in text.splitlines():
        section = re.match(r"\s*\.section\s+\.text\.(\w+)", line)
        if section:
            current = kernels.setdefault(section.group(1), [])
        elif line.startswith(".L") and current is not None:
            current.append(line.split(":")[0])
        elif current is not None:
            found = INSTRUCTION.search(line)
            if found:
                conditional = "@" in line[:line.index(found.group(1))] or bool(re.match(r"\s*U?P\d,", found.group(2)))
                current.append((found.group(1), found.group(2), conditional))
    return kernels


def find_loops(code):
    """Loops with products: pairs of the place of the label and of the branch back, the innermost ones."""
    labels = {item: i for i, item in enumerate(code) if isinstance(item, str)}
    loops = []
    for i, item in enumerate(code):
        if not isinstance(item, str) and item[0].startswith("BRA"):
            target = re.search(r"\((\.L\w+)\)", item[1])
            begin = labels.get(target.group(1)) if target else None
            products = any(KINDS.get(c[0].split(".")[0]) == "wgmma" for c in code[begin or 0:i] if not isinstance(c, str))
            if begin is not None and begin < i and item[2] and products:
                loops.append((begin, i))
    return [a for a in loops if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops)]


def walk(code, begin, end, longest):
    """The instructions on the longest or shortest way from the label to the branch; none if parts of it lie elsewhere."""
    labels = {item: i for i, item in enumerate(code) if isinstance(item, str)}
    best = {end: (1, None)}
    for i in range(end - 1, begin - 1, -1):
        item = code[i]
        ways = []
        if isinstance(item, str):
            ways.append(i + 1)
        else:
            target = re.search(r"\((\.L\w+)\)", item[1]) if item[0].startswith("BRA") else None
            if target is None or item[2]:
                ways.append(i + 1)
            # What leaves the loop waits for a barrier, and comes back.
            if target and i < labels.get(target.group(1), -1) <= end:
                ways.append(labels[target.group(1)])
        known = [(best[w][0], w) for w in ways if w in best]
        if known:
            length, way = (max if longest else min)(known)
            best[i] = (length + (not isinstance(item, str)), way)
    at, path = begin if begin in best else None, []
    while at is not None:
        if not isinstance(code[at], str):
            path.append(code[at][0].split(".")[0])
        at = best[at][1]
    return path


def count(path):
    kinds = {}
    for opcode in path:
        kind = KINDS.get(opcode, "other")
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def measure_loops(nvdisasm, cubin):
    """For each kernel, the counts of its innermost loops with products and exponentials, by way."""
    measured = {}
    for kernel, code in disassemble(nvdisasm, cubin).items():
        for begin, end in find_loops(code):
            ways = {name: count(walk(code, begin, end, name == "masked")) for name in ("unmasked", "masked")}
            if ways["unmasked"].get("wgmma") and ways["unmasked"].get("exp"):
                measured.setdefault(kernel, []).append(ways)
    return measured
