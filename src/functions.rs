//! The functions that JavaScript calls. Each reads its inputs, does one operation, and writes the answers.

#[cfg(unix)]
use std::sync::Arc;
use std::{rc::Rc, time::Duration};

use latchkey_engine::{
    Ask, Caller, KeyName, LockTable, Mode, Outcome, Patience, Released, Requested, Ticket,
};
use napi::bindgen_prelude::{Float64Array, Function, FunctionCallContext, Object, ToNapiValue, Utf16String};
use napi::{Env, Error, Result};

#[cfg(unix)]
use crate::watch::Watcher;
use crate::{
    clock,
    port::{OpenSpace, Port, SpaceNumber},
    query::{self, KeyReport},
    raw_function::{self, Body, Call},
    shared_space::SharedSpace,
    stored,
    waker::Waker,
    words::{self, LENGTH, Words},
};

/// Opens a port and makes its functions, which carry it: a call of one costs a fraction of a class method's.
pub fn open_port<'env>(
    env: &'env Env,
    words: Float64Array,
    wake: Function<(), ()>,
    thread: u32,
    is_node: bool,
) -> Result<Object<'env>> {
    let words = Words::new(words).ok_or_else(|| {
        Error::from_reason(format!("latchkey: openPort needs an array of {LENGTH} numbers"))
    })?;
    clock::start();
    let port = Rc::new(Port::new(words, Waker::new(&wake)?, thread));
    if is_node {
        #[cfg(unix)]
        port.watches.allow(Watcher::new(*env, Arc::clone(&port.mailbox), wake.create_ref()?));
    }
    // Hooks run in the reverse order of their making: this one before the waker's own, which ends the
    // threadsafe function.
    env.add_env_cleanup_hook(Rc::clone(&port), |port| port.detach())?;

    let mut functions = Object::new(env)?;
    let mut define = Definer { env, port, functions: &mut functions };
    define.function("openPrivate", open_private)?;
    define.function("openNamed", open_named)?;
    define.function("openStored", stored::open)?;
    define.function("query", query)?;
    define.function("queryStore", stored::query)?;
    define.function("explain", stored::explain)?;
    define.raw("farewell", stored::farewell)?;
    define.raw("close", |port, call| {
        port.close(&call.env, space_number(port));
        Ok(())
    })?;
    define.careful("request", request)?;
    define.raw("adopt", adopt)?;
    define.careful("release", |port, call| {
        end_hold(port, call, |locks, ticket, caller| locks.release(ticket, caller))
    })?;
    define.careful("giveBack", |port, call| {
        end_hold(port, call, |locks, ticket, caller| locks.give_back(ticket, caller))
    })?;
    define.careful("cancel", cancel)?;
    define.careful("downgrade", downgrade)?;
    define.raw("collect", |port, call| port.collect(&call.env))?;
    define.careful("room", |port, _| {
        port.words.with(|words| words::write_done(words, true));
        Ok(())
    })?;
    define.raw("noteRoom", |port, _| {
        port.stack.note(port.words.with(|words| words::whole(words[words::ROOM])) as usize);
        Ok(())
    })?;
    define.raw("watch", |port, _| {
        port.watch();
        Ok(())
    })?;
    define.raw("readEvents", |port, call| {
        port.read_on(&call.env);
        Ok(())
    })?;
    Ok(functions)
}

struct Definer<'a, 'env> {
    env: &'env Env,
    port: Rc<Port>,
    functions: &'a mut Object<'env>,
}

impl Definer<'_, '_> {
    /// napi-rs turns both an `Err` and a panic of the closure into a JavaScript error.
    fn function<T: ToNapiValue>(
        &mut self,
        name: &str,
        body: impl Fn(&Port, &FunctionCallContext) -> Result<T> + 'static,
    ) -> Result<()> {
        let port = Rc::clone(&self.port);
        let function =
            self.env.create_function_from_closure::<(), T, _>(name, move |call| body(&port, &call))?;
        self.functions.set(name, function)
    }

    fn raw(&mut self, name: &str, body: Body) -> Result<()> {
        let function = raw_function::create(self.env, name, Rc::clone(&self.port), body, false)?;
        self.functions.set(name, function)
    }

    /// The same for a function after which JavaScript has more to do.
    fn careful(&mut self, name: &str, body: Body) -> Result<()> {
        let function = raw_function::create(self.env, name, Rc::clone(&self.port), body, true)?;
        self.functions.set(name, function)
    }
}

/// Opens a private space; the argument says whether anything in it will ever depend on the time.
fn open_private(port: &Port, _: &FunctionCallContext) -> Result<SpaceNumber> {
    port.open(SharedSpace::open_private())
}

fn open_named(port: &Port, call: &FunctionCallContext) -> Result<SpaceNumber> {
    let name: Utf16String = call.first_arg()?;
    port.open(SharedSpace::open_named(&name))
}

/// Asks for the key that the argument names or, without one, for the key of the slot in the array.
fn request(port: &Port, call: &Call) -> Result<()> {
    let (number, open) = addressed(port)?;
    let units: Option<Utf16String> = call.argument()?;
    let ask = ask(port, &open, units.as_ref());
    let requested = port.operate(&call.env, number, &open, |locks, caller| locks.request(ask, caller));
    if let Requested::Waiting(_) = requested {
        port.count_waiting(&call.env, &open, 1);
    }
    port.words.with(|words| words::write_requested(words, requested));
    if let (Some(_), Some(ticket)) = (units, requested.ticket()) {
        tell_slot(port, &open, ticket);
    }
    Ok(())
}

/// Takes over a hold that JavaScript granted in a private space. The key is named as for `request`.
fn adopt(port: &Port, call: &Call) -> Result<()> {
    let (_, open) = addressed(port)?;
    let units: Option<Utf16String> = call.argument()?;
    let (fence, age) = port.words.with(|words| (words[words::HELD_FENCE], words[words::HELD_AGE]));
    let since = clock::now().before(milliseconds(age).unwrap_or_default());
    let engine = open.shared.table.engine()?;
    let ticket = engine.adopt(ask(port, &open, units.as_ref()), fence as u64, since);
    let ticket =
        ticket.ok_or_else(|| Error::from_reason("latchkey: a key was forgotten while it was held"))?;
    port.words.with(|words| words::write_ticket(words, ticket));
    tell_slot(port, &open, ticket);
    Ok(())
}

/// What the array says of a request.
fn ask<'a>(port: &Port, open: &OpenSpace, units: Option<&'a Utf16String>) -> Ask<'a> {
    port.words.with(|words| Ask {
        port: open.member,
        tag: words::whole(words[words::TAG]),
        key: units.map_or_else(|| KeyName::Slot(words::key_slot(words)), |units| KeyName::Units(units)),
        mode: if words[words::MODE] == 0.0 { Mode::Read } else { Mode::Write },
        expiry: if words[words::EXPIRY] == 0.0 { None } else { milliseconds(words[words::EXPIRY]) },
        patience: match words[words::PATIENCE] {
            0.0 => Patience::None,
            limit => milliseconds(limit).map_or(Patience::Forever, Patience::For),
        },
    })
}

/// Tells the slot of a request's key, by which it can be named more cheaply from now on.
fn tell_slot(port: &Port, open: &OpenSpace, ticket: Ticket) {
    let slot = open.shared.table.locks().slot_of(ticket);
    port.words.with(|words| words::write_key_slot(words, slot));
}

fn end_hold(
    port: &Port,
    call: &Call,
    end: impl FnOnce(&dyn LockTable, Ticket, &mut dyn Caller) -> Outcome<Released>,
) -> Result<()> {
    let (number, open) = addressed(port)?;
    let ticket = port.words.with(|words| words::ticket(words));
    let released = port.operate(&call.env, number, &open, |locks, caller| end(locks, ticket, caller));
    port.words.with(|words| words::write_released(words, released));
    Ok(())
}

fn cancel(port: &Port, call: &Call) -> Result<()> {
    let (number, open) = addressed(port)?;
    let ticket = port.words.with(|words| words::ticket(words));
    let cancelled = port.operate(&call.env, number, &open, |locks, caller| locks.cancel(ticket, caller));
    if cancelled {
        port.count_waiting(&call.env, &open, -1);
    }
    port.words.with(|words| words::write_done(words, cancelled));
    Ok(())
}

fn downgrade(port: &Port, call: &Call) -> Result<()> {
    let (number, open) = addressed(port)?;
    let ticket = port.words.with(|words| words::ticket(words));
    let downgraded = port.operate(&call.env, number, &open, |locks, caller| locks.downgrade(ticket, caller));
    port.words.with(|words| words::write_done(words, downgraded));
    Ok(())
}

fn query(port: &Port, _: &FunctionCallContext) -> Result<Vec<KeyReport>> {
    let (_, open) = addressed(port)?;
    query::report(&open, &port.mailbox, clock::now())
}

fn space_number(port: &Port) -> SpaceNumber {
    port.words.with(|words| words::whole(words[words::SPACE]))
}

/// The space that the call is about.
pub fn addressed(port: &Port) -> Result<(SpaceNumber, Rc<OpenSpace>)> {
    let number = space_number(port);
    let open = port.space(number)?;
    port.raise_fences(&open);
    Ok((number, open))
}

/// A span of time; `None` if it does not fit a duration, which is longer than any process lives.
fn milliseconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value / 1000.0).ok()
}
