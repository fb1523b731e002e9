"""Columns of metadata in Arrow: any values as one type, and tables whose types differ as one."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa


def column_of(values: Iterable[Any]) -> pa.Array:
    """One column from any values: a common type where there is one, lists of it, else text."""
    flat = [to_unicode(v) if isinstance(v, str) else v for v in values]
    if all(v is None or _is_flat_list(v) for v in flat):
        lists = [None if v is None else [to_unicode(x) if isinstance(x, str) else x for x in v]
                 for v in flat]  # fmt: skip
        with suppress(pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return pa.array(lists)
    flat = [json.dumps(v, default=str) if isinstance(v, list | dict) else v for v in flat]
    types = {type(v) for v in flat if v is not None}
    if types == {int, float}:
        flat = [None if v is None else float(v) for v in flat]
    elif len(types) > 1:
        flat = [None if v is None else str(v) for v in flat]
    try:
        return pa.array(flat)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if v is None else to_unicode(str(v)) for v in flat], pa.string())


def _is_flat_list(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(x, list | dict) for x in value)


def concatenate(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables; missing columns become null, conflicting types become text."""
    types: dict[str, pa.DataType] = {}
    for table in tables:
        for field in table.schema:
            types[field.name] = _common_type(types.get(field.name, field.type), field.type)
    aligned = [
        pa.table(
            {
                name: _cast(table[name], dtype)
                if name in table.column_names
                else pa.nulls(len(table), dtype)
                for name, dtype in types.items()
            }
        )
        for table in tables
    ]
    return pa.concat_tables(aligned)


def _cast(column: pa.ChunkedArray, dtype: pa.DataType) -> pa.ChunkedArray:
    if column.type == dtype:
        return column
    if pa.types.is_nested(column.type):
        texts = [None if v is None else json.dumps(v, default=str) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column.cast(dtype)  # imports pyarrow.compute


def to_unicode(text: str) -> str:
    """A path as text: by its bytes as UTF-8, whatever the locale; what isn't UTF-8 is replaced."""
    if text.isascii():
        return text
    try:
        return os.fsencode(text).decode("utf-8", "replace")
    except UnicodeEncodeError:  # not a path of this system
        return text.encode("utf-8", "replace").decode()


def _common_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if a == b or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    numeric = [pa.types.is_integer(t) or pa.types.is_floating(t) for t in (a, b)]
    return pa.float64() if all(numeric) else pa.string()
