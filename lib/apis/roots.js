'use strict';
// The authorities that this program's other TLS connections trust, so that `rediss://` trusts the same ones.

const fs = require('node:fs');
const tls = require('node:tls');

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;

/**
 * Node's trust store, as its options and NODE_EXTRA_CA_CERTS have made it.
 *
 * @returns {string[]} each in PEM
 */
function trustedRoots() {
  // Since Node 22.15.
  const { getCACertificates } = /** @type {{ getCACertificates?: (type: string) => string[] }} */ (tls);
  return getCACertificates?.('default') ?? [...tls.rootCertificates, ...extraRoots()];
}

/** @returns {string[]} what NODE_EXTRA_CA_CERTS adds */
function extraRoots() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (!file) return [];
  try {
    return fs.readFileSync(file, 'utf8').match(CERTIFICATE) ?? [];
  } catch {
    // Node has warned of it, and goes on without.
    return [];
  }
}

module.exports = { trustedRoots };
