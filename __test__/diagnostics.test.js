'use strict';
// The diagnostics channels: what they say of each wait, grant, release and expiry, with timings; and that they say
// and cost nothing without a subscriber.

const { it, afterEach } = require('node:test');
const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { Locks, Lock } = require('latchkey');
const { overScopes, freshName, assertFree } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { errorOf, turn, follow } = require('./support/follow');
const { block } = require('./support/until');

const CHANNELS = ['wait', 'grant', 'release', 'expire', 'lost', 'timeout', 'abort', 'refuse'];

/** @type {(() => void)[]} what ends the subscriptions of the running test */
let subscriptions = [];

function stopListening() {
  for (const stop of subscriptions) stop();
  subscriptions = [];
}

/** Collects [channel, message] of all channels, or of some, until `stopListening`. */
function listen(...channels) {
  const messages = [];
  for (const name of channels.length > 0 ? channels : CHANNELS) {
    const listener = (message, channel) => {
      assert.equal(channel, `latchkey:${name}`);
      messages.push([name, message]);
    };
    diagnostics.subscribe(`latchkey:${name}`, listener);
    subscriptions.push(() => diagnostics.unsubscribe(`latchkey:${name}`, listener));
  }
  return messages;
}

const brief = (messages) => messages.map(([name, { key, mode }]) => `${name} ${key} ${mode}`);

afterEach(() => {
  stopListening();
  for (const name of CHANNELS) assert.equal(diagnostics.hasSubscribers(`latchkey:${name}`), false);
});

overScopes('the channels', (open, { later, name: kind }) => {
  /** What is published of each request of a store: it waits until the store has answered. */
  const waits = (...messages) => (later ? messages : []);

  it('publish a wait, a grant and a release, in order', async () => {
    const locks = open();
    const messages = listen();
    const hold = await locks.write('key');
    const next = locks.read('key', () => {});
    hold.release();
    await next;
    stopListening();
    assert.deepEqual(brief(messages).toSorted(), [
      ...['grant key read', 'grant key write', 'release key read', 'release key write', 'wait key read'],
      ...waits('wait key write'),
    ]);
    const order = brief(messages);
    assert.ok(order.indexOf('wait key read') < order.indexOf('release key write'));
    // The answer of a store to a release, and its message to the next one, are two.
    if (!later) assert.ok(order.indexOf('release key write') < order.indexOf('grant key read'));
    assert.ok(order.indexOf('grant key read') < order.indexOf('release key read'));
  });

  it('say whom it was about, and how long it waited and held', async () => {
    const name = freshName();
    const locks = open(kind === 'private' ? {} : { name });
    // A store's server is met with the first request, which takes its time.
    await (await locks.write('another key')).release();
    const messages = listen();
    const first = await locks.write('key');
    const asked = locks.read('key', { label: 'mine' });
    block(30);
    first.release();
    const second = await asked;
    block(20);
    await second.release();
    stopListening();
    const of = (channel, mode) => messages.find(([c, m]) => c === channel && m.mode === mode)[1];
    const { id } = of('wait', 'read');
    const scope = new Map([
      ['private', 'thread'],
      ['named', 'process'],
      ['stored', 'machines'],
    ]).get(kind);
    const where = { scope, name: kind === 'private' ? null : name };
    assert.deepEqual(of('wait', 'read'), { id, ...where, key: 'key', mode: 'read', label: 'mine' });
    assert.deepEqual([of('grant', 'read').id, of('release', 'read').id], [id, id]);
    assert.notEqual(of('grant', 'write').id, id);
    assert.equal('label' in of('grant', 'write'), false);
    const granted = of('grant', 'read');
    assert.deepEqual(Object.keys(granted).toSorted(), [
      'fence',
      'id',
      'key',
      'label',
      'mode',
      'name',
      'recovered',
      'scope',
      'waited',
    ]);
    assert.equal(granted.fence, second.fence);
    assert.equal(granted.recovered, false);
    assert.ok(granted.waited >= 29.9, `waited ${granted.waited}`);
    assert.ok(of('grant', 'write').waited < granted.waited);
    const released = of('release', 'read');
    assert.deepEqual(Object.keys(released).toSorted(), [
      ...['fence', 'held', 'id', 'key', 'label', 'mode', 'name', 'recovered', 'scope', 'waited'],
    ]);
    assert.equal(released.waited, granted.waited);
    assert.ok(released.held >= 19.9, `held ${released.held}`);
    assert.ok(of('release', 'write').held >= 29.9);
  });

  it('publish an expiry, and no release afterwards', async () => {
    const locks = open({ expiry: 10 });
    const messages = listen();
    const lost = await locks.write('key');
    const next = await locks.write('key', { expiry: 0 });
    lost.release();
    await next.release();
    stopListening();
    assert.equal(messages.filter(([name]) => name === 'expire').length, 1);
    const [, expired] = messages.find(([name]) => name === 'expire');
    assert.equal(expired.fence, lost.fence);
    // From when this thread knew of its grant, which on a busy machine may be a little later.
    if (!later) assert.ok(expired.held >= 5, `held ${expired.held}`);
    assert.equal(messages.filter(([name]) => name === 'release').length, 1);
    const grants = messages.filter(([name]) => name === 'grant').map(([, { recovered }]) => recovered);
    assert.deepEqual(grants, [false, true]);
    const order = messages.map(([name]) => name);
    assert.ok(order.indexOf('expire') < order.lastIndexOf('grant'));
  });

  it('say null for the space of a private one', async () => {
    const locks = new Locks();
    const messages = listen();
    (await locks.tryWrite('key')).release();
    stopListening();
    assert.deepEqual(
      messages.map(([name, message]) => [name, message.name]),
      [
        ['grant', null],
        ['release', null],
      ],
    );
  });

  it('publish a try that succeeds, and one that fails', async () => {
    const locks = open();
    const messages = listen();
    const hold = await locks.tryWrite('key');
    assert.equal(await locks.tryWrite('key'), null);
    assert.equal(await locks.tryRead('key'), null);
    await hold.release();
    stopListening();
    const tried = ['write', 'read'].flatMap((mode) => [...waits(`wait key ${mode}`), `refuse key ${mode}`]);
    assert.deepEqual(brief(messages), [
      ...[...waits('wait key write'), 'grant key write', ...tried, 'release key write'],
    ]);
    for (const [name, { code }] of messages) assert.equal(code, name === 'refuse' ? null : undefined);
  });

  it('say how one left the queue, by the id of its wait, and publish no grant and no release', async () => {
    const locks = open();
    const hold = await locks.tryWrite('key');
    const messages = listen();
    const controller = new AbortController();
    const calls = [
      errorOf(locks.write('key', { timeout: 1 })),
      errorOf(locks.write('key', { signal: controller.signal })),
      errorOf(locks.write('key')),
    ];
    await calls[0];
    controller.abort();
    locks.close();
    await Promise.all(calls);
    hold.release();
    stopListening();
    // By request: the first one's time may be over before the last one has asked.
    const ids = [...new Set(messages.map(([, { id }]) => id))];
    const livesOf = (id) => brief(messages.filter(([, message]) => message.id === id));
    assert.deepEqual(ids.map(livesOf), [
      ['wait key write', 'timeout key write'],
      ['wait key write', 'abort key write'],
      ['wait key write', 'refuse key write'],
    ]);
    const ends = messages.map(([, message]) => message).filter(({ waited }) => waited !== undefined);
    assert.equal(ends.at(-1).code, 'ERR_LOCK_CLOSED');
    for (const { waited } of ends) assert.ok(waited >= 0, `waited ${waited}`);
  });

  it(
    'publish one that is refused at once',
    { skip: later && 'a store refuses nothing at once' },
    async () => {
      const locks = open({ maxPending: 0 });
      const hold = locks.tryWrite('key');
      const messages = listen();
      await errorOf(locks.write('key'));
      await errorOf(open().write(Symbol('bad input')));
      hold.release();
      stopListening();
      assert.deepEqual(brief(messages), ['refuse key write']);
      assert.equal(messages[0][1].code, 'ERR_LOCK_QUEUE_FULL');
      const patient = open();
      const other = patient.tryWrite('key');
      const more = listen();
      await errorOf(patient.write('key', { timeout: 0 }));
      stopListening();
      assert.deepEqual(brief(more), ['timeout key write']);
      other.release();
    },
  );

  it('publish an end of each hold, also of those that a call of several keys gives back', async () => {
    const locks = open();
    const hold = await locks.write('b');
    const messages = listen('grant', 'release', 'timeout');
    await errorOf(locks.write(['a', 'b'], { timeout: later ? 300 : 5 }));
    stopListening();
    const seen = brief(messages);
    assert.deepEqual(seen.toSorted(), ['grant a write', 'release a write', 'timeout b write']);
    await hold.release();
  });

  it('publish each key of several', async () => {
    const locks = open();
    const messages = listen('grant', 'release');
    await locks.write(['b', 'a'], () => {});
    stopListening();
    assert.deepEqual(brief(messages).toSorted(), [
      ...['grant a write', 'grant b write', 'release a write', 'release b write'],
    ]);
  });

  it('say the mode that a downgraded hold has when it is released', async () => {
    const locks = open();
    const messages = listen('release');
    await locks.write('key', (hold) => hold.downgrade());
    stopListening();
    assert.deepEqual(brief(messages), ['release key read']);
  });

  it('may be listened to one by one', async () => {
    for (const name of ['wait', 'grant', 'release', 'expire']) {
      const locks = open();
      const messages = listen(name);
      // One that waits, and one that is taken away.
      const hold = await locks.tryWrite('key');
      const waiting = locks.write('key', { expiry: 5 });
      hold.release();
      await waiting;
      await locks.write('key', () => {});
      stopListening();
      assert.ok(messages.length > 0, `nothing on ${name}`);
      assert.ok(messages.every(([channel]) => channel === name));
    }
  });

  it('stay silent about what was asked before anybody listened', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const early = follow(locks.write('key'));
    const messages = listen();
    hold.release();
    await early.settled;
    await early.value.release();
    assert.deepEqual(messages, []);
    await (await locks.tryWrite('key')).release();
    stopListening();
    assert.deepEqual(brief(messages), [...waits('wait key write'), 'grant key write', 'release key write']);
  });

  it('stay silent once nobody listens any more, and nothing else changes', async () => {
    const locks = open();
    const messages = listen();
    const hold = await locks.write('key');
    const next = follow(locks.write('key'));
    stopListening();
    const { length } = messages;
    hold.release();
    await next.settled;
    next.value.release();
    await turn();
    assert.equal(messages.length, length);
    await assertFree(locks);
  });

  it('never say a time that is no number', async () => {
    const locks = open();
    const messages = listen();
    const random = [...'wrwrwwrrw'];
    await Promise.all(
      random.map((mode, i) =>
        locks[mode === 'w' ? 'write' : 'read']('key', { expiry: i % 2 }, () => turn()).catch(() => {}),
      ),
    );
    stopListening();
    for (const [, { waited = 0, held = 0 }] of messages) {
      assert.ok(waited >= 0 && held >= 0, `waited ${waited}, held ${held}`);
    }
  });
});

overScopes('a subscriber', (open, { later }) => {
  for (const name of ['wait', 'grant', 'release', 'expire']) {
    it(`of ${name} may use locks itself, these and others: no grant gets lost`, async () => {
      const locks = open();
      const own = new Locks();
      let busy = false;
      let seen = 0;
      const listener = () => {
        if (busy) return;
        busy = true;
        seen++;
        own.tryWrite('log').release();
        if (!later) locks.tryWrite('log')?.release();
        else void locks.tryWrite('log').then((hold) => hold?.release());
        void locks.query();
        busy = false;
      };
      diagnostics.subscribe(`latchkey:${name}`, listener);
      subscriptions.push(() => diagnostics.unsubscribe(`latchkey:${name}`, listener));
      const lost = await locks.tryWrite('key', { expiry: 10 });
      const log = [];
      const calls = [0, 1, 2, 3].map((i) =>
        locks[i < 2 ? 'write' : 'read']('key', { timeout: 2000 }, () => void log.push(i)),
      );
      await Promise.all(calls);
      assert.deepEqual(log, [0, 1, 2, 3]);
      assert.equal(lost.signal.aborted, true);
      assert.ok(seen > 0);
      await assertFree(locks);
    });
  }
});

it('the callback APIs are on the same channels', async () => {
  const name = freshName();
  const messages = listen();
  const lock = new Lock(null, null, { name });
  lock.writeLock('key', null, (release) => release());
  new Lock().readLock('key', null, (release) => release());
  stopListening();
  assert.deepEqual(
    messages.map(([channel, message]) => [channel, message.name, message.mode]),
    [
      ['grant', name, 'write'],
      ['release', name, 'write'],
      ['grant', null, 'read'],
      ['release', null, 'read'],
    ],
  );
});

it('nothing is published of a grant that nobody got: the wait was given up before its event was read', async () => {
  const name = freshName();
  const locks = new Locks({ name });
  const thread = new Thread();
  await thread.run(({ open, state }, space) => {
    state.hold = open(space).tryWrite('key');
  }, name);
  const messages = listen();
  const controller = new AbortController();
  const call = errorOf(locks.write('key', { signal: controller.signal }));
  const released = thread.run(({ state }) => state.hold.release());
  // Granted over there, while this thread does not look.
  for (let i = 0; i < 2000 && locks.query().pending.length > 0; i++) block(5);
  controller.abort('given up');
  assert.equal(await call, 'given up');
  assert.deepEqual(brief(messages), ['wait key write', 'abort key write']);
  assert.deepEqual(locks.query(), { held: [], pending: [] });
  await released;
  await thread.terminate();
  locks.close();
});
