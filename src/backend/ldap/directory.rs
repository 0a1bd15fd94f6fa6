//! A check from one server to the next, and what it takes on each.

use std::mem;

use super::{
    failure::Failure,
    limits::Limits,
    lookup::{Groups, Lookup, Reader, UserSearch, own_entry},
    outcome::Outcome,
    server::Server,
    template::DnTemplate,
};
use crate::{
    backend::{BasicCredentials, Verdict, queue::Queue},
    error::BackendError,
    identity::Account,
};

/// What clones of a validator share.
pub(super) struct Directory {
    pub(super) servers: Vec<Server>,
    pub(super) lookup: Lookup,
    pub(super) groups: Groups,
    pub(super) limits: Limits,
    queue: Queue,
}

impl Directory {
    pub(super) fn new(
        servers: Vec<Server>,
        lookup: Lookup,
        groups: Groups,
        limits: Limits,
    ) -> Self {
        let queue = Queue::new(limits.max_checks, limits.queue);
        Self { servers, lookup, groups, limits, queue }
    }

    /// Waits for its turn, and checks the password.
    pub(super) async fn check(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, BackendError> {
        let _permit = self.queue.enter(credentials.is_recheck()).await?;
        self.ask_in_turn(credentials).await
    }

    /// Asks servers in their order; those that failed lately only when there is no other.
    async fn ask_in_turn(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, BackendError> {
        let mut failures = Failures::default();
        let mut resting = Vec::new();
        for server in &self.servers {
            if !server.may_be_tried() {
                resting.push(server);
            } else if let Some(end) = self.ask(server, credentials, &mut failures).await {
                return end;
            }
        }
        for server in resting {
            if let Some(end) = self.ask(server, credentials, &mut failures).await {
                return end;
            }
        }
        Err(failures.into())
    }

    /// `None` if the next server is to be asked.
    async fn ask(
        &self,
        server: &Server,
        credentials: BasicCredentials<'_>,
        failures: &mut Failures,
    ) -> Option<Result<Verdict, BackendError>> {
        let failure = match self.lookup.ask(server, &self.groups, credentials).await {
            Ok(verdict) => {
                server.answered();
                return Some(Ok(verdict));
            }
            Err(failure) => failure,
        };
        if failure.is_of_the_server() {
            server.failed();
        } else {
            server.answered();
        }
        failures.texts.push(format!("{}: {failure}", server.address()));
        failures.is_transient |= failure.is_transient();
        if failure.is_worth_another_server() {
            return None;
        }
        failures.is_transient = false;
        Some(Err(mem::take(failures).into()))
    }
}

/// What the servers that were asked said instead of a verdict.
#[derive(Default)]
struct Failures {
    texts: Vec<String>,
    /// Whether trying again may help.
    is_transient: bool,
}

impl From<Failures> for BackendError {
    fn from(failures: Failures) -> Self {
        let text = failures.texts.join("; ");
        match failures.is_transient {
            true => Self::transient(text),
            false => Self::new(text),
        }
    }
}

impl Lookup {
    async fn ask(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, Failure> {
        match self {
            Self::Direct(template) => template.ask(server, groups, credentials).await,
            Self::Search(search) => search.ask(server, groups, credentials).await,
        }
    }
}

impl DnTemplate {
    async fn ask(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, Failure> {
        let user = credentials.user_id();
        let dn = self.fill(user);
        let (outcome, mut bound) = server.bind(&dn, credentials.password()).await?;
        let verdict = if outcome == Outcome::Right {
            let entry = own_entry(&mut bound, &dn, self.attribute(), groups, user).await?;
            if entry.is_namesake {
                let found = entry.groups(Reader::User(&mut bound), groups, user).await?;
                verdict_of_member(user, found)
            } else {
                Verdict::UnknownUser
            }
        } else {
            verdict_without_groups(outcome, user)
        };
        bound.done();
        Ok(verdict)
    }
}

impl UserSearch {
    async fn ask(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, Failure> {
        let user = credentials.user_id();
        let entry = self.entry(server, groups, user).await?.filter(|entry| entry.is_namesake);
        // An unknown user costs what a known one does.
        let dn = entry.as_ref().map_or(&*self.decoy, |entry| &*entry.dn);
        let (outcome, bound) = server.bind(dn, credentials.password()).await?;
        bound.done();
        let Some(entry) = entry else { return Ok(Verdict::UnknownUser) };
        if outcome == Outcome::Right {
            let reader = Reader::Service(server, &self.account);
            let found = entry.groups(reader, groups, user).await?;
            Ok(verdict_of_member(user, found))
        } else {
            Ok(verdict_without_groups(outcome, user))
        }
    }
}

/// For a password that is right, with the groups and whether the required one is among them.
fn verdict_of_member(user: &str, (groups, is_member): (Vec<String>, bool)) -> Verdict {
    let account = groups.into_iter().fold(Account::new(user), Account::with_group);
    if is_member { Verdict::Accepted(account) } else { Verdict::Disabled(account) }
}

/// For whatever is not a right password of an account in order.
fn verdict_without_groups(outcome: Outcome, user: &str) -> Verdict {
    match outcome {
        Outcome::Disabled => Verdict::Disabled(Account::new(user)),
        Outcome::Expired => Verdict::Expired(Account::new(user)),
        Outcome::Unknown => Verdict::UnknownUser,
        Outcome::Right | Outcome::Wrong => Verdict::WrongPassword,
    }
}
