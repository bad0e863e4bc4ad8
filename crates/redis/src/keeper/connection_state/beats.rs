//! The beats: each renews the session's lease, and learns of the others' sessions.

use std::{sync::atomic::Ordering, time::Duration};

use latchkey_engine::{Answer, Time};

use crate::{
    clock,
    keeper::{Keeper, connection_state::Up, questions::Reply, request::Request},
    scripts::{Beat, Clearing},
    who,
};

/// A beat names some dead sessions at a time; so many mean that there may be more.
const MANY_DEAD: usize = 16;
/// A lease, or a freeze, has ended a little after its deadline, not at it.
const AFTER_LAPSE: Duration = Duration::from_millis(2);
/// How many beats a lease has until one counts.
const BEATS_UNTIL_SURE: u32 = 50;

impl Up {
    /// Takes the next step of a clearing.
    fn clear(&mut self, mut clearing: Clearing) {
        let (link, mut commands) = (self.link.clone(), self.commands.clone());
        let heard_at = self.heard_at.clone();
        self.ask(async move {
            // Relaxed: the keeper's task polls this, and reads it.
            let heard = || heard_at.store(clock::now().as_nanos(), Ordering::Relaxed);
            let end = clearing.step(&link, &mut commands, heard).await;
            Reply::Cleared(clearing, end)
        });
    }
}

impl Keeper {
    pub(super) fn beat(&mut self, now: Time) {
        let (session, known_tick) = (self.session.id.clone(), self.known_tick);
        let Some(up) = self.connection.up() else { return };
        up.is_beating = true;
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(async move {
            let beat = link.beat(&mut commands, &session, false, who::am_i(), known_tick).await;
            Reply::Beat(now, beat)
        });
    }

    /// When to ask whether the server grants: at once, or when its freeze is over, if somebody wants to know.
    pub(super) fn thaw(&self) -> Option<Time> {
        self.queries.want_ready().then(|| self.ledger.frozen_until().after(AFTER_LAPSE))
    }

    /// A beat has been answered.
    pub(in crate::keeper) fn beaten(&mut self, sent: Time, beat: Beat) {
        let Beat::Kept { next_lapse, frozen, dead } = beat else {
            return self.lose_session(Answer::Lost);
        };
        self.set_frozen(frozen);
        if frozen.is_zero() {
            self.grants();
        }
        let ttl = self.config.options().ttl;
        let now = clock::now();
        // A server that has forgotten a hold renews the session all the same, and may soon grant the lock to another one. So
        // no beat counts before all holds have been said again.
        let is_sure = !self.requests.values().any(Request::is_unconfirmed);
        let Some(up) = self.connection.up() else { return };
        if !frozen.is_zero() && !up.is_frozen {
            // It has forgotten everything without ending the connection. A new one says all again.
            return self.hang_up(None);
        }
        up.is_frozen = !frozen.is_zero();
        up.is_beating = false;
        up.next_beat = sent.after(if is_sure { ttl / 3 } else { ttl / BEATS_UNTIL_SURE });
        if is_sure {
            self.session.renewed(sent, ttl);
            self.ledger.set_trusted_until(self.session.trusted_until());
        }
        up.next_lapse = next_lapse.map(|wait| now.after(wait + AFTER_LAPSE));
        if dead.len() >= MANY_DEAD {
            up.next_beat = now;
        }
        for session in dead {
            // The server names one again that takes long to clear.
            if up.clearing.insert(session.clone()) {
                up.clear(Clearing::new(session));
            }
        }
    }

    /// A step of a clearing has been answered.
    pub(in crate::keeper) fn cleared(&mut self, clearing: Clearing, end: Option<bool>) {
        let Some(up) = self.connection.up() else { return };
        match end {
            None => up.clear(clearing),
            Some(_) => _ = up.clearing.remove(clearing.session()),
        }
    }
}
