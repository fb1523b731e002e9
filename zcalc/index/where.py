"""Conditions on metadata: SQL expressions over the index's table, evaluated by DuckDB.

The database is sandboxed: it holds the table and nothing else, can't open files or load extensions,
and its settings are locked. A condition is a single expression, so it can't contain a statement.
"""

import re
import threading
from typing import TYPE_CHECKING

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    import pyarrow as pa

TIMEOUT = 20.0  # seconds
MAX_LENGTH = 1000  # characters; DuckDB's parser takes a minute for 5,000 parentheses
_SANDBOX: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "2GB",
    "lock_configuration": "true",
}
_ROW = "_row"
_EXAMPLE = "Write it as in SQL: where=\"year > 2010 and place = 'Rome'\"."


def rows_where(table: "pa.Table", where: str) -> np.ndarray:
    """The rows (m,) of a table that satisfy a condition, in order.

    Raises ZcalcError for an invalid condition, and for one that exceeds the time limit.

    >>> import pyarrow as pa
    >>> rows_where(pa.table({"year": [2009, 2011, None]}), "year > 2010").tolist()
    [1]
    """
    import duckdb
    import pyarrow as pa

    columns = list(table.column_names)
    if len(where) > MAX_LENGTH:
        reason = f"it has {len(where):,} characters; the limit is {MAX_LENGTH:,}"
        raise _invalid(where, reason, columns)
    if where != where.encode("utf-8", "replace").decode():
        raise _invalid(where, "it is not valid Unicode", columns)
    numbered = table.append_column(_ROW, pa.array(np.arange(len(table))))
    with duckdb.connect(":memory:", config=_SANDBOX) as database:
        timer = threading.Timer(TIMEOUT, database.interrupt)
        timer.daemon = True
        timer.start()
        try:
            condition = duckdb.SQLExpression(where)
            matches = database.from_arrow(numbered).filter(condition).select(_ROW).fetchnumpy()
        except duckdb.InterruptException as error:
            message = f"The condition {_quoted(where)} takes longer than {TIMEOUT:.0f} s."
            raise ZcalcError(message, "Simplify it.") from error
        except (duckdb.Error, RuntimeError, ValueError) as error:
            raise _invalid(where, _reason(error), columns) from error
        finally:
            timer.cancel()
    return np.sort(np.asarray(matches[_ROW], np.int64))


def _invalid(where: str, reason: str, columns: list[str]) -> ZcalcError:
    listed = ", ".join(columns[:20])
    listed += f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    message = f"The condition {_quoted(where)} is invalid: {reason}."
    return ZcalcError(message, f"{_EXAMPLE} The columns are {listed}.")


def _reason(error: Exception) -> str:
    """DuckDB's message without its error types and positions."""
    first_line = str(error).strip().split("\n")[0]
    text = re.sub(r"^[A-Z]\w*( \w+)? (Error|error): ", "", first_line)
    if "file system operations are disabled" in text:
        return "it can't access files, only the columns of the index"
    if "without selection list" in text:
        return "it is empty"
    missing = re.match(r'Referenced column "(.*?)" not found', text)
    if missing:
        return f"there is no column {_quoted(missing[1])}"
    return re.sub(r'^".*" is not an expression list: it', "it", text).rstrip(".! ")


def _quoted(text: str) -> str:
    from zcalc.pictures import printable

    return repr(printable(text if len(text) <= 60 else text[:57] + "…"))
