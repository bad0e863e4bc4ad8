//! A stored space as a [`LockTable`]: every answer comes later, as an event, so that a caller has nothing to take in.

use latchkey_engine::{Ask, Caller, LockTable, Member, Outcome, Released, Requested, Safety, Ticket, Time};

use crate::callers::space::StoredSpace;

impl LockTable for StoredSpace {
    fn request(&self, ask: Ask<'_>, _: &mut dyn Caller) -> Outcome<Requested> {
        Outcome::quiet(Requested::Waiting(self.request(ask)))
    }

    fn release(&self, ticket: Ticket, _: &mut dyn Caller) -> Outcome<Released> {
        self.release(ticket, false);
        Outcome::quiet(Released::Asked)
    }

    fn give_back(&self, ticket: Ticket, _: &mut dyn Caller) -> Outcome<Released> {
        self.release(ticket, true);
        Outcome::quiet(Released::Asked)
    }

    fn downgrade(&self, ticket: Ticket, _: &mut dyn Caller) -> Outcome<bool> {
        self.downgrade(ticket);
        Outcome::quiet(true)
    }

    fn cancel(&self, ticket: Ticket, _: &mut dyn Caller) -> Outcome<bool> {
        Outcome::quiet(self.cancel(ticket))
    }

    fn detach(&self, member: Member, _: &mut dyn Caller) -> Outcome<()> {
        self.detach(member);
        Outcome::quiet(())
    }

    fn expire(&self, _: &mut dyn Caller) -> Outcome<()> {
        Outcome::quiet(())
    }

    fn safety_of(&self, ticket: Ticket, _: Time) -> Safety {
        self.safety_of(ticket)
    }
}
