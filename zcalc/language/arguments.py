"""Which argument of a call is which, and what is wrong with the call otherwise."""

from collections.abc import Iterable
from difflib import get_close_matches

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import unparse
from zcalc.language.literals import short
from zcalc.language.signatures import FUNCTIONS, VERBS, Parameter, Signature
from zcalc.language.tree import Call, Keyword, Node, Span

_LIKE = {word: "img" for word in ("img", "image", "picture", "photo", "pic")} | {
    word: "txt" for word in ("txt", "text", "string", "word", "sentence")
}
_SYNONYMS = {
    "average": "mean", "avg": "mean", "cosine": "cos", "similarity": "cos", "sim": "cos",
    "normalize": "unit", "normalise": "unit", "length": "norm", "project": "proj",
    "projection": "proj", "reject": "rej", "rejection": "rej", "mix": "lerp", "centre": "center",
    "describe": "caption", "show": "plot", "search": "nearest", "images": "nearest",
}  # fmt: skip


def function_of(call: Call, source: str) -> Signature:
    """Find the function that a call means; raises `LanguageError` where there is none."""
    if call.function in FUNCTIONS:
        return FUNCTIONS[call.function]
    here = Span(call.span.start, call.span.start + len(call.function))
    if call.function in VERBS:
        usage = VERBS[call.function].usage
        message = f"{call.function} shows an expression, and stands after |>"
        raise error_at(source, here, message, f"Write {_inside(call)} |> {usage}.")
    like = close(call.function, [*_LIKE, *FUNCTIONS, *_SYNONYMS])
    meant = _LIKE.get(like, _SYNONYMS.get(like, like))
    hint = f"The functions are img, txt, {', '.join(FUNCTIONS)}."
    if meant in VERBS:
        hint = f"Did you mean {_inside(call)} |> {VERBS[meant].usage}?"
    elif meant:
        hint = f"Did you mean {FUNCTIONS[meant].usage if meant in FUNCTIONS else f'{meant}(…)'}?"
    raise error_at(source, here, f"There is no function {short(call.function)}", hint)


def verb_of(call: Call, source: str, operand: Node) -> Signature:
    """Find the verb that a call after |> means; raises `LanguageError` where there is none."""
    if call.function in VERBS:
        return VERBS[call.function]
    here = Span(call.span.start, call.span.start + len(call.function))
    if call.function in FUNCTIONS:
        inner = [unparse(operand), *map(unparse, call.arguments)]
        message = f"{call.function} is a function, and shows nothing"
        raise error_at(source, here, message, f"Write {short(f'{call.function}({inner[0]}')}).")
    like = close(call.function, [*VERBS, *_SYNONYMS])
    meant = VERBS.get(_SYNONYMS.get(like, like))
    verbs = ", ".join(verb.usage for verb in VERBS.values())
    hint = f"Did you mean {meant.usage}?" if meant else f"What can be shown is {verbs}."
    raise error_at(source, here, f"There is nothing to show called {short(call.function)}", hint)


def matched(call: Call, signature: Signature, source: str) -> list[tuple[Parameter, Node]]:
    """Pair every argument with its parameter, in the order of the parameters.

    Raises `LanguageError` for one too many or missing, an unknown or repeated name.
    """
    given: list[tuple[Parameter, Node]] = []
    for i, argument in enumerate(call.arguments):
        if isinstance(argument, Keyword):
            found = _by_name(argument, signature, source), argument.value
        elif i and isinstance(call.arguments[i - 1], Keyword):
            message = "Arguments with a name come after those without"
            raise error_at(source, argument.span, message, _usage(signature))
        elif i < len(signature.parameters) or signature.variadic:
            found = signature.parameters[min(i, len(signature.parameters) - 1)], argument
        else:
            raise _too_many(argument, signature, source)
        if found[0] in (p for p, _ in given) and not (
            signature.variadic and found[0] is signature.parameters[-1]
        ):
            message = f"The argument {found[0].name} is given twice"
            raise error_at(source, argument.span, message, _usage(signature))
        given.append(found)
    present = {parameter.name for parameter, _ in given}
    for parameter in signature.parameters:
        if not parameter.optional and parameter.name not in present:
            message = f"{signature.name} needs {_article(parameter)}"
            raise error_at(source, call.span, message, _usage(signature))
    return sorted(given, key=lambda pair: signature.parameters.index(pair[0]))


def close(name: str, known: Iterable[str]) -> str:
    """Give the known name most like another, or nothing."""
    return next(iter(get_close_matches(name.lower(), list(known), n=1, cutoff=0.7)), "")


def _by_name(argument: Keyword, signature: Signature, source: str) -> Parameter:
    names = {parameter.name: parameter for parameter in signature.parameters}
    if argument.name in names:
        return names[argument.name]
    here = Span(argument.span.start, argument.span.start + len(argument.name))
    like = close(argument.name, names)
    has = f"It takes {', '.join(names)}." if names else "It takes no arguments."
    hint = f"Did you mean {like}?" if like else has
    raise error_at(source, here, f"{signature.name} has no argument {short(argument.name)}", hint)


def _too_many(argument: Node, signature: Signature, source: str) -> LanguageError:
    count = len(signature.parameters)
    most = f"{count} argument{'s' * (count != 1)}" if count else "no argument"
    return error_at(
        source, argument.span, f"{signature.name} takes {most}, and this is more", _usage(signature)
    )


def _article(parameter: Parameter) -> str:
    return f"{parameter.name}, {'a number' if parameter.name == 't' else 'a picture or text'}"


def _usage(signature: Signature) -> str:
    return f"It is written {signature.usage}: {signature.about}."


def _inside(call: Call) -> str:
    return short(unparse(call.arguments[0])) if call.arguments else "img(coffee)"
