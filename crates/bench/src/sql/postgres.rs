//! PostgreSQL.

use diesel::prelude::*;

use super::{associations, new_association};

type Conn = PgConnection;

#[path = "bare.rs"]
mod bare;

fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    conn.transaction(work)
}

fn insert_all(conn: &mut Conn, pairs: &[(u64, u64)]) -> QueryResult<()> {
    let rows: Vec<_> = pairs.iter().map(|pair| new_association(*pair, 1)).collect();
    diesel::copy_from(associations::table)
        .from_insertable(rows)
        .execute(conn)
        .map(drop)
}
