'use strict';
// A store over TLS: who vouches for whom, and whom a program trusts that does not say. Each needs the `openssl` program, for
// certificates.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { inspect } = require('node:util');
const { Locks } = require('latchkey');
const { findFreePort } = require('../scripts/redis-server');
const { runWith } = require('./support/child');
const { useServers, withoutRedis } = require('./support/redis');
const { errorOf } = require('./support/follow');

const withoutOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not in PATH';
if (withoutOpenssl && process.env.CI && process.platform === 'linux') throw new Error(withoutOpenssl);

describe('a store over TLS', { skip: withoutRedis || withoutOpenssl }, () => {
  const start = useServers();
  let dir;
  let files;
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-tls-'));
    files = certificates(dir);
  });
  after(() => fs.rmSync(dir, { recursive: true }));

  /** Starts a server that wants a certificate of its clients. Resolves to its URL. */
  async function startSecured() {
    const { ca, server } = files;
    const port = await findFreePort();
    await start(
      ...['--tls-port', String(port), '--tls-ca-cert-file', ca.cert, '--tls-auth-clients', 'yes'],
      ...['--tls-cert-file', server.cert, '--tls-key-file', server.key],
    );
    return `rediss://localhost:${port}`;
  }

  const pem = (file) => fs.readFileSync(file, 'utf8');
  const identity = () => ({ cert: pem(files.client.cert), key: pem(files.client.key) });

  /** The program: prints what becomes of one request, with these certificates. */
  const program = `async (store) => {
    const { Locks } = require('latchkey');
    const locks = new Locks({ name: 'tls', store });
    await locks.write('key', { timeout: 10_000 }, ({ mode }) => console.log(mode)).catch(({ code }) => console.log(code));
    locks.close();
  }`;

  /** Runs that with some variables set. Resolves to what it printed. */
  async function printedWith(env, store) {
    const old = { ...process.env };
    Object.assign(process.env, env);
    try {
      const { stdout, stderr } = await runWith([], program, store);
      assert.equal(stderr, '');
      return stdout.trim();
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, old);
    }
  }

  it('checks both ends', async () => {
    const url = await startSecured();
    for (const ca of [pem(files.ca.cert), fs.readFileSync(files.ca.cert)]) {
      const locks = new Locks({ name: 'tls', store: { url, ca, ...identity() } });
      assert.equal(await locks.write('key', { timeout: 10_000 }, ({ mode }) => mode), 'write');
      locks.close();
    }
    const secret = identity().key.split('\n')[1];
    // Nobody vouches for the server; the client does not say who it is.
    for (const options of [identity(), { ca: pem(files.ca.cert) }]) {
      const store = { url, ...options, connectTimeout: 500, commandTimeout: 500 };
      const locks = new Locks({ name: 'tls', store });
      const error = await errorOf(locks.write('key'));
      locks.close();
      assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
      assert.match(error.message, /^The store at localhost:\d+/);
      assert.ok(!inspect(error, { showHidden: true }).includes(secret));
    }
  });

  it('trusts whom Node trusts, if the program does not say', async () => {
    const store = { url: await startSecured(), ...identity() };
    assert.equal(await printedWith({ NODE_EXTRA_CA_CERTS: files.ca.cert }, store), 'write');
    assert.equal(await printedWith({}, { ...store, connectTimeout: 500 }), 'ERR_STORE_UNREACHABLE');
  });

  it('needs no list of the system when another one is given', async () => {
    const store = { url: await startSecured(), ca: pem(files.ca.cert), ...identity() };
    const none = { SSL_CERT_FILE: path.join(dir, 'nothing.crt'), SSL_CERT_DIR: path.join(dir, 'nothing') };
    assert.equal(await printedWith(none, store), 'write');
  });
});

/** A certificate authority, and what it vouches for: a server called localhost and a client. */
function certificates(dir) {
  const file = (name) => path.join(dir, name);
  const openssl = (...args) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...fresh,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    '/CN=test CA',
    '-days',
    '2',
  );
  for (const name of ['localhost', 'client']) {
    openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    fs.writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\n`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-out', `${name}.crt`, '-days', '2', '-extfile', `${name}.ext`],
    );
  }
  const pair = (name) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) });
  return { ca: pair('ca'), server: pair('localhost'), client: pair('client') };
}
