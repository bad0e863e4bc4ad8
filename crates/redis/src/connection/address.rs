//! Where the store is: a URL, or the sentinels that know the server. Checked before anything is opened.

use std::fmt;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use super::{
    client::client,
    options::{ConfigError, Options, URL_FORM, bad},
};

const DEFAULT_SENTINEL_PORT: u16 = 26379;

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
        options.check_amounts()?;
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
    use crate::connection::options::tests::options;

    fn config(change: impl FnOnce(&mut Options)) -> Result<Config, ConfigError> {
        Config::new(options(change))
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
        assert_eq!(config(|_| ()).unwrap_err().option, "url");
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
    fn nothing_shows_the_password() {
        let config = url("redis://someone:secret@somewhere:1").unwrap();
        let shown = format!("{config:?} {:?} {}", config.options(), config.address());
        assert!(!shown.contains("secret") && !shown.contains("someone"), "{shown}");
        let refused = url("redis://someone:secret@somewhere:port").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("secret"));
    }
}
