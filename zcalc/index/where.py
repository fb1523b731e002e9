"""Which pictures a condition holds for: SQL on their table, read and run by DuckDB.

The database has the table and nothing else: it opens no file, loads no extension, and its settings
are locked. A condition is one expression, so it can't hold a statement that changes anything.
"""

import re
import threading
from typing import TYPE_CHECKING

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    import pyarrow as pa

SECONDS = 20.0  # that a condition may take
CHARACTERS = 1000  # DuckDB's parser takes a minute for 5,000 parentheses
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
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
    """The rows (m,) of a table that a condition holds for, in their order.

    Raises ZcalcError for what is no condition on the table's columns, and for one that takes too
    long.

    >>> import pyarrow as pa
    >>> rows_where(pa.table({"year": [2009, 2011, None]}), "year > 2010").tolist()
    [1]
    """
    import duckdb
    import pyarrow as pa

    names = list(table.column_names)
    if len(where) > CHARACTERS:
        most = f"it has {len(where):,} characters, and {CHARACTERS:,} is the most"
        raise _refused(where, most, names)
    if where != where.encode("utf-8", "replace").decode():
        raise _refused(where, "it is no valid text", names)
    numbered = table.append_column(_ROW, pa.array(np.arange(len(table))))
    with duckdb.connect(":memory:", config=_CLOSED) as database:
        stopped = threading.Timer(SECONDS, database.interrupt)
        stopped.daemon = True
        stopped.start()
        try:
            condition = duckdb.SQLExpression(where)
            found = database.from_arrow(numbered).filter(condition).select(_ROW).fetchnumpy()
        except duckdb.InterruptException as error:
            message = f"The condition {_short(where)} takes longer than {SECONDS:.0f} s."
            raise ZcalcError(message, "Ask for something simpler.") from error
        except (duckdb.Error, RuntimeError, ValueError) as error:
            raise _refused(where, _reason(error), names) from error
        finally:
            stopped.cancel()
    return np.sort(np.asarray(found[_ROW], np.int64))


def _refused(where: str, why: str, names: list[str]) -> ZcalcError:
    return ZcalcError(f"The condition {_short(where)} can't be used: {why}.", _hint(names))


def _reason(error: Exception) -> str:
    """What DuckDB says, without its own names for kinds of errors and places."""
    first = str(error).strip().split("\n")[0]
    said = re.sub(r"^[A-Z]\w*( \w+)? (Error|error): ", "", first)
    if "file system operations are disabled" in said:
        return "it may look at the pictures' own columns only, and at no file"
    if "without selection list" in said:
        return "it is empty"
    missing = re.match(r'Referenced column "(.*?)" not found', said)
    if missing:
        return f"there is no column {_short(missing[1])}"
    return re.sub(r'^".*" is not an expression list: it', "it", said).rstrip(".! ")


def _hint(names: list[str]) -> str:
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"{_EXAMPLE} The columns are {shown}."


def _short(text: str) -> str:
    from zcalc.gallery import printable

    return repr(printable(text if len(text) <= 60 else text[:57] + "…"))
