"""The report as text, for a reader who may see its end only."""


def columns(rows):
    """Rows of cells under one another; all but the first column to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return lines


def number(value, digits=3):
    """With that many significant digits, and no more than needed."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text else text


def size_text(sizes):
    return " ".join(f"{name}={value}" for name, value in sizes.items())


def short(text, limit=300):
    """On one line, and not all of it if it is long: the JSON has the rest."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + "..."


def failure_lines(failures, limit=12):
    """A line per failure, of which each has `case`, `sizes`, `status`, `error`."""
    lines = [f"  {line['status'].upper()} {line['case']} ({size_text(line['sizes'])}): {short(line['error'])}"
             for line in failures[:limit]]
    if len(failures) > limit:
        lines.append(f"  and {len(failures) - limit} more")
    return lines


def check_lines(checks):
    failed = [check for check in checks if check["status"] != "ok"]
    return [f"Correctness: {len(checks) - len(failed)} of {len(checks)} checks passed"] + failure_lines(failed)


def time_rows(times):
    rows = [("case", "size", "ours ms", "IQR", "rate", "unit", "peer", "peer ms", "peer IQR", "ratio", "MHz")]
    for time in times:
        ours, peer = time.get("ours") or {}, time.get("peer_time") or {}
        failed = time["status"] not in ("ok", "baseline")
        rows.append((time["case"], size_text(time["sizes"]),
                     time["status"] if failed else number(ours.get("median")), number(ours.get("iqr"), 2),
                     number(time.get("rate")), time.get("unit", ""), time.get("peer", ""),
                     number(peer.get("median")), number(peer.get("iqr"), 2),
                     f"{time['ratio']:.3f}" if time.get("ratio") else "", number(time.get("sm_mhz"), 4)))
    return rows


def time_lines(times, simulated):
    if not times:
        return ["Times: none were measured"]
    title = "Times (medians of GPU events; ratio is the peer's time over ours, more than 1 is faster)"
    if simulated:
        title = "Times OF A SIMULATOR: they say nothing of a GPU"
    lines = [title] + ["  " + line for line in columns(time_rows(times))]
    alone = sorted({short(time["peer_error"]) for time in times if time.get("peer_error")})
    return lines + failure_lines([time for time in times if time.get("error")]) + \
        [f"  some without a peer: {reason}" for reason in alone]


# What the end of the report shows of several hundred probes.
HEADLINES = (
    ("SM clock", {}),
    ("launch", {}),
    ("wgmma rate", {"type": "bf16", "n": 256, "a": "shared", "warpgroups": 1}),
    ("wgmma rate", {"type": "bf16", "n": 256, "a": "registers", "warpgroups": 1}),
    ("wgmma rate", {"type": "e4m3", "n": 256, "a": "shared", "warpgroups": 1}),
    ("wgmma latency", {"type": "bf16", "n": 256, "a": "shared", "warpgroups": 1}),
    ("TMA load latency", {"box": "64x64", "swizzle": 128}),
    ("TMA load rate", {"box": "64x128", "swizzle": 128}),
    ("mbarrier hand-over", {"between": "warps"}),
    ("mbarrier hand-over", {"between": "blocks of a cluster"}),
    ("instruction rate", {"instruction": "ex2.f32"}),
    ("instruction rate", {"instruction": "fma.f32"}),
    ("load latency", {"memory": "shared"}),
    ("load latency", {"memory": "L2"}),
    ("load latency", {"memory": "HBM"}),
    ("memory bandwidth", {"memory": "L2", "access": "read"}),
    ("memory bandwidth", {"memory": "HBM", "access": "read"}),
    ("memory bandwidth", {"memory": "HBM", "access": "copy"}),
)


def probe_lines(probes):
    counts = {}
    for probe in probes:
        counts[probe["status"]] = counts.get(probe["status"], 0) + 1
    total = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    lines = [f"Probes: {total or 'none'}"]
    rows = []
    for name, parameters in HEADLINES:
        for probe in probes:
            if probe["status"] == "ok" and probe["name"] == name and \
                    all(probe["parameters"].get(key) == value for key, value in parameters.items()):
                rows.append((f"{name} {size_text(probe['parameters'])}".strip(), number(probe["value"], 4), probe["unit"]))
                break
    if rows:
        lines += ["  " + line for line in columns(rows)]
    for probe in [probe for probe in probes if probe["status"] == "failed"][:10]:
        lines.append(f"  FAILED {probe['name']} {size_text(probe['parameters'])}: {short(probe['error'])}")
    return lines


def report(results):
    """The whole text."""
    device = results.get("device") or {}
    simulated = " (SIMULATED)" if results["simulated"] else ""
    lines = ["", f"{device.get('name', 'no device')}{simulated}, driver {results['versions'].get('driver') or 'none'}, "
             f"revision {results['revision']}, seed {results['seed']}"]
    lines += [""] + probe_lines(results["probes"])
    lines += [""] + time_lines(results["times"], results["simulated"])
    lines += [""] + check_lines(results["checks"])
    for what in results["skipped"][:12]:
        lines.append(f"SKIPPED {short(what)}")
    if len(results["skipped"]) > 12:
        lines.append(f"SKIPPED {len(results['skipped']) - 12} more")
    for what in results["errors"]:
        lines.append(f"ERROR {what[-2000:]}")
    lines.append(f"{'All is right' if results['passed'] else 'NOT all is right'}; "
                 f"{results['seconds']:.0f} s; written to {results['path']}")
    return "\n".join(lines)
