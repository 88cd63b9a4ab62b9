//! PostgreSQL.

use diesel::prelude::*;

use super::{NewSubject, Origin, associations, change_set_subjects, new_association};

type Conn = PgConnection;

#[path = "bare.rs"]
mod bare;

fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    conn.transaction(work)
}

fn insert_all(conn: &mut Conn, pairs: &[(u64, u64)]) -> QueryResult<()> {
    let rows: Vec<_> = pairs
        .iter()
        .map(|pair| new_association(*pair, 1, Origin::Import))
        .collect();
    diesel::copy_from(associations::table)
        .from_insertable(rows)
        .execute(conn)
        .map(drop)
}

fn insert_subjects(conn: &mut Conn, subjects: [NewSubject; 2]) -> QueryResult<()> {
    diesel::insert_into(change_set_subjects::table)
        .values(Vec::from(subjects))
        .execute(conn)
        .map(drop)
}
