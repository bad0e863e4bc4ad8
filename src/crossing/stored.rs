//! What JavaScript can do with a stored space only: open it with options, ask who holds and who waits, which takes
//! time, and learn why a request failed.

use std::{sync::Arc, time::Duration};

use latchkey_engine::Mode;
use latchkey_redis::{Config, ConfigError, Options, Owner, Reason, Store, StoreError, StoredKey};
use napi::bindgen_prelude::{Either, FunctionCallContext, JsValue, Uint8Array, Utf16String};
use napi::{Error, Result, sys};
use napi_derive::napi;

use crate::{
    crossing::query::Report,
    crossing::raw_function::Call,
    crossing::words,
    port::open_space::{OpenSpace, Scope},
    port::{Port, SpaceNumber},
    process::background,
    process::shared_space::SharedSpace,
};

/// How long the end of a process may wait for the stores to hear of it. Else the leases do what is left.
const WITHIN: Duration = Duration::from_millis(250);

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
    port.open(Scope::Shared(SharedSpace::open_stored(&store, &name, port.mailbox.thread))).map(Either::A)
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

/// Asks the store who holds and who waits: a promise.
pub fn query(port: &Port, call: &FunctionCallContext) -> Result<sys::napi_value> {
    let (_, open) = port.addressed()?;
    let shared = Arc::clone(shared(&open)?);
    shared.table.stored()?;
    let (deferred, promise) = call.env.create_deferred()?;
    let background = background::handle().map_err(|error| Error::from_reason(error.to_string()))?;
    background.spawn(async move {
        let Ok(stored) = shared.table.stored() else { return };
        match stored.query().await {
            Ok(keys) => deferred.resolve(move |_| Ok(keys.iter().flat_map(reports).collect::<Vec<_>>())),
            Err(error) => deferred.reject(Error::from_reason(error.to_string())),
        }
    });
    Ok(promise.raw())
}

fn shared(open: &OpenSpace) -> Result<&Arc<SharedSpace>> {
    open.shared().ok_or_else(|| Error::from_reason("latchkey: no store keeps this space"))
}

fn reports(key: &StoredKey) -> impl Iterator<Item = Report> {
    let report = |held, mode, age: Duration, owner: &Owner| Report {
        key: key.key.as_units().to_vec().into(),
        held,
        write: mode == Mode::Write,
        age: age.as_secs_f64() * 1e3,
        fence: 0.0,
        recovered: false,
        thread: owner.thread,
        label: None,
        tag: None,
        pid: Some(owner.pid),
        host: Some(owner.host.clone()),
    };
    let holds = key.holders.iter().map(move |hold| Report {
        fence: hold.grant.fence as f64,
        recovered: hold.grant.recovered,
        ..report(true, hold.mode, hold.age, &hold.owner)
    });
    holds.chain(key.waiting.iter().map(move |wait| report(false, wait.mode, wait.age, &wait.owner)))
}

/// The process ends: lets go of what it holds and waits for in any store.
pub fn end_sessions() {
    Store::shutdown_all(WITHIN);
}

/// What is asked of the store from now on is granted together, or not at all; what is released goes in one trip.
pub fn gather(port: &Port, _: &Call) -> Result<()> {
    let (_, open) = port.addressed()?;
    shared(&open)?.table.stored()?.gather();
    Ok(())
}

/// Sends what has been gathered.
pub fn send_gathered(port: &Port, _: &Call) -> Result<()> {
    let (_, open) = port.addressed()?;
    shared(&open)?.table.stored()?.send_gathered();
    Ok(())
}

/// Why a request failed, for people: the array says in which space, and the event's reason. Without a reason: what is wrong
/// with the store, and an empty text if nothing is known to be.
pub fn explain(port: &Port, _: &FunctionCallContext) -> Result<String> {
    let (_, open) = port.addressed()?;
    let store = shared(&open)?.table.stored()?.store();
    let reason = port.words.with(|words| words::whole(words[words::REASON]));
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
