"""SQLite files that are whole, and hold what their tables don't promise."""

import sqlite3

from tests.faults.mutate.raw import NAMES, PATHS, Rng, pick

CELLS = (
    None, 0, -1, 1, 2**31, 2**62, -(2**63), 1.5, 1e300, float("inf"), "", "x", "NaN", "[[[", '["a"]', "{}", "\u202e",
    "x" * 10**5, "[" * 10**5, b"", b"\xff\xfe", b"/etc/passwd", *PATHS, *NAMES,
)  # fmt: skip


def mutate_database(data: bytes, rng: Rng) -> bytes:
    """A copy with one to three cells, rows or tables changed by SQL."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(data)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for _ in range(int(rng.integers(1, 4))):
        table = pick(rng, tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column, action = pick(rng, columns), int(rng.integers(8))
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        key = f"{columns[0]} = (SELECT {columns[0]} FROM {table} LIMIT 1 OFFSET {int(rng.integers(max(1, count)))})"
        try:
            if action <= 4:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key}", (pick(rng, CELLS),))
            elif action == 5:
                connection.execute(f"DELETE FROM {table} WHERE {key}")
            elif action == 6:  # a table of the same name without types and constraints
                connection.execute(f"CREATE TABLE other AS SELECT * FROM {table}")
                connection.execute(f"DROP TABLE {table}")
                connection.execute(f"ALTER TABLE other RENAME TO {table}")
                connection.execute(f"UPDATE {table} SET {column} = ?", (pick(rng, CELLS),))
            else:
                connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
        except sqlite3.Error:
            continue
    connection.commit()
    return connection.serialize()
