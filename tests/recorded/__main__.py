"""Records the answers: `python -m tests.recorded`."""

import json

from tests.recorded import ANSWERS, answer, commands

ANSWERS.write_text(json.dumps({one: answer(one) for one in commands()}, indent=1) + "\n", "utf8")
