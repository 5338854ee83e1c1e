"""Prints functions that call one another: nested_calls.py DEPTH CALLS ORDER.

Each of DEPTH functions calls the one before CALLS times; `down` writes callers
before callees.
"""

import sys

depth, calls, order = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
functions = ["func.func @f0(%0: index) -> index {\n  return %0 : index\n}"]
for level in range(1, depth):
    body = "".join(f"  %{i + 1} = call @f{level - 1}(%{i}) : (index) -> index\n" for i in range(calls))
    functions.append(f"func.func @f{level}(%0: index) -> index {{\n{body}  return %{calls} : index\n}}")
if order == "down":
    functions.reverse()
print("\n".join(functions))
print(f"tile.kernel @k(%i: index) {{\n  %j = func.call @f{depth - 1}(%i) : (index) -> index\n}}")
