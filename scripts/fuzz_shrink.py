"""Makes a tile program that fails smaller, for scripts/fuzz.

Works on text with one operation per line, as fuzz_programs.py and the printer
of MLIR write it. A candidate need not be legal: what is refused does not fail
as the program did, and is dropped.
"""

import dataclasses
import re

NAME = re.compile(r"%[\w#]+")
ELEMENT = r"(?:index|bf16|f\d\w*|i\d+)"
TENSOR = re.compile(r"tensor<[^<>]*>")
EFFECTS = ("tile.store", "tile.launch", "scf.", "memref.store", "}", "tile.kernel", "tile.host")


def rename(lines, names):
    """Replaces values by others."""
    return [NAME.sub(lambda m: names.get(m.group(), m.group()), line) for line in lines]


def end_of(lines, at):
    """The line that closes the region that `lines[at]` opens, past any else."""
    depth = 0
    for i in range(at, len(lines)):
        depth += lines[i].count("{") - lines[i].count("}")
        if depth == 0:
            return i
    return len(lines) - 1


def get_result(line):
    """The name that a line defines, or None."""
    found = re.match(r"\s*(%\w+)(?::\d+)? = ", line)
    return found.group(1) if found else None


def get_mask(kind):
    """The type of a comparison of tiles, or numbers, of a type."""
    return re.sub(rf"{ELEMENT}(>?)$", r"i1\1", kind)


def get_type(line):
    """The type of the tile that a line defines, or None."""
    types = TENSOR.findall(line)
    if not types or "= scf." in line:
        return None
    if " arith.cmp" in line:
        return get_mask(types[-1])
    return types[-1]


def constant(kind):
    """A constant tile of a type."""
    elem = kind[:-1].rsplit("x", 1)[1]
    value = "true" if elem == "i1" else "1.0" if "f" in elem else "1"
    return f"arith.constant dense<{value}> : {kind}"


def without_dead(lines):
    """Without what nothing uses."""
    while True:
        used = {}
        for line in lines:
            for name in NAME.findall(line):
                base = name.split("#")[0]
                used[base] = used.get(base, 0) + 1
        kept = []
        for line in lines:
            result = get_result(line)
            dead = result and used[result] == 1 and not any(
                line.split(" = ", 1)[1].startswith(e) for e in ("scf.",))
            if not dead:
                kept.append(line)
        if len(kept) == len(lines):
            return lines
        lines = kept


def drop_regions(lines):
    """Loops and branches: without them, or what is in them once."""
    for i, line in enumerate(lines):
        if "scf.for" not in line and "scf.if" not in line:
            continue
        end = end_of(lines, i)
        result = get_result(line)
        if "scf.for" in line:
            yield from drop_loop(lines, i, end, result)
        else:
            yield from drop_branch(lines, i, end, result)


def results_of(result, values):
    if len(values) == 1:
        return {result: values[0]}
    return {f"{result}#{i}": value for i, value in enumerate(values)}


def split_yield(body):
    """What is before the yield, and what is yielded."""
    if body and body[-1].strip().startswith("scf.yield"):
        return body[:-1], NAME.findall(body[-1])
    return body, []


def drop_loop(lines, i, end, result):
    header = re.search(r"scf\.for (%\w+) = (%\w+) to %\w+ step %\w+(?: iter_args\((.*?)\) ->)?", lines[i])
    if not header:
        return
    pairs = re.findall(r"(%\w+) = (%[\w#]+)", header.group(3) or "")
    inits = [init for _, init in pairs]
    yield lines[:i] + rename(lines[end + 1:], results_of(result, inits) if inits else {})
    body, yielded = split_yield(lines[i + 1:end])
    once = rename(body, {header.group(1): header.group(2), **dict(pairs)})
    names = rename([" ".join(yielded)], {header.group(1): header.group(2), **dict(pairs)})[0].split()
    yield lines[:i] + once + rename(lines[end + 1:], results_of(result, names) if names else {})
    for n in range(len(pairs)):
        yield drop_carried(lines, i, end, result, n, pairs)


def drop_carried(lines, i, end, result, n, pairs):
    """A loop without its n-th value."""
    types = re.search(r"-> \((.*)\) \{", lines[i]).group(1).split(", ")
    rest = [k for k in range(len(pairs)) if k != n]
    body, yielded = split_yield(lines[i + 1:end])
    head = lines[i][:lines[i].index(" iter_args")]
    head = head.split(" = ", 1)[1]
    indent = re.match(r"\s*", lines[i]).group()
    names = {f"{result}#{n}" if len(pairs) > 1 else result: pairs[n][1]}
    for new, old in enumerate(rest):
        names[f"{result}#{old}"] = f"{result}#{new}" if len(rest) > 1 else result
    if rest:
        arguments = ", ".join(f"{pairs[k][0]} = {pairs[k][1]}" for k in rest)
        head = (f"{result}{f':{len(rest)}' if len(rest) > 1 else ''} = {head} iter_args({arguments}) -> "
                f"({', '.join(types[k] for k in rest)}) {{")
        last = [f"{indent}  scf.yield {', '.join(yielded[k] for k in rest)} : {', '.join(types[k] for k in rest)}"]
    else:
        head, last = head + " {", []
    body = rename(body + last, {pairs[n][0]: pairs[n][1]})
    return lines[:i] + [indent + head] + body + rename(lines[end:], names)


def drop_branch(lines, i, end, result):
    middle = next((k for k in range(i + 1, end) if lines[k].strip() == "} else {" and end_of(lines, i) == end and
                   lines[k].index("}") == len(re.match(r"\s*", lines[i]).group())), None)
    parts = [lines[i + 1:middle], lines[middle + 1:end]] if middle else [lines[i + 1:end], []]
    if result is None:
        yield lines[:i] + lines[end + 1:]
    for part in parts:
        body, yielded = split_yield(part)
        yield lines[:i] + body + rename(lines[end + 1:], results_of(result, yielded) if result and yielded else {})


def drop_kernels(lines):
    """Without one kernel and its launches."""
    for i, line in enumerate(lines):
        found = re.match(r"tile\.kernel @(\w+)", line)
        if found:
            rest = lines[:i] + lines[end_of(lines, i) + 1:]
            yield [other for other in rest if f"tile.launch @{found.group(1)} " not in other]


def drop_stores(lines):
    stores = [i for i, line in enumerate(lines) if line.strip().startswith("tile.store")]
    for only in stores:
        yield [line for i, line in enumerate(lines) if i == only or i not in stores]
    for i in stores:
        yield lines[:i] + lines[i + 1:]


def simplify_values(lines):
    """A tile becomes one of its operands, or a constant."""
    kinds = {}
    for i in range(len(lines) - 1, -1, -1):
        result, kind = get_result(lines[i]), get_type(lines[i])
        if result and kind:
            kinds[result] = kind
    for i in range(len(lines) - 1, -1, -1):
        line = lines[i]
        result, kind = get_result(line), get_type(line)
        if result is None:
            continue
        text = line.split(" = ", 1)[1]
        if kind:
            if text.startswith("arith.constant"):
                continue
            for operand in dict.fromkeys(NAME.findall(text)):
                if kinds.get(operand) == kind:
                    yield lines[:i] + rename(lines[i + 1:], {result: operand})
            yield lines[:i] + [line.split(" = ", 1)[0] + " = " + constant(kind)] + lines[i + 1:]
        elif text.startswith("arith.") and line.endswith(": index") and "constant" not in text:
            for operand in dict.fromkeys(NAME.findall(text)):
                yield lines[:i] + rename(lines[i + 1:], {result: operand})
            yield lines[:i] + [line.split(" = ", 1)[0] + " = arith.constant 0 : index"] + lines[i + 1:]


def simplify_text(lines):
    """Attributes, padding, transpositions; smaller constants."""
    for i, line in enumerate(lines):
        for pattern, less in ((r" attributes \{[^{}]*\}", ""), (r"^(\s*\}) \{tile\.\w+ = [^{}]*\}", r"\1"),
                              (r" pad \S+ : \w+", ""), (r", strided<\[[^\]]*\]>", ""), (r" fast_accum", "")):
            shorter = re.sub(pattern, less, line)
            if shorter != line:
                yield lines[:i] + [shorter] + lines[i + 1:]
        found = re.match(r"(\s*%\w+ = arith\.constant )(-?\d+)( : (?:index|i\d+))$", line)
        if found and abs(int(found.group(2))) > 1:
            value = int(found.group(2))
            for less in (0, 1, value // 2):
                yield lines[:i] + [f"{found.group(1)}{less}{found.group(3)}"] + lines[i + 1:]


def shrink_extents(lines):
    """Smaller tiles: one extent, wherever it is."""
    text = "\n".join(lines)
    extents = {int(e) for kind in TENSOR.findall(text) for e in re.findall(r"(\d+)x", kind)}
    for extent in sorted(extents, reverse=True):
        for less in (1, 8, 16, 32, 64, 128):
            if less < extent:
                yield TENSOR.sub(lambda m: re.sub(rf"(?<![\d]){extent}x", f"{less}x", m.group()), text).split("\n")


def split_arguments(text):
    """Splits at the commas that are outside of brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "<[(") - (c in ">])")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return parts + [text[start:].strip()] if text.strip() else []


def without_unused_arguments(lines):
    """Kernels without arguments that they do not use; hosts likewise."""
    text = "\n".join(lines)
    for found in re.finditer(r"tile\.kernel @(\w+)\((.*)\)(?: attributes .*)? \{$", text, re.M):
        name, arguments = found.group(1), split_arguments(found.group(2))
        begin = found.end()
        body = text[begin:text.index("\n}", begin)]
        keep = [i for i, a in enumerate(arguments) if re.search(rf"{re.escape(a.split(':')[0])}\b", body)]
        if len(keep) == len(arguments):
            continue
        shorter = text[:found.start(2)] + ", ".join(arguments[i] for i in keep) + text[found.end(2):]

        def launch(m):
            values, types = split_arguments(m.group(2)), split_arguments(m.group(3))
            return f"{m.group(1)}({', '.join(values[i] for i in keep)}) : {', '.join(types[i] for i in keep)}"

        shorter = re.sub(rf"(tile\.launch @{name} grid\([^)]*\) args)\(([^)]*)\) : (.*)", launch, shorter)
        yield shorter.split("\n")
    found = re.search(r"tile\.host @\w+\[(.*?)\]\((.*)\) \{$", text, re.M)
    if found:
        body = text[found.end():]
        arguments = [a for a in split_arguments(found.group(2))
                     if re.search(rf"{NAME.search(a).group()}\b", body)]
        rest = ", ".join(arguments)
        sizes = [s for s in split_arguments(found.group(1)) if re.search(rf"{re.escape(s)}\b", rest + body)]
        shorter = text[:found.start(1)] + ", ".join(sizes) + "](" + rest + text[found.end(2):]
        if shorter != text:
            yield shorter.split("\n")


PASSES = (drop_kernels, drop_stores, drop_regions, simplify_values, without_unused_arguments, simplify_text,
          shrink_extents)


def shrink_sizes(case):
    """The case with one size smaller."""
    for name, value in case.sizes.items():
        for less in (0, 1, 8, 64, value // 2, value - 1):
            if 0 <= less < value:
                yield dataclasses.replace(case, sizes={**case.sizes, name: less})


def shrink(case, fails, budget=600):
    """The smallest case found for which `fails` is true, in at most `budget` tries."""
    tries, seen = 0, set()

    def attempt(candidate):
        nonlocal tries
        key = candidate.source, tuple(candidate.sizes.items())
        if key in seen or tries >= budget:
            return False
        seen.add(key)
        tries += 1
        return fails(candidate)

    changed = True
    while changed and tries < budget:
        changed = False
        for one in PASSES:
            again = True
            while again and tries < budget:
                again = False
                for lines in one(case.source.rstrip("\n").split("\n")):
                    source = "\n".join(without_dead(lines)) + "\n"
                    used = set(re.findall(r"%(\w+)", source))
                    sizes = {n: v for n, v in case.sizes.items() if n in used}
                    candidate = dataclasses.replace(case, source=source, sizes=sizes)
                    if source != case.source and attempt(candidate):
                        case, again, changed = candidate, True, True
                        break
        for candidate in shrink_sizes(case):
            if attempt(candidate):
                case, changed = candidate, True
    return case
