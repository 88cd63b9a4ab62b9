//! Finds records as a person picks them: by a few letters, as the first names that contain them, in
//! order.
//!
//! Grams only nominate; the folded text decides. A query is answered in the cheapest way that
//! suffices:
//!
//! 1. Look along the order from where the page begins, which finds what many records match.
//! 2. Read and sort the nominated records, if they are few enough.
//! 3. Continue the look along the order. Before each step, skip all stretches of the order where no
//!    record has the query's grams: equal names are neighbors in the order.
//!    Measured among 1,000,000 contacts on SQLite: the first page of a family name, or of its reading,
//!    takes 5 ms (14 ms at most) with the stretches and 55 ms (515 ms at most) without them.
//! 4. If the grams say nothing about places, go heading by heading: skip a heading where nothing is
//!    nominated, answer a heading where few are as in 2, and continue the look where many are.
//!
//! Invariant: whichever way, a page holds the first matches after its place, in order, and no match
//! up to `examined` was left out.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use roster_core::names::{Gram, Heading};

use crate::engine::interface::Connection;
use crate::error::Result;
use crate::read::page_budget::Budget;
use crate::tables::listed::stretch;
use crate::tables::name_list::{Looked, NamePlace, Picking};
use crate::tables::organization::Org;

/// How far each way goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Rows of the first look.
    first_look: usize,
    /// Rows of a further look; the time is checked between looks.
    look: usize,
    /// Up to this many nominated records are read and sorted, if their grams indicate stretches.
    sorted_max: usize,
    /// Up to this many if their grams do not.
    sorted_max_anywhere: usize,
    /// Counts for a query are exact up to this many nominated records.
    counted_max: usize,
    /// Beyond that, how many rows of each heading are examined.
    sampled: usize,
}

impl Bounds {
    pub(crate) const USUAL: Self = Self {
        // Read in the time that nominating by grams takes.
        first_look: 256,
        // Some milliseconds.
        look: 2_048,
        // What an engine reads in the time of a page. If more match, a look along the order mostly
        // meets some soon.
        sorted_max: 2_000,
        // The alternative would be to examine half the list.
        sorted_max_anywhere: 20_000,
        counted_max: 2_000,
        // With 38 headings, about twice the number that is counted exactly.
        sampled: 100,
    };
}

/// A page of a picker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picked {
    pub(crate) places: Vec<NamePlace>,
    /// The last place examined, if more may follow.
    pub(crate) examined: Option<NamePlace>,
}

/// The number of records under a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadingCount {
    /// The heading.
    pub heading: Heading,
    /// The number counted.
    pub count: u64,
    /// Whether counting ended early, so that there may be more.
    pub at_least: bool,
}

/// How many grams the search for a stretch uses: they are hints, and a few narrow it enough.
const HINTS_MAX: usize = 8;

/// A page under construction.
struct Page<'p> {
    connection: &'p mut dyn Connection,
    org: Org,
    picking: &'p Picking<'p>,
    limit: usize,
    budget: Budget,
    bounds: Bounds,
    found: Vec<NamePlace>,
}

/// Returns the next page of at most `limit` rows.
pub(crate) fn page(
    connection: &mut dyn Connection,
    org: Org,
    picking: &Picking<'_>,
    after: Option<&NamePlace>,
    limit: usize,
    (budget, bounds): (Budget, Bounds),
) -> Result<Picked> {
    let mut page = Page {
        connection,
        org,
        picking,
        limit,
        budget,
        bounds,
        found: Vec::new(),
    };
    let examined = page.fill(after.cloned())?;
    Ok(Picked {
        places: page.found,
        examined,
    })
}

/// The first place of a heading. It precedes all its rows, because rows are numbered from 1.
fn start_of(heading: Heading) -> NamePlace {
    NamePlace {
        sort_key: vec![heading.code()],
        number: 0,
    }
}

/// A sort key above all sort keys of a heading.
fn end_of(heading: Heading) -> Vec<u8> {
    vec![heading.code() + 1]
}

fn codes(grams: impl IntoIterator<Item = Gram>) -> Vec<u64> {
    grams.into_iter().map(Gram::code).collect()
}

impl Page<'_> {
    /// Fills the page with the matches after a place. Returns where it ended, if more may follow.
    fn fill(&mut self, after: Option<NamePlace>) -> Result<Option<NamePlace>> {
        let headings: Vec<Heading> = match self.picking.heading {
            Some(heading) => vec![heading],
            None => Heading::ALL.to_vec(),
        };
        let (first, last) = (headings[0], headings[headings.len() - 1]);
        let place = after
            .unwrap_or_else(|| start_of(first))
            .max(start_of(first));
        if self.picking.query.is_empty() {
            return self.look_along(place, &end_of(last));
        }
        let looked = self.look(&place, &end_of(last), self.bounds.first_look)?;
        let Some(place) = looked else {
            return Ok(None);
        };
        if self.is_full() {
            return Ok(Some(place));
        }
        let hints = self.hints();
        let sorted_max = if hints.is_empty() {
            self.bounds.sorted_max_anywhere
        } else {
            self.bounds.sorted_max
        };
        if self.sort_nominated(self.picking.heading, &place, sorted_max)? {
            return Ok(self.end());
        }
        if !hints.is_empty() {
            return self.by_stretches(&hints, place, &end_of(last));
        }
        if self.picking.heading.is_some() {
            return self.look_along(place, &end_of(last));
        }
        self.by_headings(&headings, place)
    }

    /// For each needle, the grams that indicate a record's stretch, grams of kanji first. Empty if
    /// the grams of any needle indicate nothing.
    fn hints(&self) -> Vec<Vec<u64>> {
        let telling = |grams: BTreeSet<Gram>| {
            let grams = grams.into_iter().rev();
            codes(grams.filter(|gram| gram.tells_where()).take(HINTS_MAX))
        };
        let hints: Vec<_> = self
            .picking
            .query
            .grams()
            .into_iter()
            .map(telling)
            .collect();
        if hints.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        hints
    }

    /// The first stretch from a place on where all hints of one needle appear.
    fn next_stretch(
        &mut self,
        hints: &[Vec<u64>],
        place: &NamePlace,
        end: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let from = stretch(&place.sort_key);
        let mut first: Option<Vec<u8>> = None;
        for hints in hints {
            let listed = self.picking.listed;
            // Not after the first stretch that another needle has.
            let end = first.as_deref().unwrap_or(end);
            let found = self
                .connection
                .next_stretch(self.org, listed, hints, from, end)?;
            first = found.or(first);
        }
        Ok(first)
    }

    /// Looks along the order, from stretch to stretch where all hints of a needle appear.
    fn by_stretches(
        &mut self,
        hints: &[Vec<u64>],
        mut place: NamePlace,
        end: &[u8],
    ) -> Result<Option<NamePlace>> {
        let mut rows = self.bounds.first_look;
        loop {
            // All remaining records are in this stretch or later ones.
            let Some(sort_key) = self.next_stretch(hints, &place, end)? else {
                return Ok(None);
            };
            place = place.max(NamePlace {
                sort_key,
                number: 0,
            });
            match self.look(&place, end, rows)? {
                None => return Ok(None),
                Some(last) if self.is_full() || self.is_spent() => return Ok(Some(last)),
                Some(last) => place = last,
            }
            // Start with few rows, because the next stretch may be near.
            rows = (rows * 2).min(self.bounds.look);
        }
    }

    fn is_spent(&self) -> bool {
        self.budget.is_spent_for(!self.found.is_empty())
    }

    fn by_headings(
        &mut self,
        headings: &[Heading],
        mut place: NamePlace,
    ) -> Result<Option<NamePlace>> {
        for heading in headings {
            if end_of(*heading) <= place.sort_key {
                continue;
            }
            place = place.max(start_of(*heading));
            let sorted_max = self.bounds.sorted_max_anywhere;
            if self.sort_nominated(Some(*heading), &place, sorted_max)? {
                if let Some(end) = self.end() {
                    return Ok(Some(end));
                }
            } else if let Some(end) = self.look_along(place.clone(), &end_of(*heading))? {
                return Ok(Some(end));
            }
            place = NamePlace {
                sort_key: end_of(*heading),
                number: 0,
            };
            if self.is_spent() {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    /// Where a full page ended.
    fn end(&self) -> Option<NamePlace> {
        self.found.last().filter(|_| self.is_full()).cloned()
    }

    /// Takes matches in order until the page is full. Returns the last place examined.
    fn take(&mut self, looked: Vec<Looked>) -> Option<NamePlace> {
        let mut last = None;
        for row in looked {
            last = Some(row.place.clone());
            if row.passes {
                self.found.push(row.place);
                if self.is_full() {
                    break;
                }
            }
        }
        last
    }

    /// Looks along the order once. Returns where it ended, or `None` at the end of the order.
    fn look(&mut self, place: &NamePlace, end: &[u8], rows: usize) -> Result<Option<NamePlace>> {
        let looked = self
            .connection
            .look_along(self.org, self.picking, place, end, rows)?;
        let ended = looked.len() < rows;
        let last = self.take(looked);
        Ok(last.filter(|_| !ended || self.is_full()))
    }

    /// Looks along the order until the page is full, its time is spent or the end is reached.
    fn look_along(&mut self, mut place: NamePlace, end: &[u8]) -> Result<Option<NamePlace>> {
        let plain = self.picking.query.is_empty() && self.picking.not_in.is_none();
        loop {
            // If every row passes, read no more rows than the page takes.
            let rows = if plain {
                self.limit - self.found.len()
            } else {
                self.bounds.look
            };
            match self.look(&place, end, rows)? {
                None => return Ok(None),
                Some(last) if self.is_full() || self.is_spent() => return Ok(Some(last)),
                Some(last) => place = last,
            }
        }
    }

    /// Answers from the nominated records, if they are few enough. Returns whether they were. If
    /// so, it took all matches up to where the page is full, or all matches.
    fn sort_nominated(
        &mut self,
        heading: Option<Heading>,
        after: &NamePlace,
        sorted_max: usize,
    ) -> Result<bool> {
        let rows = sorted_max + 1;
        let nominated = nominated(self.connection, self.org, self.picking, heading, rows)?;
        if nominated.len() > sorted_max {
            return Ok(false);
        }
        let mut places = self
            .connection
            .places(self.org, self.picking.listed, &nominated)?;
        places.retain(|place| {
            let filed = place.sort_key.first().copied();
            place > after && heading.is_none_or(|heading| filed == Some(heading.code()))
        });
        places.sort_unstable();
        // Keys are narrow and fast to read; texts are read only until the page is full.
        for places in places.chunks(self.bounds.first_look) {
            let ids: Vec<u64> = places.iter().map(|place| place.number).collect();
            let mut looked = self.connection.look_at(self.org, self.picking, &ids)?;
            looked.sort_unstable_by(|a, b| a.place.cmp(&b.place));
            self.take(looked);
            if self.is_full() {
                break;
            }
        }
        Ok(true)
    }
}

/// Numbers of records that have all grams of one needle and the heading, without duplicates: all of
/// them if there are fewer than `limit`.
fn nominated(
    connection: &mut dyn Connection,
    org: Org,
    picking: &Picking<'_>,
    heading: Option<Heading>,
    limit: usize,
) -> Result<Vec<u64>> {
    let mut all = BTreeSet::new();
    for grams in picking.query.grams() {
        let mut grams = codes(grams);
        grams.extend(heading.map(|heading| Gram::of_heading(heading).code()));
        all.extend(connection.nominated(org, picking.listed, &grams, limit)?);
    }
    Ok(all.into_iter().collect())
}

/// Returns how many records each heading has, in order. Omits empty headings.
pub(crate) fn headings(
    connection: &mut dyn Connection,
    org: Org,
    picking: &Picking<'_>,
    (budget, bounds): (Budget, Bounds),
) -> Result<Vec<HeadingCount>> {
    let all = connection.heading_counts(org, picking.listed)?;
    if picking.query.is_empty() {
        return Ok(exact(match picking.not_in {
            None => all,
            Some(account) => less(all, connection.member_headings(org, account)?),
        }));
    }
    let nominated = nominated(connection, org, picking, None, bounds.counted_max + 1)?;
    if nominated.len() <= bounds.counted_max {
        let looked = connection.look_at(org, picking, &nominated)?;
        let passing = looked.iter().filter(|row| row.passes);
        return Ok(exact(counted(passing.map(Looked::heading))));
    }
    let mut found = Vec::with_capacity(all.len());
    for (heading, _) in all {
        let count = if budget.is_spent() {
            // Not counted at all: there may be some.
            HeadingCount {
                heading,
                count: 0,
                at_least: true,
            }
        } else {
            sample(connection, org, picking, heading, bounds.sampled)?
        };
        if count.count > 0 || count.at_least {
            found.push(count);
        }
    }
    Ok(found)
}

fn exact(counts: Vec<(Heading, u64)>) -> Vec<HeadingCount> {
    let one = |(heading, count)| HeadingCount {
        heading,
        count,
        at_least: false,
    };
    counts.into_iter().map(one).collect()
}

/// Subtracts the counts of members.
fn less(all: Vec<(Heading, u64)>, members: Vec<(Heading, u64)>) -> Vec<(Heading, u64)> {
    let members: HashMap<Heading, u64> = members.into_iter().collect();
    let left = |(heading, count): (Heading, u64)| {
        let of = members.get(&heading).copied().unwrap_or_default();
        (heading, count.saturating_sub(of))
    };
    let mut left: Vec<_> = all.into_iter().map(left).collect();
    left.retain(|(_, count)| *count > 0);
    left
}

fn counted<K: Ord + Hash + Copy>(keys: impl Iterator<Item = K>) -> Vec<(K, u64)> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(key, _)| *key);
    counts
}

/// Counts some matches under a heading: among its first rows or, if there are no matches, among the
/// nominated records.
fn sample(
    connection: &mut dyn Connection,
    org: Org,
    picking: &Picking<'_>,
    heading: Heading,
    rows: usize,
) -> Result<HeadingCount> {
    let passing = |looked: &[Looked]| looked.iter().filter(|row| row.passes).count() as u64;
    let (start, end) = (start_of(heading), end_of(heading));
    let looked = connection.look_along(org, picking, &start, &end, rows)?;
    let (count, all) = (passing(&looked), looked.len() < rows);
    if count > 0 || all {
        return Ok(HeadingCount {
            heading,
            count,
            at_least: !all,
        });
    }
    let nominated = nominated(connection, org, picking, Some(heading), rows + 1)?;
    let looked = connection.look_at(org, picking, &nominated)?;
    Ok(HeadingCount {
        heading,
        count: passing(&looked),
        at_least: nominated.len() > rows,
    })
}

#[cfg(test)]
mod tests;
