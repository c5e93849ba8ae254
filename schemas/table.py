"""Records to Parquet tables and back. A table's schema is read off its record, once.

arrow_schema(Word)  ->  text: string, start: double, end: double, score: double
"""

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

R = TypeVar("R")
_PLAIN = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.large_binary()}


@cache
def arrow_schema(record: type) -> pa.Schema:
    """The Arrow schema of a dataclass. Raises TypeError for a field that Parquet has no column for."""
    hints = get_type_hints(record, include_extras=True)
    return pa.schema([pa.field(f.name, _arrow_type(hints[f.name])) for f in fields(record)])


def _arrow_type(hint: Any) -> pa.DataType:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if get_origin(hint) is Annotated:
        return get_args(hint)[1]
    if is_dataclass(hint):
        return pa.struct(list(arrow_schema(hint)))  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        return pa.list_(_arrow_type(get_args(hint)[0]))
    if get_origin(hint) in (Union, types.UnionType):
        return _arrow_type(get_args(hint)[0])
    raise TypeError(f"no column type for {hint}")


def to_table(records: Sequence[Any], record: type) -> pa.Table:
    """Records of one type as a table with a row each, in their order."""
    schema = arrow_schema(record)
    columns = [pa.array(_plain(map(attrgetter(f.name), records)), f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _plain(values: Any) -> list[Any]:
    return [_row(v) for v in values]


def _row(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _row(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return [_row(v) for v in value]
    return value


def from_table(table: pa.Table, record: type[R]) -> list[R]:
    """The records of a table that `to_table` made."""
    build = [_builder(hint) for hint in get_type_hints(record, include_extras=True).values()]
    columns = [[b(v) for v in table.column(f.name).to_pylist()] for b, f in zip(build, fields(record), strict=True)]  # type: ignore[arg-type]
    return [record(*row) for row in zip(*columns, strict=True)]


def _builder(hint: Any) -> Any:
    if is_dataclass(hint):
        inner = {name: _builder(h) for name, h in get_type_hints(hint, include_extras=True).items()}
        return lambda v: hint(**{name: build(v[name]) for name, build in inner.items()})  # type: ignore[operator]
    if get_origin(hint) in (Union, types.UnionType) and is_dataclass(get_args(hint)[0]):
        some = _builder(get_args(hint)[0])
        return lambda v: None if v is None else some(v)
    if get_origin(hint) is tuple:
        item = _builder(get_args(hint)[0])
        return (lambda v: tuple(map(item, v))) if item is not _same else tuple
    return _same


def _same(value: Any) -> Any:
    return value
