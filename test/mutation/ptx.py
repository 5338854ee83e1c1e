"""PTX as statements: enough to find synchronization and to move it about."""

import dataclasses
import re

REGISTER = re.compile(r"%[A-Za-z_$][\w$]*")


@dataclasses.dataclass
class Unit:
    """A statement, or a wait with the loop around it."""

    first: int  # line numbers from 0, the last one included
    last: int
    text: str  # without comments and line breaks
    kind: str  # see `kind_of`; "label" and "directive" are no instructions
    section: str  # what the last `// heddle.role` comment says
    block: int = 0  # number of the basic block
    alone: bool = True  # nothing else is on its lines

    @property
    def guard(self):
        found = re.match(r"@!?([%\w$]+)\s+", self.text)
        return found.group(1) if found else None

    @property
    def instruction(self):
        return re.sub(r"^@!?[%\w$]+\s+", "", self.text)

    @property
    def opcode(self):
        return self.instruction.split(None, 1)[0].rstrip(";") if self.text else ""

    @property
    def operands(self):
        parts = self.instruction.rstrip(";").split(None, 1)
        return parts[1].strip() if len(parts) > 1 else ""

    def uses(self):
        return set(REGISTER.findall(self.text))

    def writes(self):
        """Registers that it may write: those of the first operand."""
        if self.kind in ("label", "directive") or re.match(r"(st|red|bra|ret|exit)\b", self.opcode):
            return set()
        first = self.operands
        if first.startswith("{"):
            first = first[: first.index("}")]
        else:
            first = first.split(",", 1)[0]
        return set() if first.startswith("[") else set(REGISTER.findall(first))

    def number(self, which=-1):
        """The literal that is operand `which`, or None."""
        found = self.operands.split(",")[which].strip()
        return int(found) if re.fullmatch(r"\d+", found) else None


# The first pattern that an opcode matches says its kind.
KINDS = [
    (r"mbarrier\.init", "init"),
    (r"mbarrier\.(try|test)_wait", "wait"),
    (r"mbarrier\.arrive\.expect_tx", "expect"),
    (r"mbarrier\.arrive", "arrive"),
    (r"fence\.mbarrier_init", "init-fence"),
    (r"fence\.proxy\.async", "proxy-fence"),
    (r"(fence\.(acq_rel|sc)|membar)", "fence"),
    (r"cp\.async\.bulk\.commit_group", "bulk-commit"),
    (r"cp\.async\.bulk\.wait_group", "bulk-wait"),
    (r"cp\.async\.bulk\.prefetch", "other"),
    (r"cp\.async\.bulk.*bulk_group", "bulk-store"),
    (r"cp\.async\.bulk", "bulk-load"),
    (r"cp\.async\.commit_group", "copy-commit"),
    (r"cp\.async\.wait_(group|all)", "copy-wait"),
    (r"cp\.async\.(ca|cg)", "copy"),
    (r"wgmma\.fence", "mma-fence"),
    (r"wgmma\.commit_group", "mma-commit"),
    (r"wgmma\.wait_group", "mma-wait"),
    (r"wgmma\.mma_async", "mma"),
    (r"bar\.warp\.sync", "warp-barrier"),
    (r"barrier\.cluster\.arrive", "cluster-arrive"),
    (r"barrier\.cluster\.wait", "cluster-wait"),
    (r"bar(rier\.cta)?\.sync", "barrier"),
    (r"mapa", "peer-address"),
    (r"setmaxnreg", "registers"),
    (r"(ld|st)\.(acquire|release|relaxed|volatile)", "flag"),
    (r"ld\.shared", "load-shared"),
    (r"st\.shared|stmatrix", "store-shared"),
    (r"ldmatrix", "load-shared"),
    (r"ld\.param", "other"),
    (r"(ld|st)(\.global|\.[a-z]\d)", "global"),
    (r"ld\.|st\.", "global"),
    (r"(atom|red)\.", "atomic"),
    (r"(bra|ret|exit|brx|call)\b", "branch"),
]
SYNCHRONIZATION = {
    "init", "wait", "expect", "arrive", "init-fence", "proxy-fence", "fence", "bulk-commit", "bulk-wait",
    "copy-commit", "copy-wait", "mma-fence", "mma-commit", "mma-wait", "warp-barrier", "cluster-arrive",
    "cluster-wait", "barrier", "registers",
}  # fmt: skip
# What is altered, but neither deleted nor moved.
ALTERED = {"peer-address", "bulk-load"}
MEMORY = {"bulk-store", "bulk-load", "copy", "mma", "load-shared", "store-shared", "global", "atomic", "flag"}


def kind_of(opcode):
    for pattern, kind in KINDS:
        if re.match(pattern, opcode):
            return kind
    return "other"


def only_kernel(text, name):
    """The module with no other kernel than `name`; the lines stay where they are."""
    lines = text.split("\n")
    keep, depth, entry = True, 0, False
    for i, line in enumerate(lines):
        found = re.match(r"\s*(\.visible\s+|\.weak\s+)?\.entry\s+([\w$]+)", line)
        if found:
            keep, entry = found.group(2) == name, True
        code = line.split("//")[0]
        if not keep:
            lines[i] = ""
        if entry:
            depth += code.count("{") - code.count("}")
            if depth == 0 and "}" in code:
                keep, entry = True, False
    return "\n".join(lines)


class Program:
    """A PTX module of one kernel."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.units = self._parse()

    def _parse(self):
        units, section, statement, first = [], "setup", "", 0
        body = False

        def add(last, kind=None):
            nonlocal statement
            text = " ".join(statement.split())
            statement = ""
            unit = Unit(first, last, text, kind or "", section)
            if kind is None:
                opcode = unit.opcode
                unit.kind = "directive" if text.startswith(".") else kind_of(opcode)
            units.append(unit)

        for number, line in enumerate(self.lines):
            role = re.match(r"\s*// heddle\.role (\S+)", line)
            if role:
                section = role.group(1)
            code = line.split("//")[0]
            if not body:
                body = code.strip() == "{"
                continue
            if not statement.strip() and re.match(r"\s*\.(loc|file|pragma|section)\b", code):
                continue
            for character in code:
                if not statement.strip():
                    if character.isspace():
                        continue
                    first = number
                    if character in "{}":
                        statement = character
                        add(number, "directive")
                        continue
                statement += character
                if character == ";":
                    add(number)
                elif character == ":" and re.fullmatch(r"[\w$]+:", statement):
                    add(number, "label")
            if statement:
                statement += " "
        return self._finish(units)

    @staticmethod
    def _finish(units):
        """Joins waits with their loops and numbers the basic blocks."""
        joined = []
        for unit in units:
            joined.append(unit)
            if unit.kind != "branch" or len(joined) < 3:
                continue
            label, wait = joined[-3], joined[-2]
            if label.kind != "label" or wait.kind != "wait" or unit.opcode not in ("bra", "bra.uni"):
                continue
            if unit.operands != label.text[:-1]:
                continue
            joined[-3:] = [dataclasses.replace(wait, first=label.first, last=unit.last)]
        # A scope around a wait belongs to it: { .reg .pred done; wait }
        scoped = []
        for i, unit in enumerate(joined):
            scoped.append(unit)
            if unit.text != "}" or len(scoped) < 4:
                continue
            opening, register, wait = scoped[-4], scoped[-3], scoped[-2]
            if opening.text == "{" and register.text.startswith(".reg") and wait.kind == "wait":
                scoped[-4:] = [dataclasses.replace(wait, first=opening.first, last=unit.last)]
        block = 0
        for i, unit in enumerate(scoped):
            if unit.kind == "label":
                block += 1
            unit.block = block
            if unit.kind == "branch":
                block += 1
            before = i > 0 and scoped[i - 1].last == unit.first
            after = i + 1 < len(scoped) and scoped[i + 1].first == unit.last
            unit.alone = not before and not after
        return scoped

    def text_of(self, unit):
        return "\n".join(self.lines[unit.first : unit.last + 1])

    def replaced(self, unit, new):
        """The module's text with other lines for `unit`."""
        return "\n".join(self.lines[: unit.first] + [new] + self.lines[unit.last + 1 :])

    def moved(self, unit, other, after):
        """The module's text with `unit` before or after `other`."""
        lines = list(self.lines)
        text = lines[unit.first : unit.last + 1]
        for i in range(unit.first, unit.last + 1):
            lines[i] = ""
        if after:
            lines[other.last] += "\n" + "\n".join(text)
        else:
            lines[other.first] = "\n".join(text) + "\n" + lines[other.first]
        return "\n".join(lines)
