//! How a store finds its server, gets in, and says what is wrong when it does not.

mod support;

use std::{fs, net::TcpListener, path::PathBuf, time::Duration};

use latchkey_engine::{Answer, Mode, Patience};
use latchkey_redis::{Options, Reason};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use support::{
    free_port, new_directory,
    peer::PATIENCE,
    program::{Program, command, config, until},
    proxy::Proxy,
};

const SOON: Duration = Duration::from_secs(1);

/// Holds and releases a lock.
fn works(program: &mut Program) {
    let (held, _) = program.hold("k");
    assert_eq!(program.release(held), Answer::Done);
}

/// Why a request fails, and what the store says of it.
fn refusal(url: &str, change: impl FnOnce(&mut Options)) -> (Reason, String) {
    let mut program = Program::start_with(config(url, |options| {
        options.connect_timeout = SOON;
        change(options);
    }));
    let asked = program.write("k");
    let reason = program.failed(asked);
    assert!(!program.space.cancel(asked.ticket));
    (reason, program.store.trouble().expect("something is wrong").to_string())
}

#[test]
fn nobody_listens_at_the_address() {
    let url = format!("redis://someone:secret@127.0.0.1:{}", free_port());
    let (reason, message) = refusal(&url, |_| ());
    assert_eq!(reason, Reason::Unreachable);
    assert!(message.contains("127.0.0.1") && message.contains("refused"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn whoever_listens_at_the_address_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (reason, message) = refusal(&format!("redis://{}", silent.local_addr().unwrap()), |_| ());
    assert_eq!(reason, Reason::Unreachable);
    assert!(message.contains("no answer in time"), "{message}");
}

#[test]
fn the_password_is_wrong_or_missing() {
    let server = server!("--requirepass", "right");
    for password in [None, Some("wrong")] {
        let (reason, message) = refusal(&server.url(), |options| options.password = password.map(Into::into));
        assert_eq!(reason, Reason::Login);
        assert!(message.contains("store.password") && !message.contains("wrong"), "{message}");
    }
    works(&mut Program::start_with(config(&server.url(), |options| options.password = Some("right".into()))));
}

#[test]
fn a_user_needs_few_rights() {
    let server = server!();
    // As the error prints them, for an administrator to copy.
    let rights = Reason::Permission.message().split_once("give the user ").unwrap().1;
    let rights = rights.replace("<namespace>", "latchkey");
    let rights: Vec<_> = rights.split_whitespace().collect();
    command(&server, &[&["ACL", "SETUSER", "locker", "on", ">secret"], &rights[..]].concat());
    command(&server, &["ACL", "SETUSER", "guest", "on", ">secret", "-@all", "+@connection"]);
    let as_user = |user: &str| {
        let user = user.to_owned();
        move |options: &mut Options| {
            options.user = Some(user);
            options.password = Some("secret".into());
        }
    };
    let (mut a, mut b) = (
        Program::start_with(config(&server.url(), as_user("locker"))),
        Program::start_with(config(&server.url(), as_user("locker"))),
    );
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(waiting);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection).unwrap();
    assert_eq!(clients.matches(" name=latchkey:").count(), 2, "{clients}");
    let (reason, message) = refusal(&server.url(), as_user("guest"));
    assert_eq!(reason, Reason::Permission);
    assert!(message.contains("+evalsha"), "{message}");
}

#[test]
fn a_right_that_a_script_misses_is_said() {
    let server = server!();
    command(&server, &["ACL", "SETUSER", "locker", "on", ">secret", "~*", "&*", "+@all", "-pexpire"]);
    let (reason, message) = refusal(&server.url(), |options| {
        options.user = Some("locker".into());
        options.password = Some("secret".into());
    });
    assert_eq!(reason, Reason::Permission, "{message}");
}

/// Else it would take free locks, and leave those who wait for them without the message that they have them.
#[test]
fn a_user_who_may_not_publish_is_refused_before_anything_is_granted() {
    let server = server!();
    command(&server, &["ACL", "SETUSER", "locker", "on", ">secret", "~*", "&*", "+@all", "-publish"]);
    let (reason, message) = refusal(&server.url(), |options| {
        options.user = Some("locker".into());
        options.password = Some("secret".into());
    });
    assert_eq!(reason, Reason::Permission, "{message}");
    assert!(message.contains("+publish"), "{message}");
}

#[test]
fn what_tries_the_right_to_publish_means_nothing_to_anybody() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut a = Program::start(&proxy.url());
    let (held, _) = a.hold("k");
    let mut listener = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut channels = listener.as_pubsub();
    channels.psubscribe("*").unwrap();
    channels.set_read_timeout(Some(PATIENCE)).unwrap();
    proxy.cut();
    let heard = channels.get_message().unwrap();
    assert_eq!(heard.get_payload_bytes(), b"");
    a.stays_silent_for(Duration::from_millis(300));
    assert_eq!(a.release(held), Answer::Done);
}

#[test]
fn a_release_that_the_server_refuses_is_said_and_made_up_for_later() {
    let server = server!();
    command(&server, &["ACL", "SETUSER", "locker", "on", ">secret", "~*", "&*", "+@all", "-del"]);
    let mut a = Program::start_with(config(&server.url(), |options| {
        options.user = Some("locker".into());
        options.password = Some("secret".into());
    }));
    let mut b = Program::start(&server.url());
    let (held, _) = a.hold("k");
    let waiting = b.ask("k", Mode::Read, Patience::Forever, None);
    b.until_waiting("k", 1);
    command(&server, &["CONFIG", "RESETSTAT"]);
    assert_eq!(a.release(held), Answer::Unreachable);
    b.stays_silent_for(Duration::from_secs(1));
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let info: redis::InfoDict = redis::cmd("INFO").query(&mut connection).unwrap();
    let attempts: u32 = info.get("total_connections_received").unwrap();
    assert!(attempts <= 6, "{attempts} connections in a second");
    command(&server, &["ACL", "SETUSER", "locker", "+del"]);
    b.granted(waiting);
}

#[test]
fn a_downgrade_that_the_server_refuses_is_said_and_the_hold_stays() {
    let server = server!();
    command(&server, &["ACL", "SETUSER", "locker", "on", ">secret", "~*", "&*", "+@all"]);
    let mut a = Program::start_with(config(&server.url(), |options| {
        options.user = Some("locker".into());
        options.password = Some("secret".into());
    }));
    let mut b = Program::start(&server.url());
    let (held, _) = a.hold("k");
    command(&server, &["ACL", "SETUSER", "locker", "-hset"]);
    assert_eq!(a.downgrade(held), Answer::Unreachable);
    command(&server, &["ACL", "SETUSER", "locker", "+hset"]);
    let reader = b.ask("k", Mode::Read, Patience::Forever, None);
    b.until_waiting("k", 1);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(reader);
}

#[test]
fn a_database_that_the_server_does_not_have_is_said() {
    let server = server!();
    let (reason, message) = refusal(&server.url(), |options| options.database = Some(99));
    assert_eq!(reason, Reason::Refused);
    assert!(message.contains("store.database"), "{message}");
}

#[test]
fn a_server_that_was_taken_for_a_sentinel_is_said() {
    let server = server!();
    let (reason, message) = refusal(&server.url(), |options| {
        options.sentinels = vec![options.url.take().expect("the server's")];
        options.master = Some("main".into());
    });
    assert_eq!(reason, Reason::Refused);
    assert!(message.contains("store.sentinels"), "{message}");
}

#[test]
fn a_server_with_too_many_clients_is_waited_for() {
    let server = server!();
    command(&server, &["CONFIG", "SET", "maxclients", "1"]);
    // Until the server has noticed that the one that asked for that is gone.
    let mut other = None;
    until("there is room for one", || {
        other = redis::Client::open(server.url()).unwrap().get_connection().ok();
        other.is_some()
    });
    let mut program = Program::start(&server.url());
    let asked = program.write("k");
    program.stays_silent_for(Duration::from_millis(300));
    let message = program.store.trouble().expect("it is not reached").to_string();
    assert!(message.contains("maxclients"), "{message}");
    drop(other);
    program.granted(asked);
}

#[test]
fn a_server_that_may_evict_locks_is_refused() {
    let server = server!("--maxmemory-policy", "allkeys-lru");
    let (reason, message) = refusal(&server.url(), |_| ());
    assert_eq!(reason, Reason::Evicts);
    assert!(message.contains("noeviction") && message.contains("allkeys-lru"), "{message}");
}

#[test]
fn a_cluster_is_refused() {
    let server = server!("--cluster-enabled", "yes");
    assert_eq!(refusal(&server.url(), |_| ()).0, Reason::Cluster);
}

#[test]
fn a_refusal_that_is_put_right_is_over() {
    let server = server!("--maxmemory-policy", "allkeys-lru");
    let mut program = Program::start(&server.url());
    let asked = program.write("k");
    assert_eq!(program.failed(asked), Reason::Evicts);
    command(&server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    works(&mut program);
    assert!(program.store.trouble().is_none());
}

#[test]
fn a_server_that_starts_a_little_later_is_waited_for() {
    let mut server = server!();
    server.kill();
    let mut program = Program::start(&server.url());
    let asked = program.write("k");
    program.stays_silent_for(Duration::from_millis(300));
    server.start_again();
    program.granted(asked);
}

#[test]
fn a_server_whose_memory_is_full_says_so() {
    let server = server!();
    let mut program = Program::start(&server.url());
    works(&mut program);
    command(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    let asked = program.write("k");
    assert_eq!(program.failed(asked), Reason::Full);
    command(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    works(&mut program);
}

#[test]
fn a_unix_socket_is_an_address() {
    let server = server!();
    works(&mut Program::start(&format!("unix://{}", server.socket().display())));
}

#[test]
fn another_database_is_another_store() {
    let server = server!();
    let (mut a, mut b) = (Program::start(&server.url()), Program::start(&format!("{}/1", server.url())));
    a.hold("k");
    works(&mut b);
}

#[test]
fn another_namespace_is_another_store() {
    let server = server!();
    let mut a = Program::start(&server.url());
    let mut b = Program::start_with(config(&server.url(), |options| options.namespace = "other".into()));
    a.hold("k");
    works(&mut b);
}

/// An authority of the test's own, with a certificate for the server and one for the client.
struct Certificates {
    dir: PathBuf,
    ca: String,
    cert: String,
    key: String,
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(vec![]).unwrap();
    // Of another name than those that it signs, or these would look as if they had signed themselves.
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let leaf = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &ca).unwrap().pem(), key.serialize_pem())
    };
    let dir = new_directory();
    let (server_cert, server_key) = leaf("127.0.0.1");
    let (cert, key) = leaf("client");
    let ca = ca.pem();
    for (name, content) in [("ca.pem", &ca), ("cert.pem", &server_cert), ("key.pem", &server_key)] {
        fs::write(dir.join(name), content).unwrap();
    }
    Certificates { dir, ca, cert, key }
}

#[test]
fn a_connection_over_tls_checks_both_ends() {
    let files = certificates();
    let path = |name: &str| files.dir.join(name).display().to_string();
    let port = free_port().to_string();
    let server = server!(
        "--tls-port",
        &port,
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
        "--tls-auth-clients",
        "yes"
    );
    let url = format!("rediss://127.0.0.1:{port}");
    let known = |options: &mut Options| {
        options.ca = Some(files.ca.clone().into());
        options.cert = Some(files.cert.clone().into());
        options.key = Some(files.key.clone().into());
    };
    let mut a = Program::start_with(config(&url, known));
    let mut b = Program::start(&server.url());
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    a.until_waiting("k", 1);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(waiting);

    let (reason, message) = refusal(&url, |_| ());
    assert_eq!(reason, Reason::Unreachable);
    assert!(message.contains("certificate"), "{message}");
    assert_eq!(refusal(&url, |options| options.ca = Some(files.ca.clone().into())).0, Reason::Unreachable);
    let other_name = url.replace("127.0.0.1", "localhost");
    assert!(refusal(&other_name, known).1.contains("certificate"));
    let _ = fs::remove_dir_all(&files.dir);
}

/// Until Redis 7.0 the reason stands inside of the error of the script.
#[test]
fn a_server_that_takes_no_writes_for_a_while_fails_nobody() {
    let server = server!();
    let mut program = Program::start(&server.url());
    let (held, _) = program.hold("k");
    let queued = program.write("k");
    program.until_waiting("k", 1);
    command(&server, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let new = program.write("another");
    program.stays_silent_for(Duration::from_millis(500));
    command(&server, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    program.granted(new);
    assert_eq!(program.release(held), Answer::Done);
    program.granted(queued);
}
