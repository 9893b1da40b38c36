"""Prints the commands of a Markdown file: the lines of its ```sh blocks, with continued lines joined."""

import sys

inside, command = False, ""
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.rstrip("\n")
    if line.startswith("```"):
        inside = line == "```sh"
        continue
    text = line.split("  #")[0].strip()
    if not inside or not text or text.startswith("#"):
        continue
    command += text.removesuffix("\\")
    if not text.endswith("\\"):
        print(command)
        command = ""
