'use strict';
// How a store is reached: user and password, database, unix socket. What a refusal says, and that no error, no
// query and no look at an object ever shows a password.
//
// Which rights a user needs, and what is refused at the start (cluster, eviction): crates/redis/tests/store_connection.rs.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { hostname } = require('node:os');
const { inspect } = require('node:util');
const { Locks, Lock } = require('latchkey');
const { useServers, withoutRedis } = require('./support/redis');
const { errorOf } = require('./support/follow');

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
    // Other versions than this server's do not let a user of these rights name itself; nor does this one then.
    await server.command('ACL', 'SETUSER', 'nameless', 'on', `>${SECRET}`, ...rights.split(' '), '-client');
    await assertKeeps({ url: server.url, user: 'nameless', password: SECRET });
    const guest = await refusal({ url: server.url, user: 'guest', password: SECRET });
    assert.match(guest.message, /does not permit what locks need/);
    // Would not notify those who wait of their grants.
    await server.command('ACL', 'SETUSER', 'mute', 'on', `>${SECRET}`, ...rights.split(' '), '-publish');
    const mute = await refusal({ url: server.url, user: 'mute', password: SECRET });
    assert.match(mute.message, /does not permit what locks need: give the user .* \+publish/);
    const nobody = await refusal({ url: server.url, user: 'nobody', password: SECRET });
    assert.match(nobody.message, /refuses the login/);
  });

  it('at which each connection has a name for people', async () => {
    const server = await start();
    const locks = new Locks({ name: 'access', store: server.url });
    await (await locks.write('key')).release();
    const clients = await server.command('CLIENT', 'LIST');
    const names = [...clients.matchAll(/ name=(\S+)/g)].map(([, name]) => name);
    assert.deepEqual(names, [`latchkey:${hostname()}:${process.pid}`]);
    locks.close();
  });

  it('that speaks no TLS where rediss:// expects it says so', async () => {
    const server = await start();
    const url = server.url.replace('redis:', 'rediss:');
    // The first bytes of TLS are random: the server may take them for a command, or wait for its end.
    for (let i = 0; i < 5; i++) {
      const error = await refusal({ url, connectTimeout: 500 + i });
      assert.match(
        error.message,
        /^The store at .* cannot be reached \(it does not speak TLS there: use redis:\/\//,
      );
    }
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
