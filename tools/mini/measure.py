"""`python -m tools.mini.measure`: the text tower beside its teacher, on analogies in text alone.

Needs the build's work folder, where the teacher is.
"""

from pathlib import Path

from tools.mini import sources
from zcalc.calculator import Calculator
from zcalc.evaluate.analogy import recall

WORK = Path(__file__).parents[2] / ".models-build"


def main() -> None:
    """Print recall of both, and the student's share of the teacher's."""
    sources.use(WORK)
    from tools.mini.teacher import Teacher

    calculator = Calculator("mini")
    words = list(calculator.vocabulary.texts)
    student = recall(calculator.encoder.texts, words)
    teacher = recall(Teacher(sources.teacher_folder(WORK)), words)
    print(f"{'':28}{'teacher':>9}{'student':>9}{'share':>8}")
    for name, theirs in teacher.items():
        share = student[name] / theirs if theirs else float("nan")
        print(f"{name:28}{theirs:9.3f}{student[name]:9.3f}{share:8.2f}")


if __name__ == "__main__":
    main()
