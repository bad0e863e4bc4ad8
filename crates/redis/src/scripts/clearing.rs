//! The clearing of a dead session, which may have any number of requests.

use futures_util::future::{join3, try_join_all};
use redis::{RedisResult, aio::ConnectionLike};

use super::{Link, Owner, library};
use crate::scripts::names::SessionId;

/// Ends all that a dead session has, and forgets the session. It goes in steps of one trip to the server each, so that
/// nothing waits long behind one of them, and the server does not seem silent to whoever clears.
#[derive(Debug)]
pub struct Clearing {
    session: SessionId,
    /// The requests that the last step has found, for the next one to end.
    page: Vec<Owner>,
}

impl Clearing {
    /// The beginning. Any process may clear a session, and several may at once.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        Self { session, page: Vec::new() }
    }

    /// Whose requests end.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// Takes a step. `None`: more are to be taken. Else it is over, and true if the session was dead and is forgotten. `heard` is
    /// called for each answer, as a sign that the server lives.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`]; the step may have been taken in part then.
    pub async fn step(
        &mut self,
        link: &Link,
        connection: &mut (impl ConnectionLike + Clone),
        heard: impl Fn(),
    ) -> RedisResult<Option<bool>> {
        let reaps = self.page.iter().map(|owner| {
            let (mut connection, heard) = (connection.clone(), &heard);
            async move {
                let is_dead: bool = library::REAP.run(&mut connection, &link.reap(owner)).await?;
                heard();
                RedisResult::Ok(is_dead)
            }
        });
        let (mut for_page, mut for_end) = (connection.clone(), connection.clone());
        let bury = link.session_call(&library::BURY, &self.session);
        // Sent in this order, without waiting for each other. The last one does nothing while there are requests.
        let trip = join3(
            try_join_all(reaps),
            link.list(&mut for_page, Some(&self.session), None),
            library::BURY.run(&mut for_end, &bury),
        );
        let (ended, page, is_forgotten) = trip.await;
        let was_dead = ended?.iter().all(|&is_dead| is_dead);
        self.page = page?;
        let is_forgotten: bool = is_forgotten?;
        Ok((self.page.is_empty() || !was_dead).then_some(is_forgotten))
    }
}
