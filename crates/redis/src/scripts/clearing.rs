//! The clearing of a dead session, which may have any number of requests.

use redis::{RedisResult, Value, aio::ConnectionLike, from_redis_value, pipe};

use super::{Link, Owner, library};
use crate::names::SessionId;

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

    /// Takes a step. `None`: more are to be taken. Else it is over, and true if the session was dead and is forgotten.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`]; the step may have been taken in part then.
    pub async fn step(
        &mut self,
        link: &Link,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<Option<bool>> {
        let mut trip = pipe();
        trip.load_script(library::REAP.text()).ignore().load_script(library::BURY.text()).ignore();
        for owner in &self.page {
            trip.add_command(link.reap(owner));
        }
        trip.add_command(link.page_of(Some(&self.session), None));
        // Does nothing while there are requests.
        trip.add_command(link.session_call(&library::BURY, &self.session));
        let mut answers: Vec<Value> = trip.query_async(connection).await?;
        let is_forgotten = from_redis_value(answers.pop().unwrap_or(Value::Nil))?;
        self.page = from_redis_value(answers.pop().unwrap_or(Value::Nil))?;
        let ended: Vec<bool> = answers.into_iter().map(from_redis_value).collect::<Result<_, _>>()?;
        let is_over = self.page.is_empty() || ended.contains(&false);
        Ok(is_over.then_some(is_forgotten))
    }
}
