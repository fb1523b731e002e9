"""Resolve calls: look up the function or verb, and match its arguments with its parameters."""

from collections.abc import Iterable
from difflib import get_close_matches

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import unparse
from zcalc.language.literals import short
from zcalc.language.signatures import FUNCTIONS, VERBS, Literal, Parameter, Signature
from zcalc.language.tree import Call, Keyword, Node, Span

_OPERANDS = dict.fromkeys(("img", "image", "picture", "photo", "pic"), "img") | dict.fromkeys(
    ("txt", "text", "string", "word", "sentence"), "txt"
)
_SYNONYMS = {
    "average": "mean", "avg": "mean", "cosine": "cos", "similarity": "cos", "sim": "cos",
    "normalize": "unit", "normalise": "unit", "length": "norm", "project": "proj",
    "projection": "proj", "reject": "rej", "rejection": "rej", "mix": "lerp", "centre": "center",
    "describe": "caption", "show": "plot", "search": "nearest", "images": "nearest",
}  # fmt: skip


def function_of(call: Call, source: str) -> Signature:
    """Return the signature of a called function; raises `LanguageError` for an unknown one."""
    if call.function in FUNCTIONS:
        return FUNCTIONS[call.function]
    span = Span(call.span.start, call.span.start + len(call.function))
    if call.function in VERBS:
        usage = VERBS[call.function].usage
        message = f"{call.function} is a verb and goes after |>"
        raise error_at(source, span, message, f"Write {_first_argument(call)} |> {usage}.")
    match = closest(call.function, [*_OPERANDS, *FUNCTIONS, *_SYNONYMS])
    meant = _OPERANDS.get(match, _SYNONYMS.get(match, match))
    hint = f"The functions are img, txt, {', '.join(FUNCTIONS)}."
    if meant in VERBS:
        hint = f"Did you mean {_first_argument(call)} |> {VERBS[meant].usage}?"
    elif meant:
        hint = f"Did you mean {FUNCTIONS[meant].usage if meant in FUNCTIONS else f'{meant}(…)'}?"
    raise error_at(source, span, f"Unknown function {short(call.function)}", hint)


def verb_of(call: Call, source: str, operand: Node) -> Signature:
    """Return the signature of the verb after a |>; raises `LanguageError` for an unknown one."""
    if call.function in VERBS:
        return VERBS[call.function]
    span = Span(call.span.start, call.span.start + len(call.function))
    if call.function in FUNCTIONS:
        message = f"{call.function} is a function, not a verb"
        example = short(f"{call.function}({unparse(operand)}")
        raise error_at(source, span, message, f"Write {example}).")
    match = closest(call.function, [*VERBS, *_SYNONYMS])
    meant = VERBS.get(_SYNONYMS.get(match, match))
    verbs = ", ".join(verb.usage for verb in VERBS.values())
    hint = f"Did you mean {meant.usage}?" if meant else f"The verbs are {verbs}."
    raise error_at(source, span, f"Unknown verb {short(call.function)}", hint)


def match_arguments(call: Call, signature: Signature, source: str) -> list[tuple[Parameter, Node]]:
    """Pair every argument of a call with its parameter, in the order of the parameters.

    Raises `LanguageError` for missing or surplus arguments, and unknown or repeated names.
    """
    pairs: list[tuple[Parameter, Node]] = []
    for i, argument in enumerate(call.arguments):
        if isinstance(argument, Keyword):
            pair = _named_parameter(argument, signature, source), argument.value
        elif i and isinstance(call.arguments[i - 1], Keyword):
            message = "Positional arguments must come before named ones"
            raise error_at(source, argument.span, message, _usage(signature))
        elif i < len(signature.parameters) or signature.variadic:
            pair = signature.parameters[min(i, len(signature.parameters) - 1)], argument
        else:
            raise _too_many(call, argument, signature, source)
        if pair[0] in (parameter for parameter, _ in pairs) and not (
            signature.variadic and pair[0] is signature.parameters[-1]
        ):
            message = f"Argument {pair[0].name} is given twice"
            raise error_at(source, argument.span, message, _usage(signature))
        pairs.append(pair)
    present = {parameter.name for parameter, _ in pairs}
    for parameter in signature.parameters:
        if not parameter.optional and parameter.name not in present:
            message = f"{signature.name} is missing its argument {parameter.name}"
            if signature.name == "label":
                message = "label needs two classes or more"
            raise error_at(source, call.span, message, _usage(signature))
    order = {parameter: i for i, parameter in enumerate(signature.parameters)}
    return sorted(pairs, key=lambda pair: order.get(pair[0], len(order)))


def closest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate most similar to a name, or an empty string."""
    return next(iter(get_close_matches(name.lower(), list(candidates), n=1, cutoff=0.7)), "")


def _named_parameter(argument: Keyword, signature: Signature, source: str) -> Parameter:
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    if argument.name in parameters:
        return parameters[argument.name]
    if signature.is_open:
        return Parameter(argument.name, Literal.CONSTANT, optional=True)
    span = Span(argument.span.start, argument.span.start + len(argument.name))
    match = closest(argument.name, parameters)
    hint = f"Did you mean {match}?" if match else f"Its arguments are {', '.join(parameters)}."
    message = f"{signature.name} has no argument {short(argument.name)}"
    raise error_at(source, span, message, hint)


def _too_many(call: Call, argument: Node, signature: Signature, source: str) -> LanguageError:
    count = len(signature.parameters)
    most = "at most " if any(parameter.optional for parameter in signature.parameters) else ""
    expected = f"{most}{count} argument{'s' * (count != 1)}"
    message = f"{signature.name} takes {expected}, not {len(call.arguments)}"
    return error_at(source, argument.span, message, _usage(signature))


def _usage(signature: Signature) -> str:
    return f"Usage: {signature.usage}, {signature.summary}."


def _first_argument(call: Call) -> str:
    return short(unparse(call.arguments[0])) if call.arguments else "img(coffee)"
