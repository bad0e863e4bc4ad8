//! Where the store is and how it is spoken to: the options of a program, checked before anything is opened.

use std::{fmt, time::Duration};

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use redis::{ProtocolVersion, TlsCertificates};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};

const DEFAULT_SENTINEL_PORT: u16 = 26379;
const BEGIN_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What a program says of its store. [`Config::new`] checks it.
///
/// Either `url`, or `sentinels` with `master`.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// `redis://[user[:password]@]host[:port][/database]`, `rediss://…` for TLS, `unix:///path/of/the/socket`;
    /// `valkey://` and `valkeys://` mean the same as the first two.
    pub url: Option<String>,
    /// The sentinels, each `host:port` or a `redis://` or `rediss://` URL of its own. With `rediss://` the server is
    /// spoken to over TLS, too.
    pub sentinels: Vec<String>,
    /// The name by which the sentinels know the server.
    pub master: Option<String>,
    /// The ACL user; it wins over the one in the URL. None: the server's `default` user.
    pub user: Option<String>,
    /// The password; it wins over the one in the URL.
    pub password: Option<String>,
    /// The database's number; it wins over the one in the URL. None: 0.
    pub database: Option<u32>,
    /// Certificates of the authorities to trust instead of `roots`, in PEM.
    pub ca: Option<Vec<u8>>,
    /// The authorities to trust where `ca` is not given, each in PEM. One that cannot be read is left out: nobody chose it
    /// by hand. None: Mozilla's list, as it was when this crate was built.
    pub roots: Option<Vec<String>>,
    /// The client's own certificate, in PEM, with `key`.
    pub cert: Option<Vec<u8>>,
    /// The key of `cert`, in PEM.
    pub key: Option<Vec<u8>>,
    /// How long the server keeps what a process holds after it last heard of it. Default: 10 s.
    pub ttl: Duration,
    /// How long one attempt to connect may take, with the first exchange, while the lease keeps nothing (else it takes a third of
    /// `ttl` at most); and how long a request waits for a server that has never answered this process. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a server that owes an answer may say nothing before the connection is given up (a third of `ttl`, if
    /// that is shorter); and how long a request that does not wait may take. Default: 5 s.
    pub command_timeout: Duration,
    /// What the names of all keys on the server begin with. Default: `latchkey`.
    pub namespace: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: None,
            sentinels: Vec::new(),
            master: None,
            user: None,
            password: None,
            database: None,
            ca: None,
            roots: None,
            cert: None,
            key: None,
            ttl: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(5),
            namespace: "latchkey".into(),
        }
    }
}

/// A bad option: which one, and what it takes. Never what it was, since that may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The option's name, as in [`Options`], in the JavaScript spelling.
    pub option: &'static str,
    /// What it has to be: `store.<option> must be <takes>`.
    pub takes: &'static str,
    /// True if the kind of the value is right and its amount is not.
    pub out_of_range: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store.{} must be {}", self.option, self.takes)
    }
}

impl std::error::Error for ConfigError {}

fn bad(option: &'static str, takes: &'static str) -> ConfigError {
    ConfigError { option, takes, out_of_range: false }
}

/// How to find the server.
#[derive(Clone)]
pub(crate) enum Target {
    Direct(Client),
    Sentinel { sentinels: Vec<Client>, master: String, server: ConnectionInfo },
}

/// Options that were checked.
#[derive(Clone)]
pub struct Config {
    options: Options,
    target: Target,
}

impl Config {
    /// Checks the options. Opens nothing and resolves no name.
    ///
    /// # Errors
    ///
    /// If an option is missing, or is not what it has to be.
    pub fn new(options: Options) -> Result<Self, ConfigError> {
        check_amounts(&options)?;
        // There may be a provider already, if another part of the process chose one. It is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let target = match (&options.url, options.sentinels.is_empty()) {
            (Some(url), true) => Target::Direct(direct(url, &options)?),
            (None, false) => sentinel(&options)?,
            (Some(_), false) => return Err(bad("sentinels", "absent when store.url is given")),
            (None, true) => return Err(bad("url", "given, or store.sentinels with store.master")),
        };
        Ok(Self { options, target })
    }

    /// True if both mean the same store, spoken to in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.options == other.options
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Where the store is, for people: no user, no password.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.target {
            Target::Direct(client) => client.get_connection_info().addr().to_string(),
            Target::Sentinel { sentinels, master, .. } => {
                let addresses: Vec<_> =
                    sentinels.iter().map(|client| client.get_connection_info().addr().to_string()).collect();
                format!("{master} of {}", addresses.join(", "))
            }
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address())
            .field("namespace", &self.options.namespace)
            .field("ttl", &self.options.ttl)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("master", &self.master)
            .field("namespace", &self.namespace)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

fn check_amounts(options: &Options) -> Result<(), ConfigError> {
    let out = |option, takes| Err(ConfigError { option, takes, out_of_range: true });
    let within = |time: Duration, least, most| {
        (Duration::from_millis(least)..=Duration::from_millis(most)).contains(&time)
    };
    if !within(options.ttl, 500, 3_600_000) {
        return out("ttl", "from 500 to 3600000 milliseconds");
    }
    if !within(options.connect_timeout, 1, 3_600_000) {
        return out("connectTimeout", "from 1 to 3600000 milliseconds");
    }
    if !within(options.command_timeout, 1, 3_600_000) {
        return out("commandTimeout", "from 1 to 3600000 milliseconds");
    }
    if options.namespace.is_empty() || options.namespace.len() > 100 {
        return out("namespace", "from 1 to 100 bytes long");
    }
    if options.namespace.contains(['{', '}']) {
        return Err(bad("namespace", "without braces, which tell a Redis cluster where a key belongs"));
    }
    Ok(())
}

const URL_FORM: &str = "a URL as redis://host:6379, rediss://host:6379 or unix:///path, with user:password@ before the \
                        host and /database behind it if need be";

fn direct(url: &str, options: &Options) -> Result<Client, ConfigError> {
    if options.master.is_some() {
        return Err(bad("master", "absent when store.url is given"));
    }
    client(&with_login(parsed(url, "url", URL_FORM)?, options), options, "url")
}

fn parsed(url: &str, option: &'static str, takes: &'static str) -> Result<ConnectionInfo, ConfigError> {
    let info = url.into_connection_info().map_err(|_| bad(option, takes))?;
    // The crate reads `#insecure` as leave to speak to anybody. We do not offer that.
    let is_insecure = matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. });
    if is_insecure || !info.addr().is_supported() || info.redis_settings().db() < 0 {
        return Err(bad(option, takes));
    }
    Ok(info)
}

/// The options' user, password and database in the place of the URL's.
fn with_login(info: ConnectionInfo, options: &Options) -> ConnectionInfo {
    let mut login =
        info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    if let Some(user) = &options.user {
        login = login.set_username(user);
    }
    if let Some(password) = &options.password {
        login = login.set_password(password);
    }
    if let Some(database) = options.database {
        login = login.set_db(database.into());
    }
    info.set_redis_settings(login)
}

/// A client that has read its certificates, so that a bad one is reported by the call that brought it.
pub(crate) fn client(
    info: &ConnectionInfo,
    options: &Options,
    option: &'static str,
) -> Result<Client, ConfigError> {
    let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    if !is_tls {
        if options.ca.is_some() || options.cert.is_some() || options.key.is_some() {
            return Err(bad(option, "a rediss:// address when certificates are given"));
        }
        return Client::open(info.clone()).map_err(|_| bad(option, URL_FORM));
    }
    let client_tls = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            Some(ClientTlsConfig { client_cert: cert.clone(), client_key: key.clone() })
        }
        (None, None) => None,
        (Some(_), None) => return Err(bad("key", "given together with store.cert")),
        (None, Some(_)) => return Err(bad("cert", "given together with store.key")),
    };
    let certificates = |client_tls, root_cert| TlsCertificates { client_tls, root_cert };
    let root_cert = options.ca.clone().or_else(|| options.roots.as_deref().map(readable));
    if root_cert.is_none() && client_tls.is_none() {
        return Client::open(info.clone()).map_err(|_| bad(option, URL_FORM));
    }
    // Each by itself first, to say which of them is bad.
    if let Some(ca) = &options.ca {
        const TAKES: &str = "one or more certificates in PEM";
        // Where there is no PEM in it, the crate takes it for no certificates, and trusts nobody.
        if !ca.windows(BEGIN_CERTIFICATE.len()).any(|bytes| bytes == BEGIN_CERTIFICATE) {
            return Err(bad("ca", TAKES));
        }
        Client::build_with_tls(info.clone(), certificates(None, root_cert.clone()))
            .map_err(|_| bad("ca", TAKES))?;
    }
    Client::build_with_tls(info.clone(), certificates(client_tls, root_cert))
        .map_err(|_| bad("cert", "a certificate in PEM, and store.key its key in PEM"))
}

/// Those of the authorities that can be read, as one PEM: the crate refuses a list with one that cannot.
fn readable(roots: &[String]) -> Vec<u8> {
    let is_readable = |pem: &&String| {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
    };
    roots.iter().filter(is_readable).flat_map(|pem| [pem.as_bytes(), b"\n"].concat()).collect()
}

fn sentinel(options: &Options) -> Result<Target, ConfigError> {
    const FORM: &str = "a list of host:port or redis:// or rediss:// URLs";
    let master = match &options.master {
        Some(master) if !master.is_empty() => master.clone(),
        _ => return Err(bad("master", "the name by which the sentinels know the server")),
    };
    let mut infos = Vec::new();
    for sentinel in &options.sentinels {
        let is_url = sentinel.contains("://");
        let info = parsed(
            &if is_url { sentinel.clone() } else { format!("redis://{sentinel}") },
            "sentinels",
            FORM,
        )?;
        infos.push(with_sentinel_port(info, sentinel).ok_or(bad("sentinels", FORM))?);
    }
    let server =
        with_login(infos[0].clone().set_redis_settings(redis::RedisConnectionInfo::default()), options);
    let sentinels = infos.iter().map(|info| client(info, options, "sentinels")).collect::<Result<_, _>>()?;
    Ok(Target::Sentinel { sentinels, master, server })
}

/// The crate takes a missing port for the servers' own; sentinels have another one.
fn with_sentinel_port(info: ConnectionInfo, written: &str) -> Option<ConnectionInfo> {
    let authority = written.rsplit("//").next()?.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = authority.rsplit_once(':').is_some_and(|(_, text)| is_port(text));
    let port_of = |port: u16| if has_port { port } else { DEFAULT_SENTINEL_PORT };
    let addr = match info.addr().clone() {
        ConnectionAddr::Tcp(host, port) => ConnectionAddr::Tcp(host, port_of(port)),
        ConnectionAddr::TcpTls { host, port, insecure, tls_params } => {
            ConnectionAddr::TcpTls { host, port: port_of(port), insecure, tls_params }
        }
        _ => return None,
    };
    Some(info.set_addr(addr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Options)) -> Result<Config, ConfigError> {
        let mut options = Options::default();
        change(&mut options);
        Config::new(options)
    }

    fn error(change: impl FnOnce(&mut Options)) -> &'static str {
        config(change).unwrap_err().option
    }

    fn url(url: &str) -> Result<Config, ConfigError> {
        config(|options| options.url = Some(url.into()))
    }

    #[test]
    fn an_address_is_a_url() {
        assert_eq!(url("redis://somewhere").unwrap().address(), "somewhere:6379");
        assert_eq!(url("rediss://somewhere:1/3").unwrap().address(), "somewhere:1");
        assert_eq!(url("valkey://somewhere:1").unwrap().address(), "somewhere:1");
        assert_eq!(url("unix:///run/redis.sock").unwrap().address(), "/run/redis.sock");
        for wrong in [
            "",
            "somewhere",
            "http://somewhere",
            "redis://",
            "redis://h/x",
            "redis://h/-1",
            "rediss://h#insecure",
        ] {
            assert_eq!(url(wrong).unwrap_err().option, "url", "{wrong:?}");
        }
        assert_eq!(error(|_| ()), "url");
    }

    #[test]
    fn sentinels_need_the_masters_name() {
        let with = |sentinels: &[&str], master: Option<&str>| {
            config(|options| {
                options.sentinels = sentinels.iter().map(|&address| address.into()).collect();
                options.master = master.map(Into::into);
            })
        };
        assert_eq!(
            with(&["a:1", "b:", "redis://u:p@c"], Some("m")).unwrap().address(),
            "m of a:1, b:26379, c:26379"
        );
        assert_eq!(with(&["[::1]"], Some("m")).unwrap().address(), "m of ::1:26379");
        assert_eq!(with(&["a:1"], None).unwrap_err().option, "master");
        assert_eq!(with(&["unix:///x"], Some("m")).unwrap_err().option, "sentinels");
        assert_eq!(with(&[], Some("m")).unwrap_err().option, "url");
    }

    #[test]
    fn amounts_have_bounds() {
        let at = |options: &mut Options| options.url = Some("redis://h".into());
        let millis = Duration::from_millis;
        assert_eq!(error(|o| (at(o), o.ttl = millis(499)).1), "ttl");
        assert_eq!(error(|o| (at(o), o.connect_timeout = millis(0)).1), "connectTimeout");
        assert_eq!(error(|o| (at(o), o.command_timeout = millis(0)).1), "commandTimeout");
        assert_eq!(error(|o| (at(o), o.namespace = String::new()).1), "namespace");
        assert_eq!(error(|o| (at(o), o.namespace = "a{b}".into()).1), "namespace");
    }

    #[test]
    fn certificates_are_read_at_once() {
        let at = |options: &mut Options| options.url = Some("rediss://h".into());
        assert_eq!(error(|o| (at(o), o.cert = Some(vec![])).1), "key");
        assert_eq!(error(|o| (at(o), o.key = Some(vec![])).1), "cert");
        assert_eq!(error(|o| (o.url = Some("redis://h".into()), o.ca = Some(vec![])).1), "url");
        let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec();
        assert_eq!(error(|o| (at(o), o.ca = Some(broken)).1), "ca");
        assert_eq!(error(|o| (at(o), o.ca = Some(b"ca.pem".to_vec())).1), "ca");
        assert_eq!(error(|o| (at(o), o.ca = Some(vec![])).1), "ca");
    }

    #[test]
    fn an_authority_that_cannot_be_read_keeps_no_other_out() {
        let at = |options: &mut Options| options.url = Some("rediss://h".into());
        let key = rcgen::KeyPair::generate().unwrap();
        let good = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
        let broken =
            ["", "!", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"].map(String::from);
        assert_eq!(
            readable(&[&broken[..], std::slice::from_ref(&good)].concat()),
            [good.as_bytes(), b"\n"].concat()
        );
        assert!(config(|o| (at(o), o.roots = Some(broken.to_vec())).1).is_ok());
    }

    #[test]
    fn nothing_shows_the_password() {
        let config = url("redis://someone:secret@somewhere:1").unwrap();
        let shown = format!("{config:?} {:?} {}", config.options(), config.address());
        assert!(!shown.contains("secret") && !shown.contains("someone"), "{shown}");
        let refused = url("redis://someone:secret@somewhere:port").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("secret"));
    }
}
