//! What JavaScript can do with a stored space only: open it with options, ask who holds and who waits, which takes
//! time, and learn why a request failed.

use std::{sync::Arc, time::Duration};

use latchkey_engine::{Grant, Key, Mode};
use latchkey_redis::{
    Config, ConfigError, Options, Owner, Reason, Store, StoreError, StoreEvent, StoredHold, StoredKey,
    StoredSpace,
};
use napi::bindgen_prelude::{Either, FunctionCallContext, JsValue, ToNapiValue, Uint8Array, Utf16String};
use napi::{Error, Result, sys};
use napi_derive::napi;

use crate::{
    crossing::query::Report,
    crossing::raw_function::Call,
    crossing::words::{self, to_milliseconds},
    port::mailbox::SeenStoreEvent,
    port::open_space::Scope,
    port::{Port, SpaceNumber},
    process::background,
    process::shared_space::SharedSpace,
};

/// The options of a store, after JavaScript has checked their types. Times are in milliseconds.
#[napi(object, object_to_js = false)]
#[allow(missing_docs)] // `latchkey_redis::Options` says what each is.
pub struct StoreOptions {
    pub url: Option<String>,
    pub sentinels: Option<Vec<String>>,
    pub master: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: Option<u32>,
    pub ca: Option<Uint8Array>,
    pub roots: Option<Vec<String>>,
    pub cert: Option<Uint8Array>,
    pub key: Option<Uint8Array>,
    pub ttl: Option<f64>,
    pub connect_timeout: Option<f64>,
    pub command_timeout: Option<f64>,
    pub namespace: Option<String>,
}

/// What is wrong with a store's options.
#[napi(object, object_from_js = false)]
pub struct WrongOption {
    /// The option that is wrong.
    pub option: String,
    /// What it has to be.
    pub takes: String,
    /// Whether it is of the right kind, but too large or too small.
    pub out_of_range: bool,
}

impl From<ConfigError> for WrongOption {
    fn from(ConfigError { option, takes, out_of_range }: ConfigError) -> Self {
        Self { option: option.to_owned(), takes: takes.to_owned(), out_of_range }
    }
}

/// Opens a stored space. The arguments are its name and the store's options; the answer is its number, or what is wrong.
pub fn open(port: &Port, call: &FunctionCallContext) -> Result<Either<SpaceNumber, WrongOption>> {
    let name: Utf16String = call.get(0)?;
    let config = match Config::new(options(call.get(1)?)) {
        Ok(config) => config,
        Err(error) => return Ok(Either::B(error.into())),
    };
    let background = background::handle()
        .map_err(|error| Error::from_reason(format!("latchkey: the system refuses a thread: {error}")))?;
    let store = Store::open(config, background);
    port.open(Scope::Shared(SharedSpace::open_stored(&store, &name, &port.mailbox))).map(Either::A)
}

fn options(given: StoreOptions) -> Options {
    let default = Options::default();
    let bytes = |pem: Option<Uint8Array>| pem.map(|pem| pem.to_vec());
    // A time that fits no duration is longer than the longest one allowed.
    let time = |given: Option<f64>, default| {
        given.map_or(default, |ms| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX))
    };
    Options {
        url: given.url,
        sentinels: given.sentinels.unwrap_or_default(),
        master: given.master,
        user: given.user,
        password: given.password,
        database: given.database,
        ca: bytes(given.ca),
        roots: given.roots,
        cert: bytes(given.cert),
        key: bytes(given.key),
        ttl: time(given.ttl, default.ttl),
        connect_timeout: time(given.connect_timeout, default.connect_timeout),
        command_timeout: time(given.command_timeout, default.command_timeout),
        namespace: given.namespace.unwrap_or(default.namespace),
    }
}

/// Who holds and who waits in a stored space.
#[napi(object, object_from_js = false)]
pub struct StoreReport {
    /// The holds and requests.
    pub reports: Vec<Report>,
    /// For how many milliseconds the store grants nothing.
    pub frozen: f64,
}

/// Asks the store who holds and who waits: a promise.
pub fn query(port: &Port, call: &FunctionCallContext) -> Result<sys::napi_value> {
    // The space stays until the answer is there.
    let shared = Arc::clone(port.addressed()?.shared()?);
    let asked = shared.table.stored()?.query();
    promise(call, async move {
        let keys = asked.await?;
        let frozen = shared.table.stored().map_or(Duration::ZERO, StoredSpace::frozen);
        Ok(StoreReport { reports: keys.iter().flat_map(reports).collect(), frozen: to_milliseconds(frozen) })
    })
}

/// A promise of what a store answers.
fn promise<T: ToNapiValue + Send + 'static>(
    call: &FunctionCallContext,
    answer: impl Future<Output = std::result::Result<T, StoreError>> + Send + 'static,
) -> Result<sys::napi_value> {
    let (deferred, promise) = call.env.create_deferred()?;
    background::handle()?.spawn(async move {
        match answer.await {
            Ok(value) => deferred.resolve(move |_| Ok(value)),
            Err(error) => deferred.reject(Error::from_reason(error.to_string())),
        }
    });
    Ok(promise.raw())
}

fn reports(StoredKey { key, holders, waiting }: &StoredKey) -> impl Iterator<Item = Report> {
    let holds = holders.iter().map(move |hold| report_hold(key, hold));
    holds.chain(waiting.iter().map(move |wait| report(key, None, wait.mode, wait.age, &wait.owner)))
}

fn report_hold(key: &Key, hold: &StoredHold) -> Report {
    report(key, Some(hold.grant), hold.mode, hold.age, &hold.owner)
}

fn report(key: &Key, grant: Option<Grant>, mode: Mode, age: Duration, owner: &Owner) -> Report {
    Report {
        label: owner.label.as_ref().map(|label| Utf16String::from(label.to_string())),
        pid: Some(owner.pid),
        host: Some(owner.host.clone()),
        ..Report::of(key, grant, mode, age, owner.thread)
    }
}

/// Who held the key of the request that the array names and that has timed out, and as an answer in the array how many waited
/// before it. `None`, or -1, if the server has not said so.
pub fn blockers(port: &Port, _: &FunctionCallContext) -> Result<Option<Vec<Report>>> {
    let (open, ticket) = port.addressed_request()?;
    let blockers = open.shared()?.table.stored()?.blockers_of(ticket);
    let ahead = blockers.as_ref().and_then(|blockers| blockers.ahead);
    port.words[words::DONE].set(ahead.map_or(-1.0, |ahead| ahead as f64));
    let key = Key::from(&[][..]);
    Ok(blockers.map(|blockers| blockers.holders.iter().map(|hold| report_hold(&key, hold)).collect()))
}

/// Waits until the store grants: a promise. The space may be closed meanwhile, which rejects it.
pub fn ready(port: &Port, call: &FunctionCallContext) -> Result<sys::napi_value> {
    promise(call, port.addressed()?.shared()?.table.stored()?.ready())
}

/// For how many milliseconds the store grants nothing, as an answer in the array.
pub fn frozen(port: &Port, _: &Call) -> Result<()> {
    let frozen = port.addressed()?.shared()?.table.stored()?.frozen();
    port.words[words::DONE].set(to_milliseconds(frozen));
    Ok(())
}

/// What has happened to a store's connection, or its session.
#[napi(object, object_from_js = false)]
pub struct ConnectionEvent {
    /// The store's address.
    pub store: String,
    /// `connect`, `disconnect`, `session-lost` or `freeze`.
    pub what: &'static str,
    /// Why the connection has ended, if that is known.
    pub reason: Option<String>,
    /// How many holds were lost.
    pub holds: Option<u32>,
    /// For how many milliseconds the server grants nothing.
    pub frozen: Option<f64>,
}

/// What has happened to the stores' connections since the last call.
pub fn store_events(port: &Port, _: &FunctionCallContext) -> Result<Vec<ConnectionEvent>> {
    port.words[words::STORE_EVENTS].set(0.0);
    Ok(port.mailbox.store_events().drain(..).map(describe).collect())
}

fn describe((store, event, at): SeenStoreEvent) -> ConnectionEvent {
    let new =
        |what| ConnectionEvent { store: store.to_string(), what, reason: None, holds: None, frozen: None };
    match event {
        StoreEvent::Connected => new("connect"),
        StoreEvent::Disconnected { reason } => ConnectionEvent { reason, ..new("disconnect") },
        StoreEvent::SessionLost { holds } => {
            ConnectionEvent { holds: Some(u32::try_from(holds).unwrap_or(u32::MAX)), ..new("session-lost") }
        }
        StoreEvent::Frozen(time) => ConnectionEvent {
            frozen: Some(to_milliseconds(time.saturating_sub(at.elapsed()))),
            ..new("freeze")
        },
    }
}

/// What the store is asked for from now on goes in one trip, and what is released.
pub fn gather(port: &Port, _: &Call) -> Result<()> {
    port.addressed()?.shared()?.table.stored()?.gather();
    Ok(())
}

/// Sends what has been gathered.
pub fn send_gathered(port: &Port, _: &Call) -> Result<()> {
    port.addressed()?.shared()?.table.stored()?.send_gathered();
    Ok(())
}

/// Why a request failed, for people: the array says in which space, and the event's reason. Without a reason: what is wrong
/// with the store, and an empty text if nothing is known to be.
pub fn explain(port: &Port, _: &FunctionCallContext) -> Result<String> {
    let open = port.addressed()?;
    let store = open.shared()?.table.stored()?.store();
    let reason = port.words.whole(words::REASON);
    if reason == words::NO_REASON {
        return Ok(store.trouble().map_or_else(String::new, |trouble| trouble.to_string()));
    }
    let reason = Reason::from_number(reason).unwrap_or(Reason::Refused);
    // What the store knows by now may be more than the reason, or about something else. Whatever it is, it is also why a
    // server cannot be reached.
    let is_why = |trouble: &StoreError| trouble.reason() == reason || reason == Reason::Unreachable;
    let known = store.trouble().filter(is_why);
    Ok(known.map_or_else(
        || format!("The store at {} {}", store.config().address(), reason.message()),
        |trouble| trouble.to_string(),
    ))
}
