"""From the clocks that a probe wrote to a number with a unit."""

from ..statistics import summary


def spans(clocks, slots):
    """Cycles from the first start to the last end in each block. A slot is two
    clocks, a number, and 1 if it was written."""
    result = []
    for first in range(0, len(clocks), slots):
        block = clocks[first:first + slots]
        written = [slot for slot in block if slot[3]]
        if written:
            result.append(max(slot[1] for slot in written) - min(slot[0] for slot in written))
    if not result:
        raise ValueError("no block wrote its clocks")
    return result


def mean(values):
    return sum(values) / len(values)


def evaluate(job, samples):
    """The value of each sample. `job` is what the runner was given, with
    `work` and `measure` of the probe."""
    measure, work, rounds = job["measure"], job["work"], job["rounds"]
    values = []
    for sample in samples:
        if measure == "launches":
            values.append(sample["device"])
            continue
        cycles = mean(spans(sample["clocks"], job["slots"]))
        blocks = job["grid"][0]
        if measure == "cycles per operation":
            values.append(cycles / (rounds * work))
        elif measure == "operations per cycle":
            values.append(rounds * work / cycles)
        elif measure == "per second":
            # Bytes are of all blocks together, other operations of each.
            total = rounds * work * (blocks if job["unit"].startswith("G op") else 1)
            values.append(total / (sample["milliseconds"] * 1e6))
        elif measure == "clock":
            values.append(1e3 * cycles / max(1, sample["clocks"][0][2]))
        else:
            raise ValueError(f"expected a measure, found {measure}")
    return values


def result(job, output):
    """The line of a probe in the report."""
    line = {"name": job["name"], "parameters": job["parameters"], "unit": job["unit"]}
    if "error" in output:
        refused = "not supported" in output["error"] or "unknown instruction" in output["error"]
        line["status"] = "unsupported on simulator" if refused and job["simulated"] else "failed"
        line["error"] = output["error"]
        return line
    try:
        values = summary(evaluate(job, output["samples"]))
    except (ValueError, KeyError, IndexError) as error:
        return {**line, "status": "failed", "error": f"{type(error).__name__}: {error}"}
    line.update(status="ok", value=values.pop("median"), spread=values)
    if job["measure"] == "launches":
        last = output["samples"][-1]
        line["host_us"] = {key: last[key] for key in ("host", "submit", "launch_and_wait")}
    if not line["value"] > 0:
        line.update(status="failed", error=f"expected a positive value, found {line['value']}")
    return line
