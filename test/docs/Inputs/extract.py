"""Prints the n-th fenced code block of a language in a Markdown or TableGen file."""

import re
import sys

path, language, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```", open(path).read(), re.MULTILINE | re.DOTALL)
print(blocks[number])
