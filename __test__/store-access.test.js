'use strict';
// How a store is reached: user and password, database, unix socket, TLS. What a refusal says, and that no error, no
// query and no look at an object ever shows a password.
//
// Which rights a user needs, and what is refused at the start (cluster, eviction): crates/redis/tests/store_connection.rs.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const { Locks, Lock } = require('latchkey');
const { findFreePort } = require('../scripts/redis-server');
const { useServers, withoutRedis } = require('./support/redis');
const { errorOf } = require('./support/watch');

const SECRET = 'correct-horse-battery';

describe('a store', { skip: withoutRedis }, () => {
  const start = useServers();

  /** Asserts that a store with these options keeps locks. */
  async function assertKeeps(store) {
    const locks = new Locks({ name: 'access', store });
    assert.equal(await locks.write('key', { timeout: 10_000 }, ({ mode }) => mode), 'write');
    const snapshot = await locks.query();
    locks.close();
    assert.deepEqual(snapshot, { held: [], pending: [] });
  }

  /** The error with which a store with these options fails every request; it shows no secret. */
  async function refusal(store) {
    const locks = new Locks({ name: 'access', store });
    const errors = await Promise.all(
      [locks.write('key'), locks.tryRead('key'), locks.query(), locks.read(['a', 'b'])].map(errorOf),
    );
    for (const error of errors) {
      assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
      assertNoSecret(error);
      assertNoSecret(error.stack);
    }
    locks.close();
    return errors[0];
  }

  function assertNoSecret(value) {
    const text = inspect(value, { depth: 10, showHidden: true, getters: true });
    assert.ok(!text.includes(SECRET) && !text.includes(encodeURIComponent(SECRET)), text);
  }

  it('with a password', async () => {
    const server = await start('--requirepass', SECRET);
    const { port } = server;
    await assertKeeps(`redis://:${SECRET}@127.0.0.1:${port}`);
    await assertKeeps({ url: server.url, password: SECRET });
    const url = new URL(`redis://:${SECRET}@127.0.0.1:${port}`);
    await assertKeeps(url);
    await assertKeeps({ url, ttl: 1000 });
    await assertKeeps({ url: new URL(server.url), password: SECRET });
    for (const store of [
      server.url,
      `redis://:wrong@127.0.0.1:${port}`,
      { url: server.url, password: `not ${SECRET}` },
    ]) {
      const error = await refusal(store);
      assert.match(
        error.message,
        /^The store at 127\.0\.0\.1:\d+ refuses the login: check store\.user and store\.password/,
      );
    }
  });

  it('with a user who may do no more than locks need', async () => {
    const server = await start();
    const rights =
      '~{latchkey:* resetchannels &{latchkey:* +@connection +subscribe +publish +info +time +evalsha +script|load +@hash +@sortedset +@string +@keyspace';
    await server.command('ACL', 'SETUSER', 'keeper', 'on', `>${SECRET}`, ...rights.split(' '));
    await server.command('ACL', 'SETUSER', 'guest', 'on', `>${SECRET}`, '+@connection');
    await assertKeeps(`redis://keeper:${SECRET}@127.0.0.1:${server.port}`);
    await assertKeeps({ url: server.url, user: 'keeper', password: SECRET });
    const guest = await refusal({ url: server.url, user: 'guest', password: SECRET });
    assert.match(guest.message, /does not permit what locks need/);
    // Would not tell those who wait that they have been granted.
    await server.command('ACL', 'SETUSER', 'mute', 'on', `>${SECRET}`, ...rights.split(' '), '-publish');
    const mute = await refusal({ url: server.url, user: 'mute', password: SECRET });
    assert.match(mute.message, /does not permit what locks need: give the user .* \+publish/);
    const nobody = await refusal({ url: server.url, user: 'nobody', password: SECRET });
    assert.match(nobody.message, /refuses the login/);
  });

  it('with a user who may take locks and not release them: the release says so', async () => {
    const server = await start();
    const rights = ['on', `>${SECRET}`, '~*', '&*', '+@all', '-del'];
    await server.command('ACL', 'SETUSER', 'keeper', ...rights);
    const locks = new Locks({
      name: 'access',
      store: { url: server.url, user: 'keeper', password: SECRET, ttl: 1000 },
    });
    const hold = await locks.write('key');
    const error = await errorOf(hold.release());
    assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
    assert.match(error.message, /does not permit what locks need/);
    await server.command('ACL', 'SETUSER', 'keeper', '+del');
    assert.equal(await locks.write('key', () => 'works'), 'works');
    locks.close();
  });

  it('at a unix socket, and in another database and namespace, each with locks of its own', async () => {
    const server = await start();
    await assertKeeps(`unix://${server.socket}`);
    await assertKeeps(new URL(`unix://${server.socket}`));
    const stores = [server.url, `${server.url}/1`, { url: server.url, namespace: 'mine' }];
    const all = stores.map((store) => new Locks({ name: 'access', store }));
    await server.hasServed('mine');
    const holds = [await all[0].tryWrite('key'), await all[2].tryWrite('key')];
    assert.ok(holds.every((hold) => hold !== null));
    assert.equal(await all[0].tryRead('key'), null);
    await Promise.all(holds.map((hold) => hold.release()));
    all.forEach((locks) => locks.close());
  });

  it('over TLS, which checks both ends', async (t) => {
    if (spawnSync('openssl', ['version']).status !== 0) {
      assert.ok(!process.env.CI, 'openssl is not in PATH');
      return t.skip('openssl is not in PATH');
    }
    const dir = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'latchkey-tls-'));
    t.after(() => fs.rmSync(dir, { recursive: true }));
    const { ca, server: own, client } = certificates(dir);
    const port = await findFreePort();
    const server = await start(
      ...['--tls-port', String(port), '--tls-ca-cert-file', ca.cert, '--tls-auth-clients', 'yes'],
      ...['--tls-cert-file', own.cert, '--tls-key-file', own.key],
    );
    assert.ok(server.port !== port);
    const url = `rediss://localhost:${port}`;
    const pem = (file) => fs.readFileSync(file, 'utf8');
    const identity = { cert: pem(client.cert), key: pem(client.key) };
    await assertKeeps({ url, ca: pem(ca.cert), ...identity });
    await assertKeeps({ url, ca: fs.readFileSync(ca.cert), ...identity });
    // Nobody vouches for the server; the client does not say who it is.
    for (const options of [identity, { ca: pem(ca.cert) }]) {
      const error = await refusal({ url, ...options, connectTimeout: 500, commandTimeout: 500 });
      assert.match(error.message, /^The store at localhost:\d+/);
    }
    const secret = identity.key.split('\n')[1];
    assert.ok(
      !inspect(await refusal({ url, ...identity, connectTimeout: 500 }), { showHidden: true }).includes(
        secret,
      ),
    );
  });

  it('shows its password nowhere', async () => {
    const server = await start('--requirepass', SECRET);
    const store = {
      url: `redis://default:${SECRET}@127.0.0.1:${server.port}`,
      ttl: 1000,
      connectTimeout: 500,
    };
    const locks = new Locks({ name: 'secret', store });
    const lock = new Lock(null, null, { name: 'secret', store });
    const hold = await locks.write('key');
    const waiting = locks.read('key');
    [locks, lock, hold, hold.signal, await locks.query(), waiting].forEach(assertNoSecret);
    await hold.release();
    await (await waiting).release();
    await server.kill();
    for (const call of [locks.write('key', { timeout: 50 }), locks.query()])
      assertNoSecret(await errorOf(call));
    locks.close();
    const wrong = { ...store, ttl: 'soon' };
    for (const make of [
      () => new Locks({ name: 'secret', store: wrong }),
      () => new Locks({ name: 'secret', store: { url: `redis://u:${SECRET}@host:port` } }),
      () => new Locks({ name: 'secret', store: { url: server.url, password: SECRET, database: -1 } }),
      () => new Locks({ name: 'secret', store: `http://u:${SECRET}@host` }),
      () => new Locks({ store }),
    ]) {
      assert.throws(make, (error) => {
        assertNoSecret(error);
        return ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE'].includes(error.code);
      });
    }
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
