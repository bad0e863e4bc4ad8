//! The functions that JavaScript calls. Each reads its inputs, does one operation, and writes the answers.

pub mod query;
pub mod raw_function;
pub mod stack;
pub mod stored;
pub mod words;

use std::{rc::Rc, time::Duration};

use latchkey_engine::{Ask, KeyName, LocalSpace, Patience, Released, Safety};
use napi::bindgen_prelude::{Either, Float64Array, Function, FunctionCallContext, ToNapiValue, Utf16String};
use napi::{Env, Error, Result, sys};
use napi_derive::napi;

use crate::{
    crossing::query::Report,
    crossing::raw_function::{Body, Call},
    crossing::stored::WrongOption,
    crossing::words::{LENGTH, Words},
    port::open_space::{OpenSpace, Scope, expiry_of, milliseconds},
    port::waker::{Listener, Waker},
    port::{Port, SpaceNumber},
    process::clock,
    process::shared_space::SharedSpace,
    process::table::Table,
};

/// Opens a port for the calling JavaScript thread and answers its functions: see `lib/addon/port.js`,
/// their only caller. They carry the port: a call of one costs a fraction of a class method's.
///
/// `wake` is called, from the event loop and with no arguments, when the port has to call `collect`. It stays alive as long as the
/// port, so that it must refer to what it calls weakly: `listener` is that, and is kept alive while the port may have to call it.
/// `thread` is Node's number of the thread.
///
/// # Errors
///
/// If the array has not the length that [`layout`](words::layout) says.
#[napi(catch_unwind)]
pub fn open_port<'env>(
    env: &'env Env,
    words: Float64Array,
    wake: Function<(), ()>,
    listener: Function<(), ()>,
    thread: u32,
) -> Result<PortFunctions<'env>> {
    let words = Words::new(words).ok_or_else(|| {
        Error::from_reason(format!("latchkey: openPort needs an array of {LENGTH} numbers"))
    })?;
    clock::start();
    let port = Port::new(*env, words, Waker::new(&wake)?, Listener::new(*env, &listener)?, thread);
    // Hooks run in the reverse order of their making: this one before the waker's own, which ends the
    // threadsafe function.
    port.end_with_environment()?;
    functions(&Definer { env, port })
}

fn functions<'env>(define: &Definer<'env>) -> Result<PortFunctions<'env>> {
    Ok(PortFunctions {
        open_private: define.function("openPrivate", open_private)?,
        open_named: define.function("openNamed", open_named)?,
        open_stored: define.function("openStored", stored::open)?,
        query: define.function("query", query::query)?,
        label: define.raw("label", label)?,
        blockers: define.function("blockers", query::blockers)?,
        requests_of: define.function("requestsOf", requests_of)?,
        query_store: define.function("queryStore", stored::query)?,
        ready_store: define.function("readyStore", stored::ready)?,
        frozen: define.raw("frozen", stored::frozen)?,
        store_events: define.function("storeEvents", stored::store_events)?,
        store_blockers: define.function("storeBlockers", stored::blockers)?,
        explain: define.function("explain", stored::explain)?,
        gather: define.raw("gather", stored::gather)?,
        send_gathered: define.raw("sendGathered", stored::send_gathered)?,
        close: define.raw("close", Port::close)?,
        request: define.careful("request", request)?,
        // What each call does, and no more.
        take_in: define.raw("takeIn", |_, _| Ok(()))?,
        end: define.careful("end", end)?,
        remaining: define.careful("remaining", remaining)?,
        collect: define.raw("collect", Port::collect)?,
        room: define.careful("room", room)?,
        note_room: define.raw("noteRoom", Port::note_room)?,
        poll: define.raw("poll", Port::poll)?,
        read_events: define.raw("readEvents", Port::read_on)?,
        keep_alive: define.raw("keepAlive", Port::set_waits)?,
    })
}

/// What `openPort` answers. JavaScript is checked against these types; what a function takes besides the array, `ts_type` says.
#[napi(object, object_from_js = false)]
#[allow(missing_docs)] // Each is described where it is defined, and in `lib/addon/port.js`.
pub struct PortFunctions<'env> {
    pub open_private: Function<'env, (), u32>,
    #[napi(ts_type = "(name: string) => number")]
    pub open_named: Function<'env, (), u32>,
    #[napi(ts_type = "(name: string, options: StoreOptions) => number | WrongOption")]
    pub open_stored: Function<'env, (), Either<u32, WrongOption>>,
    #[napi(ts_type = "(key?: string) => Array<Report>")]
    pub query: Function<'env, (), Vec<Report>>,
    #[napi(ts_type = "(label?: string) => void")]
    pub label: Function<'env, (), ()>,
    #[napi(ts_type = "(key: string) => Array<Report>")]
    pub blockers: Function<'env, (), Vec<Report>>,
    #[napi(ts_type = "(most: number) => Array<number>")]
    pub requests_of: Function<'env, (), Vec<u32>>,
    #[napi(ts_type = "() => Promise<StoreReport>")]
    pub query_store: Function<'env, (), sys::napi_value>,
    #[napi(ts_type = "() => Promise<void>")]
    pub ready_store: Function<'env, (), sys::napi_value>,
    pub frozen: Function<'env, (), ()>,
    #[napi(ts_type = "() => Array<Report> | null")]
    pub store_blockers: Function<'env, (), Option<Vec<Report>>>,
    #[napi(ts_type = "() => Array<ConnectionEvent>")]
    pub store_events: Function<'env, (), Vec<stored::ConnectionEvent>>,
    pub explain: Function<'env, (), String>,
    pub gather: Function<'env, (), ()>,
    pub send_gathered: Function<'env, (), ()>,
    pub close: Function<'env, (), ()>,
    #[napi(ts_type = "(key?: string) => void")]
    pub request: Function<'env, (), ()>,
    pub take_in: Function<'env, (), ()>,
    pub end: Function<'env, (), ()>,
    pub remaining: Function<'env, (), ()>,
    pub collect: Function<'env, (), ()>,
    pub room: Function<'env, (), ()>,
    pub note_room: Function<'env, (), ()>,
    pub poll: Function<'env, (), ()>,
    pub read_events: Function<'env, (), ()>,
    pub keep_alive: Function<'env, (), ()>,
}

struct Definer<'env> {
    env: &'env Env,
    port: Rc<Port>,
}

impl<'env> Definer<'env> {
    /// napi-rs turns both an `Err` and a panic of the closure into a JavaScript error.
    fn function<T: ToNapiValue>(
        &self,
        name: &str,
        body: impl Fn(&Port, &FunctionCallContext) -> Result<T> + 'static,
    ) -> Result<Function<'env, (), T>> {
        let port = Rc::clone(&self.port);
        self.env.create_function_from_closure(name, move |call| body(&port, &call))
    }

    fn raw(&self, name: &str, body: Body) -> Result<Function<'env, (), ()>> {
        raw_function::create(self.env, name, Rc::clone(&self.port), body, false)
    }

    /// The same for a function after which JavaScript has more to do.
    fn careful(&self, name: &str, body: Body) -> Result<Function<'env, (), ()>> {
        raw_function::create(self.env, name, Rc::clone(&self.port), body, true)
    }
}

/// Opens a private space.
fn open_private(port: &Port, _: &FunctionCallContext) -> Result<SpaceNumber> {
    port.open(Scope::Thread(LocalSpace::default()))
}

fn open_named(port: &Port, call: &FunctionCallContext) -> Result<SpaceNumber> {
    let name: Utf16String = call.first_arg()?;
    port.open(Scope::Shared(SharedSpace::open_named(&name)))
}

/// Asks for the key that the argument names or, without one, for the key of the slot in the array.
fn request(port: &Port, call: &Call) -> Result<()> {
    let open = port.addressed()?;
    let units: Option<Utf16String> = call.argument()?;
    let ask = ask(port, &open, units.as_deref());
    let mut slot = None;
    let requested = port.operate(&open, |locks, caller| {
        let outcome = locks.request(ask, caller);
        slot = outcome.slot;
        outcome
    });
    if let Some(ticket) = requested.ticket() {
        open.name(ask.tag, ticket);
    }
    port.words.set_requested(requested);
    if units.is_some() {
        port.words.set_key_slot(slot);
    }
    Ok(())
}

/// What the array says of a request.
fn ask<'a>(port: &Port, open: &OpenSpace, units: Option<&'a [u16]>) -> Ask<'a> {
    let words = &port.words;
    Ask {
        member: open.member,
        tag: words.whole(words::TAG),
        key: units.map_or_else(|| KeyName::Slot(words.key_slot()), KeyName::Units),
        mode: words::mode_of(words.whole(words::MODE)),
        expiry: expiry_of(words[words::EXPIRY].get()),
        patience: match words[words::PATIENCE].get() {
            0.0 => Patience::None,
            words::SAY_WHO => Patience::For(Duration::ZERO),
            limit => milliseconds(limit).map_or(Patience::Forever, Patience::For),
        },
    }
}

/// Ends a request in the way that the array says, or changes its hold.
fn end(port: &Port, _: &Call) -> Result<()> {
    let how = port.words.whole(words::END);
    let done = if how == words::END_COUNTED {
        let open = port.addressed()?;
        let (local, ask) = (open.local()?, ask(port, &open, None));
        released(port.operate(&open, |_, caller| local.release_counted(&ask, caller)))
    } else {
        let (open, ticket) = port.addressed_request()?;
        match how {
            words::END_RELEASE => {
                released(port.operate(&open, |locks, caller| locks.release(ticket, caller)))
            }
            words::END_UNUSED => {
                released(port.operate(&open, |locks, caller| locks.give_back(ticket, caller)))
            }
            words::END_CANCEL => port.operate(&open, |locks, caller| locks.cancel(ticket, caller)).into(),
            _ => port.operate(&open, |locks, caller| locks.downgrade(ticket, caller)).into(),
        }
    };
    port.words[words::DONE].set(done);
    Ok(())
}

fn released(released: Released) -> f64 {
    f64::from(released as u8)
}

/// How long a hold is safe, and what has happened by then.
fn remaining(port: &Port, _: &Call) -> Result<()> {
    let (open, ticket) = port.addressed_request()?;
    port.words[words::DONE].set(match open.locks().safety_of(ticket, clock::now()) {
        Safety::Endless => f64::INFINITY,
        Safety::For(time) => words::to_milliseconds(time),
        Safety::Over => -1.0,
    });
    // After the look at the hold: if that had been taken away by then, the event that says so is here now.
    port.read_inbox();
    Ok(())
}

/// Does nothing, for which there is room.
fn room(port: &Port, _: &Call) -> Result<()> {
    port.words[words::DONE].set(words::DONE_NOW);
    Ok(())
}

/// The request that the array names has the label that is the argument; without one, it has none any more.
fn label(port: &Port, call: &Call) -> Result<()> {
    let open = port.addressed()?;
    let shared = open.shared()?;
    let tag = port.words.whole(words::TAG);
    match (&shared.table, call.argument::<Utf16String>()?) {
        (Table::Engine(_), Some(text)) => _ = shared.labels().insert((open.member, tag), text.to_vec()),
        (Table::Engine(_), None) => _ = shared.labels().remove(&(open.member, tag)),
        (Table::Store(stored), Some(text)) => stored.set_label(tag, &text),
        // It is the server that forgets it.
        (Table::Store(_), None) => {}
    }
    Ok(())
}

/// The tags of the requests of the key in a private space that the array names, so many at most as the argument says: first
/// those that hold it.
fn requests_of(port: &Port, call: &FunctionCallContext) -> Result<Vec<u32>> {
    port.apply_posted();
    let most: u32 = call.first_arg()?;
    Ok(port.addressed()?.local()?.requests_of(port.words.key_slot().index, most as usize))
}
