//! A client of the crate `redis`: over TLS, it has read its certificates.

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::options::{ConfigError, Options, URL_FORM, bad};

const BEGIN_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A client that has read its certificates, so that a bad one is reported by the call that brought it.
pub(super) fn client(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{address::Config, options::tests::options};

    fn error(change: impl FnOnce(&mut Options)) -> &'static str {
        Config::new(options(change)).unwrap_err().option
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
        assert!(Config::new(options(|o| (at(o), o.roots = Some(broken.to_vec())).1)).is_ok());
    }
}
