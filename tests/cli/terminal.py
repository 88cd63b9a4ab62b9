"""Runs a command at a terminal of its own, answers its question, and shows what stood there.

    python3 terminal.py ANSWER COMMAND [ARGUMENT …]
"""

import os
import pty
import sys

QUESTION = b"quit? "


def main() -> int:
    answer, command = sys.argv[1], sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    seen = b""
    asked = False
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so when the child has closed its end.
            break
        if not part:
            break
        seen += part
        if not asked and seen.endswith(QUESTION):
            os.write(terminal, answer.encode() + b"\n")
            asked = True
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
