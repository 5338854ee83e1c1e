"""Moves parts of random tile programs into functions, for scripts/fuzz.

Works on text with one operation per line, as fuzz_programs.py writes it. A part
is any run of lines that opens as many regions as it closes; what it uses
becomes arguments, what is used behind it results.
"""

import re

from fuzz_shrink import ELEMENT, get_mask, split_arguments

NAME = re.compile(r"%\w+(?:#\d+)?")
# What must not happen twice: also calls, of functions that may store.
EFFECTS = ("tile.store", "func.call")
DEFINITION = re.compile(r"\s*(%\w+(?::\d+)?(?:, %\w+(?::\d+)?)*) = (\S+) (.*)")


def get_names(text):
    """The values that the left side of an operation defines."""
    names = []
    for name in text.split(", "):
        base, *count = name.split(":")
        names += [f"{base}#{i}" for i in range(int(count[0]))] if count else [base]
    return names


def get_result_types(op, rest):
    """The types of what an operation defines, as far as its text tells."""
    if op.startswith("scf."):
        found = re.search(r"-> \((.*)\) \{", rest)
        return split_arguments(found.group(1)) if found else []
    if op == "gpu.block_id":
        return ["index"]
    types = split_arguments(re.split(r" -> | to | : ", rest)[-1].removeprefix("(").removesuffix(")"))
    if op == "func.call":
        return types
    if op.startswith("arith.cmp"):
        return [get_mask(types[-1])]
    if op == "memref.load":
        return [re.search(rf"({ELEMENT})(?:, strided.*)?>$", types[-1]).group(1)]
    return types[-1:]


def get_types(lines):
    """The type of every value of a kernel that its text tells."""
    types = {}
    head = re.search(r"\((.*)\)(?: attributes .*)? \{$", lines[0])
    for argument in split_arguments(head.group(1)):
        name, kind = argument.split(": ", 1)
        types[name] = kind
    for line in lines[1:]:
        loop = re.search(r"scf\.for (%\w+) = .*?(?:iter_args\((.*?)\) -> \((.*)\))? \{", line)
        if loop:
            types[loop.group(1)] = "index"
            arguments = re.findall(r"(%\w+) = ", loop.group(2) or "")
            types.update(zip(arguments, split_arguments(loop.group(3) or "")))
        found = DEFINITION.match(line)
        if not found:
            continue
        names = get_names(found.group(1))
        results = get_result_types(found.group(2), found.group(3))
        if len(names) == len(results):
            types.update(zip(names, results))
    return types


def get_defined(lines):
    """What lines define, in order, with the values of regions."""
    defined = []
    for line in lines:
        loop = re.search(r"scf\.for (%\w+) = .*?(?:iter_args\((.*?)\) ->|\{)", line)
        if loop:
            defined += [loop.group(1)] + re.findall(r"(%\w+) = ", loop.group(2) or "")
        found = DEFINITION.match(line)
        defined += get_names(found.group(1)) if found else []
    return defined


def find_end(lines, start, wanted):
    """The end of the part of about `wanted` lines from `start`, or None."""
    depth, end = 0, None
    for i in range(start, len(lines)):
        text = lines[i].strip()
        if depth == 0 and text.startswith(("}", "scf.yield")):
            break
        depth += text.count("{") - text.count("}")
        if depth == 0:
            end = i + 1
            if end - start >= wanted:
                break
    return end


def extract(lines, rng, name):
    """A kernel and a function that has a part of it, or None if this failed."""
    starts = range(1, len(lines) - 1)
    inner = [i for i in starts if lines[i].startswith("    ")]
    # Most calls are in loops.
    start = rng.choice(inner if inner and rng.random() < 0.6 else starts)
    end = find_end(lines[:-1], start, rng.choice([1, 2, 3, 5, 8, 13, 100]))
    if end is None:
        return None
    types, part = get_types(lines), lines[start:end]
    defined = get_defined(part)
    used = list(dict.fromkeys(NAME.findall("\n".join(part))))
    own = {n.split("#")[0] for n in defined}
    arguments = [n for n in used if n.split("#")[0] not in own]
    behind = set(NAME.findall("\n".join(lines[end:])))
    results = [n for n in defined if n in behind]
    if not all(n in types for n in arguments + results):
        return None
    inside = {n: f"%argument{i}" for i, n in enumerate(arguments)}
    outside = {n: f"%{name}_{i}" for i, n in enumerate(results)}

    def rename(text, names):
        return NAME.sub(lambda m: names.get(m.group(), m.group()), text)

    taken = ", ".join(types[n] for n in arguments)
    given = ", ".join(types[n] for n in results)
    function = [f"func.func {rng.choice(['', 'private '])}@{name}("
                + ", ".join(f"{inside[n]}: {types[n]}" for n in arguments) + f") -> ({given}) {{"]
    function += [rename(line, inside) for line in part]
    function.append(f"  return {', '.join(results)} : {given}" if results else "  return")
    call = f"func.call @{name}({', '.join(arguments)}) : ({taken}) -> ({given})"
    if results:
        call = f"{', '.join(outside[n] for n in results)} = {call}"
    calls = ["  " + call]
    rest = [rename(line, outside) for line in lines[end:]]
    if results and rng.random() < 0.3 and not any(effect in line for line in part for effect in EFFECTS):
        # Called twice, for different uses of the results.
        again = {outside[n]: f"%{name}_again_{i}" for i, n in enumerate(results)}
        calls.append(rename(calls[0], again))
        rest = [rename(line, again) if rng.random() < 0.5 else line for line in rest]
    return lines[:start] + calls + rest, function + ["}"]


def move_parts(text, rng):
    """A kernel with some of its parts in functions, which may call others."""
    lines, functions = text.split("\n"), []
    name = re.match(r"tile\.kernel @(\w+)", text).group(1)
    for number in range(rng.choice([1, 1, 2, 4])):
        moved = extract(lines, rng, f"{name}_part{number}") if len(lines) > 2 else None
        if moved:
            lines, function = moved
            functions.append(function)
    blocks = functions + [lines]
    rng.shuffle(blocks)
    return "\n\n".join("\n".join(block) for block in blocks)
