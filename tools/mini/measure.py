"""`python -m tools.mini.measure`: compare the text tower with its teacher on text analogies.

Needs the build's work folder, which holds the teacher.
"""

from pathlib import Path

from tools.mini import sources
from zcalc.bench.analogy import recall
from zcalc.calculator import Calculator

WORK = Path(__file__).parents[2] / ".models-build"


def main() -> None:
    """Print the recall of both, and the ratio of student to teacher."""
    sources.use(WORK)
    from tools.mini.teacher import Teacher

    models = Calculator.create("mini").models
    words = list(models.vocabulary.texts)
    student = recall(models.encoder.texts, words)
    teacher = recall(Teacher(sources.teacher_folder(WORK)), words)
    print(f"{'':28}{'teacher':>9}{'student':>9}{'ratio':>8}")
    for name, score in teacher.items():
        ratio = student[name] / score if score else float("nan")
        print(f"{name:28}{score:9.3f}{student[name]:9.3f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
