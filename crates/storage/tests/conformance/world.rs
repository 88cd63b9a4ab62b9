//! A store of its own for each test, on either engine, and shortcuts for common steps. Nothing here
//! knows a rule.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Waker};

use roster_core::change::Change;
use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs};
use roster_core::id::ContactId;
use roster_core::refusal::Refused;
use roster_core::rules::visibility::{Unseen, Verdict, check_ticket};
use roster_core::text::TicketKey;
use roster_storage::{
    ChangeOrigin, Done, Guarding, NotDone, OrganizationName, Origin, RequestKey, RevisionId,
    Snapshot, StorageError, Store, StoreOptions,
};

pub use roster_testkit::database::{Database, Engine};

/// A store, its database, and an organization to begin with.
pub struct World {
    pub store: Arc<Store>,
    pub organization: OrganizationName,
    pub database: Database,
    pub engine: Engine,
}

/// The result of a command, as a future that can be stored.
pub type Ending<A> = Pin<Box<dyn Future<Output = Result<(A, RevisionId), NotDone>> + Send>>;

impl World {
    pub fn open(engine: Engine, guarding: Guarding) -> Self {
        let database = Database::create(engine);
        let store = {
            let options = StoreOptions {
                guarding,
                ..StoreOptions::default()
            };
            Store::open_with(&database.url, options).expect("a store")
        };
        Self {
            store: Arc::new(store),
            organization: OrganizationName::parse("acme").unwrap(),
            database,
            engine,
        }
    }

    /// Carries out a command now.
    pub async fn execute<C: Command>(
        &self,
        command: C,
    ) -> Result<(C::Answer, RevisionId), NotDone> {
        self.queued(command).await
    }

    /// Returns a command that is queued as soon as its future is polled.
    pub fn queued<C: Command>(&self, command: C) -> Ending<C::Answer> {
        self.queued_in(&self.organization, command)
    }

    pub fn queued_in<C: Command>(
        &self,
        organization: &OrganizationName,
        command: C,
    ) -> Ending<C::Answer> {
        let (store, organization) = (Arc::clone(&self.store), organization.clone());
        Box::pin(async move {
            let done = store
                .execute(&organization, command, origin(None), |_, _| Vec::new())
                .await?;
            match done {
                Done::Fresh(answer, at) => Ok((answer, at)),
                Done::Repeated(_) => panic!("nothing was repeated"),
            }
        })
    }

    /// Makes the writer carry out these commands as one batch, by keeping it busy until all of them
    /// are queued. Returns their results in order.
    pub async fn in_one_batch<A: 'static>(
        &self,
        mut endings: Vec<Ending<A>>,
    ) -> Vec<Result<(A, RevisionId), NotDone>> {
        let busy = self.keep_busy();
        for ending in &mut endings {
            queue(ending);
        }
        busy.release();
        let ended = futures::future::join_all(endings).await;
        let nonces: std::collections::BTreeSet<i64> = ended
            .iter()
            .filter_map(|end| end.as_ref().ok())
            .map(|(_, at)| at.nonce)
            .collect();
        assert!(nonces.len() <= 1, "one batch has one nonce: {nonces:?}");
        ended
    }

    /// Blocks the writer of the organization until the returned guard is released or dropped.
    pub fn keep_busy(&self) -> Busy {
        let (started, begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let wait = Wait {
            started,
            released: std::sync::Mutex::new(released),
        };
        let mut ending = self.queued(wait);
        queue(&mut ending);
        begun.recv().expect("the writer begins");
        Busy {
            release,
            _ending: ending,
        }
    }
}

/// Queues a command without waiting for it.
pub fn queue<A>(ending: &mut Ending<A>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(ending.as_mut().poll(&mut context).is_pending());
}

/// A blocked writer.
pub struct Busy {
    release: mpsc::Sender<()>,
    _ending: Ending<()>,
}

impl Busy {
    pub fn release(self) {
        self.release.send(()).expect("the writer waits");
    }
}

/// Changes nothing, and takes as long as the test wants.
struct Wait {
    started: mpsc::Sender<()>,
    released: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl Command for Wait {
    type Answer = ();
    const NAME: &'static str = "Wait";

    fn needs(&self, _: &mut Needs) {}

    fn decide<F: Facts>(&self, _: &F, _: &mut Circumstances) -> Result<Decision<()>, Refused> {
        self.started.send(()).expect("the test waits");
        // The test may have ended meanwhile.
        let _ = self.released.lock().unwrap().recv();
        Ok(Decision::unchanged(()))
    }
}

pub fn origin(request: Option<RequestKey>) -> Origin {
    Origin {
        actor: "tester".into(),
        credential: "test".into(),
        from: ChangeOrigin::CALL,
        request,
        may_create_organization: true,
    }
}

/// Returns the verdict of the rule for one contact and each of these tickets, in order.
pub fn checks(
    at: &mut Snapshot<'_>,
    contact: ContactId,
    keys: &[TicketKey],
) -> Result<Vec<Result<Verdict, Unseen<Infallible>>>, StorageError> {
    let facts = at.visibility_facts(contact, keys)?;
    let check = |key: &TicketKey| check_ticket(&facts, contact, key);
    Ok(keys.iter().map(check).collect())
}

/// Returns all change sets of an organization, numbered without gaps.
pub async fn whole_log(
    store: &Store,
    organization: &OrganizationName,
) -> Vec<(RevisionId, Vec<Change>)> {
    /// A few pages, so that paging is tested too.
    const PAGE: usize = 50;
    let mut log: Vec<(RevisionId, Vec<Change>)> = Vec::new();
    loop {
        let after = log.last().map_or_else(RevisionId::default, |(at, _)| *at);
        let page = store.changes_after(organization, after, PAGE).await;
        let page = page.unwrap().expect("a revision that it had");
        if page.is_empty() {
            break;
        }
        log.extend(page.into_iter().map(|set| (set.at, set.changes)));
    }
    for (index, (at, _)) in log.iter().enumerate() {
        assert_eq!(
            at.revision.number(),
            index as u64 + 1,
            "revisions have no gaps"
        );
    }
    log
}

/// How often a test repeats its work: 20 times as often if `ROSTER_LONG` is set.
pub fn times(few: u32) -> u32 {
    match std::env::var_os("ROSTER_LONG") {
        Some(_) => few * 20,
        None => few,
    }
}
